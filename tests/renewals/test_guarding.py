"""One company first in each stage of a batch, and a stop at the third equal failure in a row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from agency.models import Agency, User
from agency.tenancy import scope
from companies.models import Card, Company
from portal_driver.contract import Armed, Click, Finished, NotArmed, Outcome, Reason, Standing
from renewals.domain import claiming, intents, settling
from renewals.domain.queueing import queue_companies
from renewals.models import Batch, Desk, Pause, Renewal, Run, Stage, StageState, State
from tests.cast import YEAR, make_company
from tests.renewals.runs import DIGEST, finish, make_due, press, read


class Crew:
    """Companies of one batch, each with a card and a desk of its own."""

    def __init__(self, agency: Agency, by: User, number: int) -> None:
        self.agency = agency
        companies = [
            make_company(agency, place, f"第{place}家贸易有限公司") for place in range(1, number + 1)
        ]
        with scope(agency.pk):
            queue_companies([one.pk for one in companies], year=YEAR, name="第一批", by=by)
            self.desks = [
                Desk.objects.create(name=f"{place} 号", code=f"d{place}", control="ws://127.0.0.1:1")
                for place in range(number)
            ]
            self.cards = [self._card(one) for one in companies]

    def _card(self, company: Company) -> Card:
        return company.cards.get()

    def claim(self, place: int) -> Run | None:
        with scope(self.agency.pk):
            return claiming.claim_for_card(
                self.cards[place], desk=self.desks[place], worker="test", profile="2024"
            )

    def run(self, place: int) -> Run:
        run = self.claim(place)
        assert run is not None
        return run

    def fail(self, place: int, reason: Reason, expected: str = "") -> Renewal:
        """One run that ends so; the renewal as it rests."""
        run = self.run(place)
        outcome = Outcome.PERSON_NEEDED if reason == Reason.PAGE_CHANGED else Outcome.LATER
        with scope(self.agency.pk):
            settling.settle(run, Finished(outcome, reason, {"expected": expected}))
            return Renewal.objects.get(pk=run.renewal_id)

    def pauses(self) -> list[tuple[str, str]]:
        with scope(self.agency.pk):
            standing = Pause.objects.filter(ended_at__isnull=True)
            return [(one.stage, str(one.found.get("expected", ""))) for one in standing]


@pytest.fixture
def crew(agency: Agency, mei: User) -> Crew:
    return Crew(agency, mei, 5)


def test_one_company_first_and_the_others_once_it_got_through(crew: Crew) -> None:
    first = crew.run(0)
    assert crew.claim(1) is None
    press(first)
    read(first, {Click.CONFIRM: Standing.DONE})
    assert crew.claim(1) is not None
    assert crew.claim(2) is not None


def test_when_the_first_fails_another_is_the_first(crew: Crew) -> None:
    crew.fail(0, Reason.PORTAL_UNAVAILABLE)
    assert crew.claim(1) is not None
    assert crew.claim(2) is None


def test_a_batch_that_is_proven_stays_so_for_each_stage_alone(crew: Crew) -> None:
    first = crew.run(0)
    press(first)
    read(first, {Click.CONFIRM: Standing.DONE})
    second = crew.run(1)
    press(second)
    read(second, {Click.CONFIRM: Standing.DONE})
    with scope(crew.agency.pk):
        assert isinstance(intents.arm(first, Click.SEAL, page_sha256=DIGEST), Armed)
        assert intents.waits_for_another(second, Click.SEAL)
        assert intents.arm(second, Click.SEAL, page_sha256=DIGEST) == NotArmed(Click.SEAL, why="held_back")
        intents.confirmed(first, Click.SEAL, proof="")
        assert not intents.waits_for_another(second, Click.SEAL)
        assert isinstance(intents.arm(second, Click.SEAL, page_sha256=DIGEST), Armed)
        assert Batch.objects.get().proven == ["confirmation", "sealing"]


def test_who_was_held_back_comes_again_soon_and_it_is_no_setback(crew: Crew) -> None:
    run = crew.run(0)
    with scope(crew.agency.pk):
        Run.objects.filter(pk=run.pk).update(reason="held_back")
    rested = finish(run, Outcome.STOPPED)
    assert (rested.state, rested.setbacks) == (State.WAITING, 0)


def test_the_same_page_changed_for_three_companies_pauses_the_stage_and_says_what(crew: Crew) -> None:
    for place in range(3):
        assert crew.pauses() == []
        crew.fail(place, Reason.PAGE_CHANGED, "确认投保")
    assert crew.pauses() == [("confirmation", "确认投保")]
    assert crew.claim(3) is None
    with scope(crew.agency.pk):
        [begun] = Pause.objects.all()
        assert (begun.begun_by, begun.probe_at) == (None, None)
        assert Run.objects.filter(pk=begun.found["run"]).exists()


@pytest.mark.parametrize(
    "others",
    [
        [(0, Reason.PAGE_CHANGED, "查看保单")],  # another word
        [(0, Reason.PORTAL_UNAVAILABLE, "确认投保")],  # another failure
        [(0, Reason.CARD_ABSENT, "确认投保")],  # a matter of the desk
    ],
)
def test_different_failures_do_not_add_up(crew: Crew, others: list[tuple[int, Reason, str]]) -> None:
    crew.fail(1, Reason.PAGE_CHANGED, "确认投保")
    for place, reason, expected in others:
        crew.fail(place, reason, expected)
    crew.fail(2, Reason.PAGE_CHANGED, "确认投保")
    assert crew.pauses() == []


def test_one_company_that_fails_three_times_trips_nothing(crew: Crew) -> None:
    for _ in range(4):
        make_due(crew.fail(0, Reason.PORTAL_UNAVAILABLE))
    assert crew.pauses() == []


def test_who_gets_through_in_between_breaks_the_row(crew: Crew) -> None:
    crew.fail(0, Reason.PAGE_CHANGED, "确认投保")
    crew.fail(1, Reason.PAGE_CHANGED, "确认投保")
    good = crew.run(2)
    press(good)
    read(good, {Click.CONFIRM: Standing.DONE})
    finish(good, Outcome.SUBMITTED)
    with scope(crew.agency.pk):
        # When each of them ended, whatever time the test takes.
        Stage.objects.filter(state=StageState.DONE).update(ended_at=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=good.pk).update(ended_at=Now() - timedelta(seconds=1))
        Run.objects.exclude(pk=good.pk).update(ended_at=Now() - timedelta(seconds=2))
    crew.fail(3, Reason.PAGE_CHANGED, "确认投保")
    assert crew.pauses() == []


def test_where_time_may_mend_it_one_company_tries_again_and_ends_the_pause(crew: Crew) -> None:
    for place in range(3):
        crew.fail(place, Reason.PORTAL_UNAVAILABLE)
    assert crew.pauses() == [("confirmation", "")]
    assert crew.claim(3) is None
    with scope(crew.agency.pk):
        Pause.objects.update(probe_at=Now() - timedelta(seconds=1))
    probe = crew.run(3)
    assert crew.claim(4) is None
    press(probe)
    read(probe, {Click.CONFIRM: Standing.DONE})
    assert crew.pauses() == []


def test_a_try_that_fails_again_is_made_later_the_next_time(crew: Crew) -> None:
    for place in range(3):
        crew.fail(place, Reason.PORTAL_UNAVAILABLE)
    with scope(crew.agency.pk):
        Pause.objects.update(probe_at=Now() - timedelta(seconds=1))
    crew.fail(3, Reason.PORTAL_UNAVAILABLE)
    with scope(crew.agency.pk):
        [begun] = Pause.objects.all()
        assert begun.found["probes"] == 2
        assert Pause.objects.filter(probe_at__gt=Now() + timedelta(minutes=19)).exists()


def test_the_breaker_does_not_stop_a_look_at_what_was_pressed(crew: Crew) -> None:
    for place in range(3):
        run = crew.run(place)
        press(run)
        rested = finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
        assert rested.state == State.UNKNOWN
    assert crew.pauses() == [("confirmation", "")]
    make_due(rested)
    assert crew.claim(3) is None
    assert crew.claim(2) is not None
