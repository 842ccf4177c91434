"""Any order of claims, clicks, crashes, lapses and people's acts: hypothesis looks for one that goes wrong.

The engine's own functions against a model of the portal, without processes: what a driver would
say is said here, also by runs that have lost their renewal long ago.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agency.models import Agency, Role
from agency.tenancy import scope
from portal_driver.contract import Armed, Click, Finished, Outcome, Reading, Reason, Standing
from renewals.domain import attention, claiming, intents, pausing, settling
from renewals.domain.sweeping import end_lease
from renewals.models import OPEN_INTENT, Desk, Intent, Pause, Renewal, Run, StageName, State
from renewals.reasons import EngineReason
from tests.cast import make_company, make_person, make_renewal
from tests.database import OUR_AGENCY

APPLYING = (Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE)
OVER = (State.COMPLETE, State.CANCELLED)


@dataclass
class Portal:
    """What is done at the portal, and what it does late."""

    done: list[Click] = field(default_factory=list)
    late: list[Click] = field(default_factory=list)
    repeats: Counter[Click] = field(default_factory=Counter)
    approved: bool = False

    @property
    def next(self) -> Click | None:
        """The click that the portal asks for now."""
        if len(self.done) < len(APPLYING):
            return APPLYING[len(self.done)]
        return Click.RECEIPT if self.approved and Click.RECEIPT not in self.done else None

    def press(self, click: Click, effect: str) -> None:
        if click in self.done or click in self.late:
            self.repeats[click] += 1
        elif effect == "done":
            self.done.append(click)
        elif effect == "late":
            self.late.append(click)

    def reading(self) -> Reading:
        submitted = len(self.done) >= len(APPLYING)
        standings = {click: Standing.DONE if click in self.done else Standing.NOT_DONE for click in Click}
        if submitted:
            # The list proves the first click; of the others it says that they are not asked for.
            standings |= dict.fromkeys(APPLYING[1:], Standing.SKIPPED)
        return Reading(standings, application="SQ1" if submitted else "")


@dataclass
class Driver:
    """A run as its driver knows it: what it saw, what it may press. Dead when another took the card."""

    run: Run
    sees: Click | None = None
    may_press: Click | None = None
    pressed: Click | None = None
    is_alive: bool = True
    has_worker: bool = True


class RenewalMachine(RuleBasedStateMachine):
    """One company, one desk, any number of runs."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        agency = Agency(pk=OUR_AGENCY)
        self.mei = make_person("machine@lingnan.example", "Mei", agency, Role.STAFF)
        company = make_company(agency, 1, "广州市宏达贸易有限公司")
        self.renewal = make_renewal(company, self.mei)
        with scope(OUR_AGENCY):
            self.card = company.cards.get()
            self.desk = Desk.objects.create(name="1", code="machine", control="ws://127.0.0.1:1")
        self.portal, self.drivers = Portal(), list[Driver]()

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            transaction.set_rollback(True)
            self.whole.__exit__(None, None, None)

    # --- what can happen ------------------------------------------------------------------------

    @rule()
    def claim(self) -> None:
        with scope(OUR_AGENCY):
            run = claiming.claim_for_card(self.card, desk=self.desk, worker="w", profile="2024")
        if run is not None:
            for older in self.drivers:
                older.is_alive = False  # the fence: whoever takes the card ends its holder first
            self.drivers.append(Driver(run))

    @precondition(lambda self: self.drivers)
    @rule(which=st.integers(0, 9), complete=st.booleans())
    def read(self, which: int, complete: bool) -> None:
        driver = self.pick(which)
        if not (driver.is_alive and driver.has_worker) or driver.may_press:
            return
        reading = self.portal.reading()
        if not complete:
            reading = Reading(dict.fromkeys(Click, Standing.UNREAD))
        if self.heard(lambda: intents.read(driver.run, reading)):
            driver.sees = self.portal.next if complete else None

    @precondition(lambda self: self.drivers)
    @rule(which=st.integers(0, 9))
    def arm(self, which: int) -> None:
        driver = self.pick(which)
        if driver.sees is None or not driver.has_worker or driver.may_press or driver.pressed:
            return
        click = driver.sees
        answers: list[object] = []
        self.heard(lambda: answers.append(intents.arm(driver.run, click, page_sha256="d" * 64)))
        if driver.is_alive and answers and isinstance(answers[0], Armed):
            driver.may_press = click

    @precondition(lambda self: self.drivers)
    @rule(
        which=st.integers(0, 9), effect=st.sampled_from(["done", "done", "lost", "late"]), told=st.booleans()
    )
    def press(self, which: int, effect: str, told: bool) -> None:
        driver = self.pick(which)
        if driver.may_press is None or not driver.is_alive:
            return
        driver.pressed, driver.may_press = driver.may_press, None
        self.portal.press(driver.pressed, effect)
        click = driver.pressed
        if told and driver.has_worker:
            self.heard(lambda: intents.fired(driver.run, click, request_sha256="d" * 64))
        if effect != "done":
            driver.sees = None

    @precondition(lambda self: self.drivers)
    @rule(which=st.integers(0, 9))
    def confirm(self, which: int) -> None:
        driver = self.pick(which)
        if driver.pressed in self.portal.done and driver.has_worker:
            click = driver.pressed
            self.heard(lambda: intents.confirmed(driver.run, click, proof="p"))
            driver.pressed, driver.sees = None, self.portal.next if driver.is_alive else None

    @precondition(lambda self: self.drivers)
    @rule(which=st.integers(0, 9), down=st.booleans())
    def finish(self, which: int, down: bool) -> None:
        driver = self.pick(which)
        if driver.has_worker:
            self.heard(lambda: settling.settle(driver.run, self.end_of(driver, down=down)))
            driver.is_alive = driver.has_worker = False

    @precondition(lambda self: self.drivers)
    @rule(which=st.integers(0, 9), worker=st.booleans())
    def die(self, which: int, worker: bool) -> None:
        driver = self.pick(which)
        driver.is_alive = False
        if worker:
            driver.has_worker = False

    @rule()
    def let_the_lease_run_out(self) -> None:
        with scope(OUR_AGENCY):
            Renewal.objects.filter(lease_until__isnull=False).update(lease_until=Now() - timedelta(seconds=1))
        end_lease(OUR_AGENCY, self.renewal.pk)

    @rule(late=st.booleans())
    def let_time_pass(self, late: bool) -> None:
        day = timedelta(days=1)
        with scope(OUR_AGENCY):
            Renewal.objects.filter(look_at__isnull=False).update(look_at=Now() - timedelta(seconds=1))
            Intent.objects.update(first_absent_at=F("first_absent_at") - day)
            Pause.objects.update(ended_at=F("ended_at") - day, probe_at=F("probe_at") - day)
        if late:
            self.portal.done += [click for click in self.portal.late if click not in self.portal.done]
            self.portal.late.clear()

    @rule()
    def approve(self) -> None:
        self.portal.approved = len(self.portal.done) >= len(APPLYING)

    @rule(act=st.sampled_from(["retry", "pause", "resume", "cancel"]))
    def person(self, act: str) -> None:
        with scope(OUR_AGENCY):
            try:
                if act == "pause":
                    pausing.pause(by=self.mei, why="x", batch=self.renewal.batch)
                elif act == "resume":
                    for begun in pausing.in_force():
                        pausing.resume(begun, by=self.mei, why="y")
                elif act == "retry":
                    attention.retry(self.renewal, by=self.mei)
                elif len(self.portal.done) == 0 and not self.portal.late:
                    attention.cancel(self.renewal, by=self.mei, why="z")
            except attention.NotPossibleNow:
                pass

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def nothing_is_done_twice(self) -> None:
        assert self.portal.repeats == Counter()

    @invariant()
    def there_is_a_next_step(self) -> None:
        renewal = self.now()
        with scope(OUR_AGENCY):
            unread = renewal.intents.filter(state__in=OPEN_INTENT).exists()
        if renewal.state in (State.WAITING, State.SUBMITTED, State.UNKNOWN):
            assert renewal.look_at is None or renewal.state != State.WAITING or not unread
        assert not (renewal.state in OVER and unread)
        assert renewal.state not in (State.ATTENTION, State.REFUSED) or renewal.reason

    def come_to_an_end(self) -> None:
        """In peace, and with a person who does what is asked, everything comes to its end."""
        self.person("resume")
        for _ in range(30):
            if self.now().state in OVER:
                return
            self.let_the_lease_run_out()
            self.let_time_pass(late=True)
            self.approve()
            self.settle_with_a_person()
            self.claim()
            if self.drivers and self.drivers[-1].is_alive:
                self.peaceful_run(len(self.drivers) - 1)
        raise AssertionError(f"never came to its end: {self.now().state} {self.now().reason}")

    def peaceful_run(self, which: int) -> None:
        self.read(which, complete=True)
        for _ in Click:
            self.arm(which)
            if self.drivers[which].may_press is None:
                break
            self.press(which, effect="done", told=True)
            self.confirm(which)
        self.read(which, complete=True)
        self.finish(which, down=False)

    def settle_with_a_person(self) -> None:
        renewal = self.now()
        if renewal.state == State.ATTENTION and renewal.reason == EngineReason.PRESSED_TWICE:
            with scope(OUR_AGENCY):
                attention.retry_stage(renewal, StageName(renewal.stage), by=self.mei, why="looked")
        else:
            self.person("retry")

    # --- helpers ------------------------------------------------------------------------------------

    def pick(self, which: int) -> Driver:
        return self.drivers[which % len(self.drivers)]

    def now(self) -> Renewal:
        with scope(OUR_AGENCY):
            return Renewal.objects.get(pk=self.renewal.pk)

    def heard(self, act: object) -> bool:
        """Whether the engine took it: it takes nothing from a run that lost its renewal."""
        try:
            with scope(OUR_AGENCY):
                act()  # type: ignore[operator]
        except claiming.EpochLost:
            return False
        return True

    def end_of(self, driver: Driver, *, down: bool) -> Finished:
        """What the driver would say last."""
        if driver.pressed or driver.may_press:
            return Finished(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
        if down:
            return Finished(Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
        if driver.sees is not None:
            return Finished(Outcome.STOPPED, Reason.NOT_ARMED)
        if Click.RECEIPT in self.portal.done:
            return Finished(Outcome.COMPLETE)
        if len(self.portal.done) >= len(APPLYING):
            return Finished(Outcome.SUBMITTED)
        return Finished(Outcome.LATER, Reason.PORTAL_UNAVAILABLE)


@pytest.mark.django_db
def test_no_order_of_events_does_anything_twice_or_loses_anything() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        RenewalMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
