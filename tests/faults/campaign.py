"""One company after another through faults, with a person who does what the reasons ask for.

Nothing here waits for real time: moments in the database are moved into the past instead.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections
from django.utils import timezone

from agency.models import Agency, Role, User
from agency.tenancy import scope
from companies.domain.cards import lift_quarantine, store_pin
from companies.models import Card, Company
from portal_driver.contract import Click
from portal_driver.simulator.companies import companies_from
from renewals.domain import claiming
from renewals.domain.attention import retry, retry_stage
from renewals.domain.queueing import queue_companies
from renewals.domain.sweeping import sweep
from renewals.models import Desk, Renewal, StageName, State
from renewals.reasons import EngineReason
from tests.cast import YEAR, make_company, make_person
from tests.database import OUR_AGENCY, superuser
from tests.faults.browser_portal import BrowserPortal
from tests.faults.nursery import Nursery, continue_all, end, until
from tests.faults.portal import ModelPortal, Trouble
from tests.renewals.season import PIN, on_the_portal

# Columns that say when something is due or ends: time passes by moving them back.
_MOMENTS = {
    "renewals_renewal": ("lease_until", "look_at"),
    "renewals_desk": ("sitting_until",),
    "renewals_intent": ("first_absent_at",),
    "renewals_pause": ("probe_at", "ended_at"),
}
# Longer than any pause of the engine, so that whatever waits is due.
A_DAY_S = 26 * 3600.0
# After so long a run waits for somebody's lease to end, in most cases.
PATIENCE_S = {False: 5.0, True: 60.0}
PRIMED_AT_MOST = 60  # sittings until a company must be complete: far more than any fault needs


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one sitting."""

    point: str = ""
    how: str = ""
    click: str = ""
    driver: str = ""  # the query of the model driver's address: die=…, stop=…
    trouble: Trouble | None = None
    machine: str = ""  # one of `points.MACHINES`

    @property
    def of_click(self) -> str:
        """The click without which it does not strike; empty for none."""
        told = parse_qs(self.driver).get("click", [""])[0]
        return self.click or told or (self.trouble.deed if self.trouble else "")

    def __str__(self) -> str:
        parts = [self.how, self.point, self.click, self.driver, self.machine]
        if self.trouble:
            parts += [self.trouble.kind, self.trouble.deed]
        return " ".join(part for part in parts if part) or "none"


