"""Seeded chaos: several desks at once, workers killed, stopped and flooded, connections and messages lost.

The same seed makes the same choices in the same order; what the operating system makes of them
in time differs from run to run.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings

from companies.models import Company
from portal_driver.contract import Click
from tests.database import superuser
from tests.faults import matrix
from tests.faults.campaign import Campaign, Fault
from tests.faults.nursery import continue_all, end
from tests.faults.oracles import violations

FLOOD = 5  # workers that are rung for one card at once
HAPPENINGS = ("nothing", "nothing", "kill", "stop", "database", "flood")
# The model driver is told where to die; the real one, or its browser, is killed at any moment.
IN_A_BROWSER = ("driver", "driver", "browser", "browser")
SITTING_S = {False: 0.5, True: 6.0}  # about so long a sitting takes


@dataclass
class Figures:
    """What was done and what came of it."""

    seed: int
    seconds: float = 0.0
    companies: int = 0
    rounds: int = 0
    sittings: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def injected(self) -> int:
        return self.faults.total()

    def add(self, more: Figures) -> None:
        """What came of a further batch."""
        self.seconds += more.seconds
        self.rounds += more.rounds
        self.sittings += more.sittings
        self.faults += more.faults
        self.violations += more.violations

    def in_words(self) -> str:
        """The line that counts: what was done twice, what was lost, what else did not hold."""
        twice = sum(one.startswith(("O1", "O3", "epoch")) for one in self.violations)
        lost = sum(one.startswith(("O2", "lost")) for one in self.violations)
        return (
            f"seed {self.seed}: {self.injected} faults, {self.companies} companies, {self.sittings} sittings "
            f"in {self.seconds:.0f} s; done twice: {twice}, lost: {lost}, "
            f"else: {len(self.violations) - twice - lost}"
        )

    @classmethod
    def kept_in(cls, file: Path | None) -> Figures | None:
        """What an earlier run came to; None where there was none."""
        if file is None or not file.exists():
            return None
        kept = json.loads(file.read_text())
        return cls(**kept | {"faults": Counter(kept["faults"])})

    def keep(self, file: Path | None) -> None:
        """Let a later run go on from here."""
        if file is not None:
            file.write_text(json.dumps(vars(self), indent=1))


def unleash(played: Campaign, *, seed: int, seconds: float, at_most: int = 0) -> Figures:
    """Chaos for so long (or so many faults), then peace until everybody is complete; the figures.

    Companies that are complete take no more faults; chaos ends when fewer are left than there are desks: the
    last ones would meet one fault after another, each alone.
    """
    rng = random.Random(seed)  # replayed, not secret
    figures, began = Figures(seed), time.monotonic()
    left = list(played.companies)
    while (
        len(left) >= len(played.desks)
        and time.monotonic() - began < seconds
        and not (at_most and figures.injected >= at_most)
    ):
        figures.rounds += 1
        chosen = rng.sample(left, min(len(played.desks), len(left)))
        _round(played, rng, chosen, figures)
        played.let_time_pass()
        played.sweep()
        for company in chosen:
            played.act(company)
        figures.violations += violations(played, at_the_end=False)
        left = [company for company in left if company.pk not in played.complete()]
    for company in left:
        played.carry_through(company, [])
    figures.violations += violations(played)
    figures.seconds = time.monotonic() - began
    figures.sittings = played.sittings
    return figures


def _round(played: Campaign, rng: random.Random, chosen: list[Company], figures: Figures) -> None:
    """Each desk gets a company's card; most sittings meet faults; then something happens to all at once."""
    for reader in range(len(played.desks)):
        played.portal.remove(reader + 1)
    workers: list[int] = []
    given: list[Fault] = []
    deaths = played.portal.deaths
    for desk, company in enumerate(chosen):
        played.portal.approve(company.uscc)
        fault = _fate(rng, played.next_click(company), in_browser=played.in_browser)
        workers.append(played.begin(company, fault, desk=desk, alone=False))
        given.append(fault)
    happening = rng.choice(HAPPENINGS + (IN_A_BROWSER if played.in_browser else ()))
    if happening != "nothing":
        time.sleep(rng.uniform(0.0, SITTING_S[played.in_browser]))
        if happening in IN_A_BROWSER:
            victim = rng.choice(workers)
            struck_it = played.kill_driver(victim, browser=happening == "browser")
            figures.faults[f"{happening}: killed"] += struck_it
        else:
            figures.faults[f"all at once: {happening}"] += 1
            workers += _happen(happening, played, rng, workers)
    statuses = [played.outlast(worker) for worker in workers]
    for worker in workers:
        end(worker)
    # Only what struck counts: not every point is on every run's way.
    troubles = played.portal.end_troubles()
    struck = [fault for fault, status in zip(given, statuses, strict=False) if fault.point and status]
    figures.faults.update(f"worker: {fault.how} at {fault.point}" for fault in struck)
    figures.faults.update(f"machine: {fault.machine}" for fault in given if fault.machine)
    figures.faults.update(f"portal: {one.kind}" for one in troubles)
    figures.faults["driver: killed"] += played.portal.deaths - deaths


@cache
def _fitting(click: Click | None) -> tuple[list[Fault], list[Fault], list[Fault]]:
    """Faults of workers, of drivers and of the portal that can strike in a sitting with this click."""
    faults = matrix.fitting(click)
    return (
        [fault for fault in faults if fault.point or fault.machine],
        [fault for fault in faults if fault.driver],
        [fault for fault in faults if fault.trouble],
    )


def _fate(rng: random.Random, click: Click | None, *, in_browser: bool) -> Fault:
    """What one sitting meets: often the portal's fault and one of ours together, now and then nothing."""
    workers, drivers, troubles = _fitting(click)
    if in_browser:
        drivers = []
    fate = rng.choices((rng.choice(workers), rng.choice(drivers or workers), Fault()), (7, 2, 1))[0]
    return replace(fate, trouble=rng.choice(troubles).trouble) if rng.random() < 0.5 else fate


def _happen(what: str, played: Campaign, rng: random.Random, workers: list[int]) -> list[int]:
    """Something that is not about one point; returns the workers that it added."""
    if what == "kill":
        end(rng.choice(workers))
    elif what == "stop":
        for worker in workers:
            played.stop(worker)
        time.sleep(rng.uniform(0.0, 0.3))
        continue_all(*workers)
    elif what == "database":
        with psycopg.connect(superuser("postgres"), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND usename = 'xubao_app' AND pid <> pg_backend_pid()",
                [str(settings.DATABASES["default"]["NAME"])],
            )
        played.reconnect()
    elif what == "flood":
        desk = rng.randrange(len(played.desks))
        return [played.ring(desk) for _ in range(FLOOD)]
    return []
