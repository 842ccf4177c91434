"""What a person does with a renewal that stopped."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Click, Outcome, Reason
from renewals.domain import attention, intents
from renewals.models import Desk, Intent, IntentState, Renewal, StageName, StageState, State
from tests.renewals.runs import claim, finish, press, stages_of, state_of


def act(what: object, renewal: Renewal, by: User) -> Renewal:
    with scope(renewal.agency_id):
        what(renewal, by=by, why="asked the company")  # type: ignore[operator]
        return Renewal.objects.get(pk=renewal.pk)


def stopped(card: Card, desk: Desk) -> Renewal:
    return finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)


def test_retry_puts_it_back_in_the_queue(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    again = act(attention.retry, stopped(card, desk), mei)
    assert (again.state, again.reason) == (State.WAITING, "")
    assert stages_of(again)["confirmation"] == StageState.PENDING
    claim(card, desk)


def test_retry_of_what_was_submitted_waits_for_approval_again(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    finish(claim(card, desk), Outcome.SUBMITTED)
    with scope(card.agency_id):
        Renewal.objects.update(look_at=None, state=State.WAITING)
    assert act(attention.retry, stopped(card, desk), mei).state == State.SUBMITTED


def test_retry_of_an_unread_click_looks_first(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    run = claim(card, desk)
    press(run)
    rested = finish(run, Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED)
    assert rested.state == State.ATTENTION
    assert act(attention.retry, rested, mei).state == State.UNKNOWN


def test_what_did_not_stop_is_not_retried(renewal: Renewal, mei: User) -> None:
    with pytest.raises(attention.NotPossibleNow, match="not_stopped"):
        act(attention.retry, renewal, mei)


def test_a_waiting_renewal_can_be_cancelled(renewal: Renewal, mei: User) -> None:
    assert act(attention.cancel, renewal, mei).state == State.CANCELLED


def test_a_running_renewal_cannot_be_cancelled(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    claim(card, desk)
    with pytest.raises(attention.NotPossibleNow, match="running"):
        act(attention.cancel, renewal, mei)


def test_nothing_is_cancelled_while_a_click_is_unread(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    press(run)
    rested = finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    with pytest.raises(attention.NotPossibleNow, match="click_open"):
        act(attention.cancel, rested, mei)


def test_what_is_complete_stays(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    done = finish(claim(card, desk), Outcome.COMPLETE)
    with pytest.raises(attention.NotPossibleNow, match="over"):
        act(attention.cancel, done, mei)


# --- a stage from its start, and all of one reason -------------------------------------------------


def retry_confirmation(renewal: Renewal, by: User, stage: StageName = StageName.CONFIRMATION) -> None:
    with scope(renewal.agency_id):
        attention.retry_stage(renewal, stage, by=by, why="looked at the portal")


def test_a_stage_is_done_again_on_a_persons_word(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    run = claim(card, desk)
    press(run)
    rested = finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    with scope(card.agency_id):
        Intent.objects.update(presses=2)
    retry_confirmation(rested, mei)
    assert state_of(renewal) == IntentState.ABSENT
    press(claim(card, desk))
    with scope(card.agency_id):
        entry = AuditEntry.objects.get(
            action="stage_retried", object_type="renewal", detail__stage="confirmation"
        )
        assert (entry.actor_name, entry.detail["why"]) == ("Mei", "looked at the portal")
        assert Intent.objects.get().presses == 2


def test_what_was_confirmed_is_never_taken_back(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    run = claim(card, desk)
    press(run)
    with scope(card.agency_id):
        intents.confirmed(run, Click.CONFIRM, proof="p")
        Renewal.objects.update(stage=StageName.CONFIRMATION)
    retry_confirmation(finish(run, Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS), mei)
    assert state_of(renewal) == IntentState.CONFIRMED


@pytest.mark.parametrize(
    ("stage", "code"), [(StageName.SEALING, "other_stage"), (StageName.RECEIPT, "other_stage")]
)
def test_only_the_present_stage_is_done_again(
    renewal: Renewal, card: Card, desk: Desk, mei: User, stage: StageName, code: str
) -> None:
    with pytest.raises(attention.NotPossibleNow, match=code):
        retry_confirmation(stopped(card, desk), mei, stage)


def test_no_stage_is_done_again_while_a_run_is_under_way(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    claim(card, desk)
    with pytest.raises(attention.NotPossibleNow, match="running"):
        retry_confirmation(renewal, mei)


def test_no_stage_is_done_again_of_what_waits_anyway(renewal: Renewal, mei: User) -> None:
    with pytest.raises(attention.NotPossibleNow, match="not_stopped"):
        retry_confirmation(renewal, mei)


# --- closed as refused ------------------------------------------------------------------------


def test_what_stopped_is_closed_as_refused_and_can_be_taken_up_again(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    closed = act(attention.refuse, stopped(card, desk), mei)
    assert (closed.state, closed.reason) == (State.REFUSED, "closed_as_refused")
    assert act(attention.retry, closed, mei).state == State.WAITING


def test_what_did_not_stop_is_not_closed(renewal: Renewal, mei: User) -> None:
    with pytest.raises(attention.NotPossibleNow, match="not_stopped"):
        act(attention.refuse, renewal, mei)


def test_nothing_is_closed_while_a_click_is_unread(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    press(run)
    with pytest.raises(attention.NotPossibleNow, match="click_open"):
        act(attention.refuse, finish(run, Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED), mei)
