"""A renewal from the inserted card to the received policy: real driver, browser, simulator, Postgres."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from agency.models import User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Channel
from renewals import drivers
from renewals.domain.desks import Notice, card_said
from renewals.domain.keeping import path_of
from renewals.driving import make_plan
from renewals.models import Desk, Evidence, Intent, IntentState, Policy, Run, StageState, State
from renewals.sitting import sit
from tests.database import OUR_AGENCY, superuser
from tests.renewals.runs import claim, stages_of
from tests.renewals.season import PIN, Season, our_side, simulate

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("committed")]
NOTHING = {"confirm": 0, "seal": 0, "sign": 0, "authorize": 0, "receipt": 0}


@contextmanager
def season(
    settings: pytest.FixtureRequest,
    tmp_path: Path,
    *,
    vault_pin: str = PIN,
    authorized_before: bool = True,
    card_is_silent: bool = False,
) -> Iterator[Season]:
    company, card, desk, renewal, _mei = our_side(vault_pin=vault_pin)
    portal = simulate(company, authorized_before=authorized_before, card_is_silent=card_is_silent)
    with portal as simulator:
        settings.PORTAL_URL = simulator.portal  # type: ignore[attr-defined]
        settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
        with scope(OUR_AGENCY):
            Desk.objects.update(control=simulator.controls[0])
        yield Season(simulator, company, card, desk, renewal)


def test_from_the_card_to_the_policy(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings.DRIVER_READY_S = 60  # type: ignore[attr-defined]
    with season(settings, tmp_path) as played:
        rested = played.insert_card_and_sit()
        assert (rested.state, rested.application_number != "") == (State.SUBMITTED, True)
        played.simulator.approve(played.company.uscc)
        played.let_the_look_be_due()
        waiting = drivers._ready[played.desk.pk].driver
        rested = played.insert_card_and_sit()
        assert rested.state == State.COMPLETE
        assert waiting.process.poll() is not None  # the run was its own
        drivers.dismiss_all()
        assert played.presses() == NOTHING | {"confirm": 1, "receipt": 1}
        assert stages_of(rested) == {
            "confirmation": StageState.DONE,
            "sealing": StageState.SKIPPED,
            "signing": StageState.SKIPPED,
            "authorization": StageState.SKIPPED,
            "receipt": StageState.DONE,
        }
        policy = played.in_agency(Policy.objects.get)
        assert policy.received_at is not None
        assert path_of(policy.file).read_bytes().startswith(b"%PDF")
        kept = played.in_agency(lambda: list(Evidence.objects.all()))
        assert len({piece.chain for piece in kept}) == len(kept) > 3
        assert sum(piece.size for piece in kept) < 3 * 1024 * 1024


@pytest.mark.long  # the demo's first-time companies go the same way every day: `test_demo.py`
def test_a_company_that_never_authorised_goes_through_all_stages(
    settings: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with season(settings, tmp_path, authorized_before=False) as played:
        rested = played.insert_card_and_sit()
        assert rested.state == State.SUBMITTED
        assert played.presses() == {"confirm": 1, "seal": 1, "sign": 1, "authorize": 1, "receipt": 0}
        assert set(stages_of(rested).values()) == {StageState.DONE, StageState.PENDING}


def test_a_lost_answer_is_looked_up_and_never_pressed_again(
    settings: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with season(settings, tmp_path) as played:
        played.simulator.fault("answer_lost_after_deed", played.company.uscc, screen="confirm")
        rested = played.insert_card_and_sit()
        assert rested.state == State.UNKNOWN
        assert played.presses() == NOTHING | {"confirm": 1}
        played.simulator.clear_faults()
        played.let_the_look_be_due()
        rested = played.insert_card_and_sit()
        assert rested.state == State.SUBMITTED
        assert played.presses() == NOTHING | {"confirm": 1}
        assert played.in_agency(Intent.objects.get).state == IntentState.CONFIRMED


def test_a_driver_killed_in_the_middle_of_the_click_presses_nothing_twice(
    settings: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with season(settings, tmp_path) as played:
        played.simulator.fault("slow", played.company.uscc, screen="confirm", seconds=60)
        when_pressed(played, kill_the_driver)
        rested = played.insert_card_and_sit()
        assert rested.state == State.UNKNOWN
        played.simulator.clear_faults()
        played.let_the_look_be_due()
        played.insert_card_and_sit()
        assert played.presses()["confirm"] == 1


def test_a_wrong_pin_costs_one_try_and_no_more(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    with season(settings, tmp_path, vault_pin="31415926") as played:
        rested = played.insert_card_and_sit()
        assert (rested.state, rested.reason) == (State.ATTENTION, "pin_refused")
        assert played.in_agency(Card.objects.get).is_quarantined
        played.let_the_look_be_due()
        played.insert_card_and_sit()
        assert played.tries_spent() == 1
        assert played.in_agency(Desk.objects.get).notice == Notice.QUARANTINED
        assert played.in_agency(Run.objects.count) == 1


def test_another_card_in_the_reader_touches_nothing(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    with season(settings, tmp_path) as played:
        with scope(OUR_AGENCY):
            Card.objects.update(number="C449999999999")
        played.simulator.insert(1, played.card.number)
        sit(played.desk.agency_id, played.desk.pk)
        assert played.in_agency(Desk.objects.get).notice == Notice.UNKNOWN_CARD
        assert played.in_agency(Run.objects.count) == 0


def test_a_card_that_tells_nothing_is_worked_on_a_persons_word_and_for_one_sitting(
    settings: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with season(settings, tmp_path, card_is_silent=True) as played:
        with scope(OUR_AGENCY):
            Desk.objects.update(reads_cards=False)
            desk = Desk.objects.get()
            assert card_said(desk, played.card, by=User.objects.get(email="mei@lingnan.example"))
        assert played.insert_card_and_sit().state == State.SUBMITTED
        played.let_the_look_be_due()
        assert played.insert_card_and_sit().state == State.SUBMITTED
        assert played.in_agency(Run.objects.count) == 1
        assert played.in_agency(Desk.objects.get).notice == Notice.SAY_WHICH


def test_a_worker_that_lost_its_renewal_ends_its_driver(
    settings: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renewals.domain.claiming.HEARTBEAT_S", 0.5)
    with season(settings, tmp_path) as played:
        when_running(played, take_the_renewal_away)
        played.insert_card_and_sit()
        assert played.presses() == NOTHING
        assert driver_processes() == []


@pytest.mark.long  # the canary looks in these places, and in more, every day: `test_canary.py`
def test_the_pin_is_nowhere(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    with season(settings, tmp_path) as played:
        played.insert_card_and_sit()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert stored.count(PIN.encode()) == 0
    assert whole_database().count(PIN) == 0


# --- in the middle of a run -------------------------------------------------------------------


def when_pressed(played: Season, act: Callable[[Season], None]) -> None:
    """Act once the portal has received 确认投保."""
    _when(lambda: played.presses()["confirm"] == 1, played, act)


def when_running(played: Season, act: Callable[[Season], None]) -> None:
    """Act once the renewal runs."""
    _when(lambda: played.now().state == State.RUNNING, played, act)


def _when(is_so: Callable[[], bool], played: Season, act: Callable[[Season], None]) -> None:
    def watch() -> None:
        pause = threading.Event()
        while not is_so():
            pause.wait(0.05)
        act(played)
        connection.close()

    threading.Thread(target=watch, daemon=True).start()


def kill_the_driver(_played: Season) -> None:
    for pid in driver_processes():
        os.killpg(pid, signal.SIGKILL)


def take_the_renewal_away(played: Season) -> None:
    with scope(OUR_AGENCY):
        type(played.renewal).objects.update(epoch=99)


def driver_processes() -> list[int]:
    """The drivers that this very process started: as programs, or by its fork server."""
    forked = (
        pid
        for server, arguments in _children(os.getpid())
        if arguments.endswith("serve")
        for pid, _ in _children(server)
    )
    return [
        *forked,
        *(pid for pid, arguments in _children(os.getpid()) if arguments.endswith("-m portal_driver")),
    ]


def _children(parent: int) -> list[tuple[int, str]]:
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [
        (int(pid), arguments)
        for pid, arguments in (line.split(maxsplit=1) for line in found.stdout.splitlines())
    ]


def whole_database() -> str:
    """Every row of every table, as text."""
    with psycopg.connect(superuser(str(django_settings.DATABASES["default"]["NAME"]))) as admin:
        tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(
            str(admin.execute(f'SELECT t::text FROM "{table}" t').fetchall())  # noqa: S608
            for (table,) in tables
        )


@pytest.mark.parametrize(
    ("channel", "headless", "planned"),
    [
        ("", True, ("/a/browser", Channel.ANY, True)),
        ("chrome", False, ("", Channel.CHROME, False)),
    ],
)
def test_the_plan_names_the_desks_browser(
    settings: pytest.FixtureRequest,
    tmp_path: Path,
    channel: str,
    headless: bool,
    planned: tuple[str, Channel, bool],
) -> None:
    settings.PORTAL_BROWSER_CHANNEL = channel  # type: ignore[attr-defined]
    settings.PORTAL_HEADLESS = headless  # type: ignore[attr-defined]
    settings.PLAYWRIGHT_CHROMIUM = "/a/browser"  # type: ignore[attr-defined]
    _company, card, desk, _renewal, _mei = our_side()
    run = claim(card, desk)

    with scope(OUR_AGENCY):
        plan = make_plan(run, card, desk, tmp_path)

    assert (plan.browser, plan.channel, plan.headless) == planned
