"""How a run ends decides what comes next; there is always a next step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from agency.tenancy import scope
from companies.models import Card
from portal_driver import contract
from portal_driver.contract import Click, Outcome, Reason, Stage, Standing
from renewals.domain import running, settling
from renewals.domain.claiming import EpochLost
from renewals.models import Desk, Event, Renewal, Run, StageState, State
from renewals.reasons import CATALOGUE, EngineReason, Kind
from tests.renewals.runs import claim, finish, make_due, press, read, stages_of


@pytest.mark.parametrize(
    ("outcome", "reason", "state"),
    [
        (Outcome.SUBMITTED, None, State.SUBMITTED),
        (Outcome.COMPLETE, None, State.COMPLETE),
        (Outcome.REFUSED, Reason.APPLICATION_RETURNED, State.REFUSED),
        (Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS, State.ATTENTION),
        (Outcome.PERSON_NEEDED, Reason.NO_PENDING_POLICY, State.ATTENTION),
        (Outcome.PERSON_NEEDED, Reason.CARD_ABSENT, State.WAITING),
        (Outcome.LATER, Reason.PORTAL_UNAVAILABLE, State.WAITING),
        (Outcome.LATER, Reason.DRIVER_FAILED, State.WAITING),
    ],
)
def test_the_outcome_decides_the_state(
    renewal: Renewal, card: Card, desk: Desk, outcome: Outcome, reason: Reason | None, state: State
) -> None:
    rested = finish(claim(card, desk), outcome, reason)
    assert rested.state == state
    assert (rested.desk, rested.lease_until) == (None, None)


def test_every_reason_has_its_words() -> None:
    assert set(CATALOGUE) == {*Reason, *EngineReason}
    assert {words.kind for words in CATALOGUE.values()} == set(Kind)


def test_a_stop_for_a_person_marks_the_stage(renewal: Renewal, card: Card, desk: Desk) -> None:
    finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    assert stages_of(renewal)["confirmation"] == StageState.ATTENTION


def test_a_technical_failure_is_tried_again_later(renewal: Renewal, card: Card, desk: Desk) -> None:
    pauses = []
    for _ in range(3):
        rested = finish(claim(card, desk), Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
        assert rested.look_at is not None
        pauses.append(rested.look_at - timezone.now())
        make_due(rested)
    assert rested.setbacks == 3
    assert pauses == sorted(pauses)
    assert pauses[0] > timedelta(seconds=settings.RETRY_AFTER_S * 0.7)


def test_pauses_grow_to_a_limit() -> None:
    assert settling.pause_s(100) <= settling.LONGEST_PAUSE_S * 1.25


def test_a_failed_look_goes_back_to_waiting_for_approval(renewal: Renewal, card: Card, desk: Desk) -> None:
    make_due(finish(claim(card, desk), Outcome.SUBMITTED))
    rested = finish(claim(card, desk), Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert rested.state == State.SUBMITTED


def test_a_lost_worker_frees_the_renewal(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        settling.give_up_lost_run(Renewal.objects.select_for_update().get())
        renewal.refresh_from_db()
        run.refresh_from_db()
    assert (renewal.state, renewal.epoch) == (State.WAITING, run.epoch + 1)
    assert (run.outcome, run.reason) == (Outcome.LATER, EngineReason.WORKER_LOST)


def test_a_renewal_that_ends_one_worker_after_another_waits_for_longer_each_time(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    waits = []
    for _ in range(3):
        claim(card, desk)
        with scope(card.agency_id):
            settling.give_up_lost_run(Renewal.objects.select_for_update().get())
            rested = Renewal.objects.annotate(waits=F("look_at") - Now()).get()
            waits.append(rested.waits.total_seconds())
        make_due(renewal)
    assert waits[0] <= 0 < 90 <= waits[1] < waits[2]


def test_a_lost_worker_that_had_pressed_leaves_it_unknown(renewal: Renewal, card: Card, desk: Desk) -> None:
    press(claim(card, desk))
    with scope(card.agency_id):
        settling.give_up_lost_run(Renewal.objects.select_for_update().get())
        assert Renewal.objects.get().state == State.UNKNOWN


def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        settling.give_up_lost_run(Renewal.objects.select_for_update().get())
    make_due(renewal)
    claim(card, desk)
    with pytest.raises(EpochLost):
        finish(run, Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)


def test_a_run_tells_its_story(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        running.note(run, contract.StageBegun(Stage.CONFIRMATION))
    assert stages_of(renewal)["confirmation"] == StageState.RUNNING
    press(run)
    read(run, {Click.CONFIRM: Standing.DONE}, application="SQ1")
    finish(run, Outcome.SUBMITTED)
    with scope(card.agency_id):
        assert list(Event.objects.values_list("kind", flat=True)) == [
            "queued",
            "claimed",
            "armed",
            "fired",
            "application_seen",
            "confirmed",
            "rests_submitted",
        ]
        assert Run.objects.get().outcome == Outcome.SUBMITTED
