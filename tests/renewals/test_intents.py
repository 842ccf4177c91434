"""The irreversible clicks: written down first, pressed once, settled only by reading."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now

from agency.models import AuditEntry
from agency.tenancy import scope
from companies.models import Card, Consent
from portal_driver.contract import Click, NotArmed, Outcome, Reason, Standing
from renewals.domain import intents
from renewals.models import Desk, Intent, IntentState, Renewal, Run, StageState, State
from renewals.reasons import EngineReason
from tests.renewals.runs import (
    DIGEST,
    claim,
    finish,
    let_time_pass,
    make_due,
    press,
    read,
    stages_of,
    state_of,
)

NOT_DONE = {Click.CONFIRM: Standing.NOT_DONE}


def ask(run: Run, click: Click = Click.CONFIRM) -> object:
    with scope(run.agency_id):
        return intents.arm(run, click, page_sha256=DIGEST)


def unread(renewal: Renewal, card: Card, desk: Desk) -> Renewal:
    """确认投保 was pressed, and the run ended before anybody read what became of it."""
    run = claim(card, desk)
    press(run)
    return finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)


def test_a_click_is_written_down_before_it_is_allowed(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    press(run)
    with scope(card.agency_id):
        intent = Intent.objects.get()
        assert AuditEntry.objects.filter(action="armed", object_id=str(renewal.pk)).count() == 1
    assert (intent.click, intent.state, intent.presses, intent.epoch) == ("confirm", IntentState.FIRED, 1, 1)


def test_a_confirmed_click_is_done(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    press(run)
    with scope(card.agency_id):
        intents.confirmed(run, Click.CONFIRM, proof="投保申请列表")
    assert state_of(renewal) == IntentState.CONFIRMED
    assert stages_of(renewal)["confirmation"] == StageState.DONE


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.LATER, Outcome.SUBMITTED, Outcome.COMPLETE])
def test_an_unread_click_is_unknown_however_the_run_ended(
    renewal: Renewal, card: Card, desk: Desk, outcome: Outcome
) -> None:
    run = claim(card, desk)
    press(run)
    rested = finish(run, outcome, Reason.BROWSER_GONE)
    assert (rested.state, state_of(renewal)) == (State.UNKNOWN, IntentState.UNKNOWN)
    assert rested.look_at is not None
    assert stages_of(renewal)["confirmation"] == StageState.UNKNOWN


def test_nobody_presses_from_unknown(renewal: Renewal, card: Card, desk: Desk) -> None:
    make_due(unread(renewal, card, desk))
    run = claim(card, desk)
    assert ask(run) == NotArmed(Click.CONFIRM, why=EngineReason.LOOK_FIRST)
    assert finish(run, Outcome.STOPPED, Reason.NOT_ARMED).state == State.UNKNOWN


def test_a_reading_that_shows_the_effect_confirms(renewal: Renewal, card: Card, desk: Desk) -> None:
    make_due(unread(renewal, card, desk))
    run = claim(card, desk)
    read(run, {Click.CONFIRM: Standing.DONE}, application="SQ20260001")
    assert state_of(renewal) == IntentState.CONFIRMED
    rested = finish(run, Outcome.SUBMITTED)
    assert (rested.state, rested.application_number) == (State.SUBMITTED, "SQ20260001")


def test_one_reading_without_the_effect_is_not_enough(renewal: Renewal, card: Card, desk: Desk) -> None:
    make_due(unread(renewal, card, desk))
    run = claim(card, desk)
    read(run, NOT_DONE)
    read(run, NOT_DONE)
    assert state_of(renewal) == IntentState.UNKNOWN
    assert ask(run) == NotArmed(Click.CONFIRM, why=EngineReason.LOOK_FIRST)


def test_a_reading_that_did_not_reach_far_enough_does_not_count(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    make_due(unread(renewal, card, desk))
    for _ in range(3):
        run = claim(card, desk)
        read(run, {Click.CONFIRM: Standing.UNREAD})
        let_time_pass(finish(run, Outcome.LATER, Reason.SESSION_LOST), seconds=61)
    assert state_of(renewal) == IntentState.UNKNOWN


def absent_after_two_readings(renewal: Renewal, card: Card, desk: Desk) -> Run:
    make_due(unread(renewal, card, desk))
    run = claim(card, desk)
    read(run, NOT_DONE)
    let_time_pass(finish(run, Outcome.STOPPED, Reason.NOT_ARMED), seconds=61)
    run = claim(card, desk)
    read(run, NOT_DONE)
    return run


def test_two_readings_apart_in_time_allow_one_more_press(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = absent_after_two_readings(renewal, card, desk)
    assert state_of(renewal) == IntentState.ABSENT
    press(run)
    assert state_of(renewal) == IntentState.FIRED


def test_a_click_that_failed_twice_goes_to_a_person(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = absent_after_two_readings(renewal, card, desk)
    press(run)
    finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    with scope(card.agency_id):
        Intent.objects.update(state=IntentState.ABSENT)
    make_due(renewal)
    run = claim(card, desk)
    assert ask(run) == NotArmed(Click.CONFIRM, why=EngineReason.PRESSED_TWICE)
    rested = finish(run, Outcome.STOPPED, Reason.NOT_ARMED)
    assert (rested.state, rested.reason) == (State.ATTENTION, EngineReason.PRESSED_TWICE)


def test_the_database_refuses_a_third_press(renewal: Renewal, card: Card, desk: Desk) -> None:
    press(claim(card, desk))
    with pytest.raises(IntegrityError, match="armed_twice_at_most"), scope(card.agency_id):
        Intent.objects.update(presses=3)


def test_without_consent_nothing_is_pressed(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        Consent.objects.update(revoked_at=Now())
    assert ask(run) == NotArmed(Click.CONFIRM, why=EngineReason.CONSENT_MISSING)
    rested = finish(run, Outcome.STOPPED, Reason.NOT_ARMED)
    assert (rested.state, rested.reason) == (State.ATTENTION, EngineReason.CONSENT_MISSING)


def test_what_a_person_did_on_the_portal_counts_as_done(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    read(run, {Click.CONFIRM: Standing.DONE, Click.SEAL: Standing.SKIPPED}, application="SQ1")
    stages = stages_of(renewal)
    assert (stages["confirmation"], stages["sealing"]) == (StageState.DONE, StageState.SKIPPED)
    with scope(card.agency_id):
        assert list(Intent.objects.all()) == []


def test_a_step_that_we_pressed_and_the_portal_passes_over_took_effect(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    press(run, Click.AUTHORIZE)
    make_due(finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN))
    run = claim(card, desk)
    read(run, {Click.CONFIRM: Standing.DONE, Click.AUTHORIZE: Standing.SKIPPED}, application="SQ1")
    assert state_of(renewal, Click.AUTHORIZE) == IntentState.CONFIRMED
    assert stages_of(renewal)["authorization"] == StageState.DONE
    assert finish(run, Outcome.SUBMITTED).state == State.SUBMITTED