@dataclass
class Campaign:
    """A portal, workers that die, and our rows: what the faults are tried on."""

    portal: ModelPortal | BrowserPortal
    nursery: Nursery
    companies: list[Company]
    desks: list[Desk]
    mei: User
    media: Path
    mutant: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    sittings: int = 0
    acts: Counter[str] = field(default_factory=Counter)

    @property
    def in_browser(self) -> bool:
        """Whether the real driver works here, in a browser."""
        return isinstance(self.portal, BrowserPortal)

    # --- sittings -------------------------------------------------------------------------------

    def card(self, company: Company) -> Card:
        with scope(OUR_AGENCY):
            return company.cards.get()

    def begin(self, company: Company, fault: Fault = Fault(), *, desk: int = 0, alone: bool = True) -> int:
        """The company's card goes in and a worker sits down; returns its process id.

        Unless it is `alone`, the cards at the other desks stay where they are.
        """
        if alone:
            for reader in range(len(self.desks)):
                self.portal.remove(reader + 1)
        self.portal.insert(desk + 1, self.card(company).number)
        if fault.trouble:
            self.portal.trouble(fault.trouble, company.uscc)
        if fault != Fault():
            self.faults[str(fault)] += 1
        return self.ring(desk, fault)

    def ring(self, desk: int, fault: Fault = Fault()) -> int:
        """A worker is rung at a desk, whatever card is in; returns its process id."""
        self.sittings += 1
        told = "&".join(part for part in (fault.driver, self._driver_mutant()) if part)
        order: dict[str, Any] = {
            "settings": {"PORTAL_URL": self.portal.plan_address(told), "MEDIA_ROOT": str(self.media)},
            "mutant": self.mutant,
            "browser": self.in_browser,
            "machine": fault.machine,
        }
        if fault.point:
            order |= {"point": fault.point, "how": fault.how, "click": fault.click}
            order["superuser"] = superuser(str(settings.DATABASES["default"]["NAME"]))
        return self.nursery.sit(OUR_AGENCY, self.desks[desk].pk, **order)

    def kill_driver(self, worker: int, *, browser: bool) -> bool:
        """Kill a worker's driver, or the browser below it; whether there was one."""
        found = [
            pid for driver in _drivers(worker) for pid in ([driver] if not browser else _browsers(driver))
        ]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def stop(self, worker: int) -> None:
        """Let a worker stand still, if it lives."""
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)

    def reconnect(self) -> None:
        """Our own connections may have been cut with the workers'."""
        for connection in connections.all(initialized_only=True):
            connection.close()

    def sit(self, company: Company, fault: Fault = Fault(), *, desk: int = 0) -> int:
        """One whole sitting; how its worker ended."""
        ended = self.nursery.wait(self.begin(company, fault, desk=desk))
        self.portal.end_troubles()
        return ended

    def outlast(self, worker: int) -> int:
        """Until a worker among several has ended; how it did.

        Meanwhile the sweep goes on, as each minute: a run may wait for another company's, whose worker died.
        """
        while (ended := self.nursery.wait_a_while(worker, within_s=PATIENCE_S[self.in_browser])) is None:
            self.let_time_pass(claiming.LEASE.total_seconds(), at_the_portal=False)
            self.sweep()
        return ended

    def _driver_mutant(self) -> str:
        return f"mutant={self.mutant}" if self.mutant in ("gate", "fence") else ""

    # --- time, the sweep, and the person ----------------------------------------------------------

    def let_time_pass(self, seconds: float = A_DAY_S, *, at_the_portal: bool = True) -> None:
        """So much later, for us and, unless told otherwise, for what the portal does late."""
        if at_the_portal:
            self.portal.let_time_pass()
        move_moments(seconds)

    def sweep(self) -> None:
        if self.mutant != "sweep":
            sweep()

    def act(self, company: Company) -> None:
        """The person at the agency does what the renewal's reason asks for."""
        renewal = self.now(company)
        with scope(OUR_AGENCY):
            card = company.cards.get()
            if card.is_quarantined:
                self.acts["lift quarantine"] += 1
                lift_quarantine(card, by=self.mei, why="checked")
                store_pin(card, PIN, by=self.mei)
            if renewal.state not in (State.ATTENTION, State.REFUSED):
                return
            self.acts[renewal.reason] += 1
            if renewal.reason == EngineReason.PRESSED_TWICE:
                # The person has looked at the portal, which does not show this step as done.
                retry_stage(renewal, StageName(renewal.stage), by=self.mei, why="looked")
            else:
                retry(renewal, by=self.mei, why=f"after {renewal.reason}")

    def now(self, company: Company) -> Renewal:
        with scope(OUR_AGENCY):
            return Renewal.objects.get(company=company)

    def complete(self) -> set[UUID]:
        """The companies that came to their end."""
        with scope(OUR_AGENCY):
            return set(Renewal.objects.filter(state=State.COMPLETE).values_list("company_id", flat=True))

    def next_click(self, company: Company) -> Click | None:
        """What the next sitting will press, if it gets so far; None where it only looks."""
        renewal = self.now(company)
        if renewal.state != State.WAITING and renewal.stage != StageName.RECEIPT:
            return None
        return next((click for click in Click if click.stage.value == renewal.stage), None)

    # --- a company's whole life --------------------------------------------------------------------

    def carry_through(self, company: Company, faults: Sequence[Fault]) -> Renewal:
        """Bring a company to its end, one fault a sitting until there are none left, then without.

        Whoever comes back is not complete only if something was lost.
        """
        left = list(faults)
        for _ in range(PRIMED_AT_MOST + len(left)):
            renewal = self.now(company)
            if renewal.state in (State.COMPLETE, State.CANCELLED) and not left:
                break
            if renewal.state == State.COMPLETE:
                break
            self.portal.approve(company.uscc)
            self.sit(company, left.pop(0) if left else Fault())
            self.let_time_pass()
            self.sweep()
            self.act(company)
        self.portal.remove(1)
        return self.now(company)

    def in_agency[T](self, ask: Callable[[], T]) -> T:
        """What our agency sees."""
        with scope(OUR_AGENCY):
            return ask()

    # --- a holder that sleeps for longer than its lease ---------------------------------------------

    def with_a_sleeper(self, company: Company, fault: Fault) -> None:
        """A worker or its driver is stopped; another does the work; then the sleeper wakes up."""
        in_driver = fault.driver.startswith("stop=")
        worker = self.begin(company, fault)
        if in_driver:
            until(lambda: _stopped(_drivers(worker)))
            os.kill(worker, signal.SIGSTOP)
        self.nursery.wait(worker, stopped=True)
        drivers = _drivers(worker)
        self.let_time_pass()
        self.sweep()
        for _ in range(3):  # two readings, and what is left
            self.sit(company)
            self.let_time_pass()
            self.sweep()
        continue_all(*drivers)
        until(lambda: not any(_is_alive(pid) for pid in drivers), within_s=5.0 if in_driver else 0.0)
        continue_all(worker)
        self.nursery.wait(worker)
        end(worker)


