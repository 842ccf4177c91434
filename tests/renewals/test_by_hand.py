"""What a person does by hand on the portal: nobody presses it again, and the portal has the last word."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Click, NotArmed, Outcome, Reason, Standing
from renewals.domain import attention, by_hand, claiming, intents
from renewals.models import Desk, Event, Intent, IntentState, Renewal, StageName, StageState, State
from renewals.reasons import EngineReason
from tests.renewals.runs import DIGEST, claim, finish, let_time_pass, press, read, stages_of, state_of


def take_over(renewal: Renewal, by: User) -> Renewal:
    with scope(renewal.agency_id):
        by_hand.take_over(renewal, by=by)
        return Renewal.objects.get(pk=renewal.pk)


def say_done(
    renewal: Renewal, by: User, upto: StageName = StageName.CONFIRMATION, proof: str = "SQ2026"
) -> Renewal:
    with scope(renewal.agency_id):
        by_hand.done_by_hand(renewal, upto, by=by, proof=proof)
        return Renewal.objects.get(pk=renewal.pk)


# --- taking over ------------------------------------------------------------------------------


def test_what_a_person_took_over_no_card_starts(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    taken = take_over(renewal, mei)
    assert (taken.state, taken.reason, taken.taken_by, taken.assignee) == (
        State.ATTENTION,
        EngineReason.TAKEN_OVER,
        mei,
        mei,
    )
    with scope(renewal.agency_id):
        assert claiming.claim_for_card(card, desk=desk, worker="test", profile="2024") is None


def test_given_back_the_machine_goes_on(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    take_over(renewal, mei)
    with scope(renewal.agency_id):
        with pytest.raises(attention.NotPossibleNow, match="taken_over"):
            attention.retry(renewal, by=mei)
        with pytest.raises(attention.NotPossibleNow, match="taken_over"):
            attention.retry_stage(renewal, StageName.CONFIRMATION, by=mei, why="不在门户上")
        by_hand.give_back(renewal, by=mei)
        back = Renewal.objects.get(pk=renewal.pk)
    assert (back.state, back.taken_by) == (State.WAITING, None)
    claim(card, desk)


def test_a_run_under_way_presses_nothing_more_and_then_waits_for_the_person(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    assert take_over(renewal, mei).state == State.RUNNING
    with scope(run.agency_id):
        assert intents.arm(run, Click.CONFIRM, page_sha256=DIGEST) == NotArmed(
            Click.CONFIRM, why=EngineReason.TAKEN_OVER
        )
    rested = finish(run, Outcome.STOPPED, Reason.NOT_ARMED)
    assert (rested.state, rested.reason, rested.taken_by) == (State.ATTENTION, EngineReason.TAKEN_OVER, mei)


def test_a_run_that_would_be_tried_again_waits_for_the_person_instead(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    take_over(renewal, mei)
    rested = finish(run, Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert (rested.state, rested.reason) == (State.ATTENTION, EngineReason.TAKEN_OVER)


def test_a_run_that_got_through_first_leaves_nothing_to_take_over(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    take_over(renewal, mei)
    rested = finish(run, Outcome.COMPLETE)
    assert (rested.state, rested.taken_by) == (State.COMPLETE, None)


def test_what_a_run_has_submitted_waits_for_the_person_who_does_the_rest(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    take_over(renewal, mei)
    rested = finish(run, Outcome.SUBMITTED)
    assert (rested.state, rested.reason, rested.taken_by) == (State.ATTENTION, EngineReason.TAKEN_OVER, mei)
    with scope(renewal.agency_id):
        by_hand.give_back(renewal, by=mei)
        assert Renewal.objects.get(pk=renewal.pk).state == State.SUBMITTED


def test_a_reason_of_its_own_is_not_hidden_by_who_takes_over(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    take_over(renewal, mei)
    rested = finish(run, Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    assert (rested.reason, rested.taken_by) == (Reason.USCC_DIFFERS, None)


def test_what_is_over_is_not_taken_over(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    finish(claim(card, desk), Outcome.COMPLETE)
    with pytest.raises(attention.NotPossibleNow, match="over"):
        take_over(renewal, mei)


# --- done on the portal -----------------------------------------------------------------------


def test_what_was_done_by_hand_is_not_pressed_before_the_portal_was_read(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    assert say_done(renewal, mei).state == State.UNKNOWN
    run = claim(card, desk)
    with scope(run.agency_id):
        assert intents.arm(run, Click.CONFIRM, page_sha256=DIGEST) == NotArmed(
            Click.CONFIRM, why=EngineReason.LOOK_FIRST
        )


def test_a_reading_that_shows_it_confirms_it(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    say_done(renewal, mei)
    read(claim(card, desk), {Click.CONFIRM: Standing.DONE}, application="SQ1", application_state="审核中")
    assert state_of(renewal) == IntentState.CONFIRMED
    assert stages_of(renewal)["confirmation"] == StageState.DONE


def test_two_readings_that_do_not_show_it_let_the_machine_press(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    rested = say_done(renewal, mei)
    for _reading in range(2):
        run = claim(card, desk)
        read(run, {Click.CONFIRM: Standing.NOT_DONE})
        if state_of(renewal) == IntentState.ABSENT:
            break
        rested = finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
        let_time_pass(rested, 120)
    press(run)
    with scope(renewal.agency_id):
        assert Intent.objects.get().presses == 2


def test_all_stages_up_to_the_named_one_were_done(renewal: Renewal, mei: User) -> None:
    say_done(renewal, mei, StageName.SIGNING)
    assert stages_of(renewal) == {
        "confirmation": StageState.UNKNOWN,
        "sealing": StageState.UNKNOWN,
        "signing": StageState.UNKNOWN,
        "authorization": StageState.PENDING,
        "receipt": StageState.PENDING,
    }


def test_the_proof_stands_in_the_story_and_in_the_trail(renewal: Renewal, mei: User) -> None:
    take_over(renewal, mei)
    done = say_done(renewal, mei, proof="投保申请 SQ2026")
    with scope(renewal.agency_id):
        told = Event.objects.get(kind="done_by_hand")
        recorded = AuditEntry.objects.get(action="done_by_hand")
    assert (told.actor_name, told.detail) == ("Mei", {"stage": "confirmation", "proof": "投保申请 SQ2026"})
    assert recorded.detail["proof"] == "投保申请 SQ2026"
    assert done.taken_by is None


def test_a_confirmed_click_stays_confirmed_whatever_a_person_says(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    press(run)
    with scope(run.agency_id):
        intents.confirmed(run, Click.CONFIRM, proof="SQ1")
    rested = finish(run, Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED)
    with pytest.raises(attention.NotPossibleNow, match="other_stage"):
        say_done(rested, mei)
    say_done(rested, mei, StageName.SEALING)
    assert state_of(renewal) == IntentState.CONFIRMED


def test_nobody_says_done_while_a_run_is_under_way(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    claim(card, desk)
    with pytest.raises(attention.NotPossibleNow, match="running"):
        say_done(renewal, mei)


def test_what_a_colleague_does_by_hand_stays_his_until_it_is_given_back(
    renewal: Renewal, mei: User, lin: User
) -> None:
    taken = take_over(renewal, mei)
    with scope(renewal.agency_id):
        for act in (
            lambda: by_hand.done_by_hand(taken, StageName.CONFIRMATION, by=lin, proof="SQ2026"),
            lambda: by_hand.take_over(taken, by=lin),
            lambda: attention.refuse(taken, by=lin, why="企业不参加"),
            lambda: attention.cancel(taken, by=lin, why="企业不续"),
        ):
            with pytest.raises(attention.NotPossibleNow, match="taken_over") as refusal:
                act()
            assert refusal.value.who == "Mei"
        assert Renewal.objects.get(pk=renewal.pk).taken_by == mei
        by_hand.give_back(taken, by=lin)
        by_hand.take_over(taken, by=lin)
        assert Renewal.objects.get(pk=renewal.pk).taken_by == lin
