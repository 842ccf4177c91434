"""Any order of sittings, crashes, sleepers and people's acts: hypothesis looks for one that goes wrong.

The engine's own functions against a model of the portal, without processes: what a driver would
say is said here, also by runs that have lost their renewal long ago. Each step is a whole sitting
or a whole change of the world, so that a few steps reach what takes a week.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agency.models import Agency, Role
from agency.tenancy import scope
from portal_driver.contract import Armed, Click, Finished, Outcome, Reading, Reason, Standing
from renewals.domain import attention, claiming, intents, pausing, settling
from renewals.domain.sweeping import end_lease
from renewals.models import OPEN_INTENT, Desk, Intent, Pause, Renewal, Run, StageName, State
from renewals.reasons import EngineReason
from tests.cast import make_company, make_person, make_renewal
from tests.database import OUR_AGENCY
from tests.faults import mutants

APPLYING = (Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE)
OVER = (State.COMPLETE, State.CANCELLED)
# A little longer than the time that must lie between two readings.
A_WHILE_S = 61
# A portal that does something late does it within this many whiles: before the second reading.
LATE_AT_MOST = 2


@dataclass
class Portal:
    """What is done at the portal, and what it does late."""

    done: list[Click] = field(default_factory=list)
    late: dict[Click, int] = field(default_factory=dict)
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
        elif effect.startswith("late"):
            self.late[click] = int(effect.removeprefix("late "))
        elif effect != "lost":
            self.done.append(click)

    def let_pass(self, whiles: int) -> None:
        for click in list(self.late):
            self.late[click] -= whiles
            if self.late[click] <= 0:
                del self.late[click]
                self.done.append(click)

    def reading(self) -> Reading:
        submitted = len(self.done) >= len(APPLYING)
        standings = {click: Standing.DONE if click in self.done else Standing.NOT_DONE for click in Click}
        if submitted:
            # The list proves the first click; of the others it says that they are not asked for.
            standings |= dict.fromkeys(APPLYING[1:], Standing.SKIPPED)
        return Reading(standings, application="SQ1" if submitted else "")


@dataclass(frozen=True)
class Fate:
    """What becomes of one sitting: at which moment of its nth click it dies, falls asleep or goes on."""

    how: str = "lives"  # lives, dies, sleeps, is cut off
    when: str = "pressed"  # claimed, read, armed, pressed, confirmed
    nth: int = 0
    effect: str = "done"  # done, answer lost, lost, late 1, late 2: what its nth press comes to
    told: bool = True  # whether the worker hears that the request left


FATES = st.builds(
    Fate,
    how=st.sampled_from(["lives", "lives", "dies", "sleeps", "sleeps", "is cut off"]),
    when=st.sampled_from(["claimed", "read", "armed", "armed", "pressed", "confirmed"]),
    nth=st.sampled_from([0, 0, 1, 2]),
    effect=st.sampled_from(["done", "answer lost", "lost", "late 1", "late 2", "late 2"]),
    told=st.booleans(),
)


class Interrupted(Exception):
    """The sitting went no further than its fate let it."""


@dataclass
class Driver:
    """A run as its driver knows it. Its browser is closed once another took the card."""

    run: Run
    fate: Fate
    sees: Click | None = None
    may_press: Click | None = None
    pressed: Click | None = None
    presses: int = 0
    has_browser: bool = True


class RenewalMachine(RuleBasedStateMachine):
    """One company, one desk, any number of runs."""

    fence = True
    peace = True  # whether each story ends in peace, and must come to an end there

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
        self.portal, self.current = Portal(), 0
        self.sleepers, self.broke = list[Driver](), False

    def teardown(self) -> None:
        try:
            if self.peace and not self.broke:
                self.come_to_an_end()
        finally:
            transaction.set_rollback(True)
            self.whole.__exit__(None, None, None)

    # --- what can happen ------------------------------------------------------------------------

    @rule(fate=FATES, whiles=st.integers(0, 2), lapse=st.booleans())
    def sit_later(self, fate: Fate, whiles: int, lapse: bool) -> None:
        """Time passes, and the card is put in again."""
        self.let_time_pass(whiles, lapse=lapse)
        self.sit(fate)

    @rule(fate=FATES, whiles=st.integers(1, 2))
    def sit_after_the_lease(self, fate: Fate, whiles: int) -> None:
        """Whoever had the renewal has been silent for longer than its lease."""
        self.let_time_pass(whiles, lapse=True)
        self.sit(fate)

    @rule()
    def fall_asleep(self) -> None:
        """A driver falls asleep with its finger on the button."""
        self.let_time_pass(1, lapse=True)
        self.sit(Fate("sleeps", "armed"))

    def sit(self, fate: Fate) -> None:
        """A whole sitting, up to where its fate lets it come."""
        self.portal.approved = len(self.portal.done) >= len(APPLYING)
        with scope(OUR_AGENCY):
            run = claiming.claim_for_card(self.card, desk=self.desk, worker="w", profile="2024")
        if run is None:
            return
        self.current = run.epoch
        for older in self.sleepers if self.fence else ():
            older.has_browser = False  # whoever takes the card ends its holder first
        driver = Driver(run, fate)
        try:
            self.at("claimed", driver)
            self.work(driver)
        except Interrupted:
            if fate.how == "sleeps":
                self.sleepers.append(driver)
            elif fate.how == "is cut off":  # the driver is gone; the worker lives and says so
                self.settle(driver)
        else:
            self.settle(driver)

    @precondition(lambda self: self.sleepers)
    @rule(which=st.integers(0, 3))
    def wake(self, which: int) -> None:
        """A worker that slept goes on where it was, whoever has its renewal now."""
        driver = self.sleepers.pop(which % len(self.sleepers))
        driver.fate = Fate()
        if driver.may_press:
            self.press(driver)
        if driver.pressed:
            self.confirm(driver)
        elif driver.sees:
            self.arm(driver)
        self.settle(driver)

    def let_time_pass(self, whiles: int, *, lapse: bool) -> None:
        """What waits is due, and what the portal does late comes nearer; unheard leases run out."""
        back = timedelta(seconds=A_WHILE_S * whiles)
        if lapse:
            with scope(OUR_AGENCY):
                ran_out = Now() - timedelta(seconds=1)
                Renewal.objects.filter(lease_until__isnull=False).update(lease_until=ran_out)
            end_lease(OUR_AGENCY, self.renewal.pk)
            self.current = self.now().epoch
        with scope(OUR_AGENCY):
            if whiles:  # no look comes sooner than that
                Renewal.objects.filter(look_at__isnull=False).update(look_at=Now() - timedelta(seconds=1))
            Intent.objects.update(first_absent_at=F("first_absent_at") - back)
            Pause.objects.update(
                ended_at=F("ended_at") - timedelta(days=1), probe_at=F("probe_at") - timedelta(days=1)
            )
        self.portal.let_pass(whiles)

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
                elif not (self.portal.done or self.portal.late or self.sleepers):
                    attention.cancel(self.renewal, by=self.mei, why="z")
            except attention.NotPossibleNow:
                pass

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def nothing_is_done_twice(self) -> None:
        self.broke = self.portal.repeats != Counter()
        assert not self.broke, f"done twice: {self.portal.repeats}"

    @invariant()
    def there_is_a_next_step(self) -> None:
        renewal = self.now()
        with scope(OUR_AGENCY):
            unread = renewal.intents.filter(state__in=OPEN_INTENT).exists()
        assert not (renewal.state in (*OVER, State.WAITING, State.SUBMITTED) and unread)
        assert renewal.state not in (State.ATTENTION, State.REFUSED) or renewal.reason

    def come_to_an_end(self) -> None:
        """In peace, and with a person who does what is asked, everything comes to its end."""
        self.person("resume")
        for _ in range(30):
            if self.now().state in OVER:
                return
            self.let_time_pass(whiles=3, lapse=True)
            self.settle_with_a_person()
            self.sit(Fate())
        raise AssertionError(f"never came to its end: {self.now().state} {self.now().reason}")

    def settle_with_a_person(self) -> None:
        renewal = self.now()
        if renewal.state == State.ATTENTION and renewal.reason == EngineReason.PRESSED_TWICE:
            with scope(OUR_AGENCY):
                attention.retry_stage(renewal, StageName(renewal.stage), by=self.mei, why="looked")
        else:
            self.person("retry")

    # --- a sitting --------------------------------------------------------------------------------

    def work(self, driver: Driver) -> None:
        """Read, then press what the portal asks for, one click after another, then read again."""
        self.read(driver)
        self.at("read", driver)
        while driver.sees and self.arm(driver):
            self.at("armed", driver)
            self.press(driver)
            self.at("pressed", driver)
            if driver.pressed is None:  # the answer never came
                return
            self.confirm(driver)
            self.at("confirmed", driver)
            driver.presses += 1
            driver.sees = self.portal.next
        self.read(driver)

    def at(self, moment: str, driver: Driver) -> None:
        fate = driver.fate
        if fate.how != "lives" and (fate.when, fate.nth) == (moment, driver.presses):
            raise Interrupted

    def read(self, driver: Driver) -> None:
        self.hear(driver, lambda: intents.read(driver.run, self.portal.reading()))
        driver.sees = self.portal.next

    def arm(self, driver: Driver) -> bool:
        click, answers = driver.sees, list[object]()
        assert click is not None
        self.hear(driver, lambda: answers.append(intents.arm(driver.run, click, page_sha256="d" * 64)))
        if answers and isinstance(answers[0], Armed):
            driver.may_press = click
        return driver.may_press is not None

    def press(self, driver: Driver) -> None:
        click, driver.may_press = driver.may_press, None
        if click is None or not driver.has_browser:
            return
        effect = driver.fate.effect if driver.presses == driver.fate.nth else "done"
        self.portal.press(click, effect)
        if driver.fate.told:
            self.hear(driver, lambda: intents.fired(driver.run, click, request_sha256="d" * 64))
        driver.pressed = click if effect == "done" else None

    def confirm(self, driver: Driver) -> None:
        click, driver.pressed = driver.pressed, None
        assert click is not None
        self.hear(driver, lambda: intents.confirmed(driver.run, click, proof="p"))

    def settle(self, driver: Driver) -> None:
        self.hear(driver, lambda: settling.settle(driver.run, self.end_of(driver)))

    def hear(self, driver: Driver, act: Callable[[], object]) -> None:
        """The worker writes down what its driver says, unless its renewal is another run's now."""
        try:
            with scope(OUR_AGENCY):
                act()
        except claiming.EpochLost:
            return
        is_mine = driver.run.epoch == self.current
        self.broke = self.broke or not is_mine
        assert is_mine, f"run {driver.run.epoch} wrote while {self.current} has the renewal"

    def now(self) -> Renewal:
        with scope(OUR_AGENCY):
            return Renewal.objects.get(pk=self.renewal.pk)

    def end_of(self, driver: Driver) -> Finished:
        """What the driver would say last."""
        with scope(OUR_AGENCY):
            unread = driver.run.renewal.intents.filter(state__in=OPEN_INTENT).exists()
        if driver.fate.how == "is cut off":
            return Finished(Outcome.LATER, Reason.DRIVER_FAILED)
        if unread:
            return Finished(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
        if Click.RECEIPT in self.portal.done:
            return Finished(Outcome.COMPLETE)
        if driver.sees is not None:
            return Finished(Outcome.STOPPED, Reason.NOT_ARMED)
        return Finished(Outcome.SUBMITTED)


def play(machine: type[RenewalMachine], *, examples: int, steps: int) -> None:
    """Let hypothesis look; a failure is not made smaller, which would take minutes in a database."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
def test_no_order_of_events_does_anything_twice_or_loses_anything() -> None:
    play(RenewalMachine, examples=8, steps=12)


class Unguarded(RenewalMachine):
    """What is looked for here comes before the end."""

    peace = False


class WithoutTheFence(Unguarded):
    """Whoever takes a card leaves its holder alone."""

    fence = False


def take_out(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine without one of its guards, until the test ends."""
    for module, name in (
        (intents, "_refusal"),
        (intents, "_missed"),
        (intents, "hold"),
        (claiming, "hold"),
        (settling, "hold"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    mutate = mutants.MUTANTS[guard]
    assert mutate is not None
    mutate()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("guard", "seen"),
    [
        ("look first", "done twice|armed_twice_at_most"),  # the database holds a third press back
        ("epoch", "wrote while"),
    ],
)
def test_a_guard_that_is_taken_out_is_missed(guard: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take_out(guard, monkeypatch)
    with pytest.raises((AssertionError, IntegrityError), match=seen):
        play(Unguarded, examples=100, steps=12)


# Two stories that hypothesis comes to only after long, told to the same machine.


def wake_a_driver(told: RenewalMachine) -> None:
    """A driver sleeps with its finger on the button; another does the work; it wakes up."""
    told.fall_asleep()
    for _ in range(2):  # two readings, and the click
        told.let_time_pass(1, lapse=True)
        told.sit(Fate())
    told.wake(which=0)


def do_it_late(told: RenewalMachine) -> None:
    """The first reading comes before the portal has done what it was asked for."""
    told.sit(Fate(effect="late 2"))
    told.let_time_pass(1, lapse=False)
    told.sit(Fate())


def tell(story: Callable[[RenewalMachine], None], machine: type[RenewalMachine] = RenewalMachine) -> None:
    told = machine()
    try:
        story(told)
        told.nothing_is_done_twice()
    finally:
        told.broke = True  # nothing more is asked of it
        told.teardown()


@pytest.mark.django_db
@pytest.mark.parametrize("story", [wake_a_driver, do_it_late])
def test_with_all_guards_the_story_ends_well(story: Callable[[RenewalMachine], None]) -> None:
    tell(story)


@pytest.mark.django_db
def test_without_the_fence_a_driver_that_slept_presses_again() -> None:
    with pytest.raises(AssertionError, match="done twice"):
        tell(wake_a_driver, WithoutTheFence)


@pytest.mark.django_db
def test_without_a_second_reading_what_is_late_is_pressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    take_out("second reading", monkeypatch)
    with pytest.raises(AssertionError, match="done twice"):
        tell(do_it_late)
