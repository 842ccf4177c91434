"""What a person does with a renewal that stopped."""

from __future__ import annotations

import pytest

from agency.models import User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Outcome, Reason
from renewals.domain import attention
from renewals.models import Desk, Renewal, StageState, State
from tests.renewals.runs import claim, finish, press, stages_of


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
