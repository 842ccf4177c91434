"""A PIN: recorded before it is typed, used once, and never tried again by the machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from agency.models import User
from agency.tenancy import scope
from companies.domain.cards import lift_quarantine
from companies.models import Card
from portal_driver import contract
from portal_driver.contract import Outcome, Reason
from renewals.domain import attention, pins, running
from renewals.models import Desk, PinGrant, PinResult, Renewal, Run, State
from tests.renewals.runs import claim, finish


def use(run: Run, card: Card) -> str | None:
    with scope(card.agency_id):
        return pins.use_pin(run, card)


def test_the_vaults_pin_is_used_once_a_run(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    assert use(run, card) == "27182818"
    assert use(run, card) is None


def test_what_was_typed_at_the_desk_comes_first(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    with scope(card.agency_id):
        pins.grant_pin(card, desk=desk, pin="31415926", by=mei)
    assert use(claim(card, desk), card) == "31415926"


def test_a_used_pin_is_wiped_and_its_use_is_written_down(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    with scope(card.agency_id):
        pins.grant_pin(card, desk=desk, pin="31415926", by=mei)
    run = claim(card, desk)
    use(run, card)
    with scope(card.agency_id):
        grant = PinGrant.objects.get()
    assert (grant.sealed_pin, grant.run, grant.result) == (None, run, "")
    assert grant.used_at is not None


def test_a_grant_that_is_too_old_is_not_used(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    with scope(card.agency_id):
        Card.objects.update(sealed_pin=None)
        pins.grant_pin(card, desk=desk, pin="31415926", by=mei)
        PinGrant.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert use(claim(card, desk), card) is None


def test_an_accepted_pin_leaves_the_card_alone(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    use(run, card)
    with scope(card.agency_id):
        running.note(run, contract.SignedIn("宏达", "91"))
    finish(run, Outcome.SUBMITTED)
    with scope(card.agency_id):
        assert PinGrant.objects.get().result == PinResult.ACCEPTED
        assert not Card.objects.get().is_quarantined


@pytest.mark.parametrize(
    ("reason", "result", "quarantine"),
    [
        (Reason.PIN_REFUSED, PinResult.REFUSED, Reason.PIN_REFUSED),
        (Reason.CARD_LOCKED, PinResult.REFUSED, Reason.CARD_LOCKED),
        (Reason.SIGN_IN_UNCLEAR, PinResult.UNCLEAR, Reason.SIGN_IN_UNCLEAR),
        # The driver died with the PIN in its hands: nobody knows, so it counts as refused.
        (Reason.DRIVER_FAILED, PinResult.UNCLEAR, Reason.SIGN_IN_UNCLEAR),
    ],
)
def test_a_pin_that_was_not_accepted_quarantines_the_card(
    renewal: Renewal, card: Card, desk: Desk, reason: Reason, result: PinResult, quarantine: Reason
) -> None:
    run = claim(card, desk)
    use(run, card)
    finish(run, Outcome.PERSON_NEEDED, reason)
    with scope(card.agency_id):
        assert PinGrant.objects.get().result == result
        assert Card.objects.get().quarantine_reason == quarantine


def test_a_card_in_quarantine_gets_no_pin(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    run = claim(card, desk)
    use(run, card)
    rested = finish(run, Outcome.LATER, Reason.BROWSER_GONE)
    assert (rested.state, rested.reason) == (State.ATTENTION, Reason.SIGN_IN_UNCLEAR), "somebody is told"
    with scope(card.agency_id):
        attention.retry(rested, by=mei)
    assert use(claim(card, desk), card) is None
    with scope(card.agency_id):
        lift_quarantine(card, by=mei, why="called the company")
        assert Card.objects.get().sealed_pin is None, "a PIN that was refused is not tried again"


def test_another_desks_grant_is_not_used_here(renewal: Renewal, card: Card, desk: Desk, mei: User) -> None:
    with scope(card.agency_id):
        Card.objects.update(sealed_pin=None)
        other = Desk.objects.create(name="2", code="d2", control="ws://127.0.0.1:2")
        pins.grant_pin(card, desk=other, pin="31415926", by=mei)
    assert use(claim(card, desk), card) is None