def move_moments(seconds: float = A_DAY_S) -> None:
    """Let everything that is due or ends at a moment be so much nearer, for all agencies."""
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        for table, columns in _MOMENTS.items():
            moved = ", ".join(f"{one} = {one} - make_interval(secs => {seconds})" for one in columns)
            admin.execute(f"UPDATE {table} SET {moved}")  # noqa: S608  # ours


@contextmanager
def campaign(
    directory: Path,
    *,
    companies: int = 1,
    desks: int = 1,
    mutant: str = "",
    authorized_before: bool = False,
    browser: bool = False,
) -> Iterator[Campaign]:
    """Everything that a campaign needs, in the current database, whose rows are committed.

    With `browser` the real driver works in a browser on the simulator.
    """
    agency = Agency(pk=OUR_AGENCY)
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    rows = [make_company(agency, place, f"第{place}号贸易有限公司") for place in range(1, companies + 1)]
    raw = {"companies": [on_the_portal(row, authorized_before=authorized_before) for row in rows]}
    known = companies_from(raw, today=timezone.localdate())
    names = {alias: str(config["NAME"]) for alias, config in settings.DATABASES.items()}
    with (
        (BrowserPortal if browser else ModelPortal)(known, year=YEAR, desks=desks) as portal,
        Nursery(names, directory / "workers.log") as nursery,
    ):
        with scope(OUR_AGENCY):
            for row in rows:
                store_pin(row.cards.get(), PIN, by=mei)
            seats = [
                Desk.objects.create(
                    name=f"{place} 号读卡台", code=f"f{os.getpid()}-{place}-{random.getrandbits(32):x}",
                    control=control,
                )
                for place, control in enumerate(portal.controls, start=1)
            ]  # fmt: skip
            queue_companies([row.pk for row in rows], year=YEAR, name="故障", by=mei)
        yield Campaign(portal, nursery, rows, seats, mei, directory / "files", mutant)


def _drivers(worker: int) -> list[int]:
    """The driver processes that a worker started."""
    return _children().get(worker, [])


def _browsers(driver: int) -> list[int]:
    """The browser's first process below a driver: the child of Playwright's own, which is the driver's."""
    children = _children()
    return [browser for playwright in children.get(driver, []) for browser in children.get(playwright, [])]


def _children() -> dict[int, list[int]]:
    """The processes that each process started and that live."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    return found


def _stopped(pids: list[int]) -> bool:
    return bool(pids) and all(_state(pid) == "T" for pid in pids)


def _is_alive(pid: int) -> bool:
    return _state(pid) not in ("", "Z")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""
