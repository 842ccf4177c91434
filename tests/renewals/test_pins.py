"""A PIN: recorded before it is typed, used once, and never tried again by the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from agency.models import Agency, Role, User
from agency.sealing import seal
from agency.tenancy import scope
from companies.domain import cards
from companies.domain.cards import IssuedPin, lift_quarantine
from companies.models import Card
from portal_driver import contract
from portal_driver.contract import Outcome, Reason
from renewals import drivers, driving
from renewals.domain import attention, claiming, pins, running, settling
from renewals.models import Desk, PinGrant, PinResult, Renewal, Run, State
from tests.cast import make_company, make_person, make_renewal
from tests.database import OUR_AGENCY, superuser
from tests.renewals.runs import claim, finish
from tests.renewals.season import our_side


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


def test_a_pin_that_was_not_typed_leaves_the_card_and_its_vault_alone(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    use(run, card)
    with scope(card.agency_id):
        settling.settle(run, contract.Finished(Outcome.PERSON_NEEDED, Reason.CARD_WRONG, pin_untouched=True))
    with scope(card.agency_id):
        assert PinGrant.objects.get().result == PinResult.NOT_TYPED
        assert not Card.objects.get().is_quarantined
        assert Card.objects.get().sealed_pin


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


# --- what cards are issued with is never tried ---------------------------------------------------------

ISSUED = ["88888888", "00000000", " 88888888 ", "８８８８８８８８"]


@pytest.mark.parametrize("pin", ISSUED)
def test_an_issued_pin_is_neither_stored_nor_granted(
    renewal: Renewal, card: Card, desk: Desk, mei: User, pin: str
) -> None:
    with scope(card.agency_id):
        with pytest.raises(IssuedPin, match="issued with"):
            cards.store_pin(card, pin, by=mei)
        with pytest.raises(IssuedPin):
            pins.grant_pin(card, desk=desk, pin=pin, by=mei)
        assert PinGrant.objects.count() == 0
    assert use(claim(card, desk), card) == "27182818", "the vault still holds what it held"


@pytest.mark.parametrize("pin", ["88888888", "00000000"])
def test_an_issued_pin_that_lies_in_the_vault_is_never_used(
    renewal: Renewal, card: Card, desk: Desk, pin: str
) -> None:
    with scope(card.agency_id):
        Card.objects.update(sealed_pin=seal(pin, bound_to=f"card:{card.agency_id}:{card.pk}"))
    run = claim(card, desk)
    assert use(run, card) is None
    assert finish(run, Outcome.PERSON_NEEDED, Reason.PIN_MISSING).reason == Reason.PIN_MISSING
    with scope(card.agency_id):
        assert not Card.objects.get().is_quarantined, "nothing was tried"


# --- wherever somebody dies: one try a card until a person has looked ----------------------------------


def dies_before_the_answer(run: Run, card: Card) -> None:
    """The driver has asked; worker and driver end before anything is written down."""


def dies_with_the_pin_in_its_hands(run: Run, card: Card) -> None:
    """The use is committed; nobody knows whether the answer left, or was typed."""
    use(run, card)


@pytest.mark.parametrize(
    ("dies", "in_quarantine"), [(dies_before_the_answer, False), (dies_with_the_pin_in_its_hands, True)]
)
def test_a_worker_that_dies_costs_one_try_at_most(
    renewal: Renewal, card: Card, desk: Desk, dies: Callable[[Run, Card], None], in_quarantine: bool
) -> None:
    """It never settles its run: the sweep does, once the lease has run out."""
    run = claim(card, desk)
    dies(run, card)
    with scope(card.agency_id):
        settling.give_up_lost_run(Renewal.objects.select_for_update().get(pk=renewal.pk))
        Renewal.objects.update(state=State.WAITING, look_at=None)
        assert Card.objects.get().is_quarantined is in_quarantine
    again = claim(card, desk)
    assert (use(again, card) is None) is in_quarantine
    with pytest.raises(claiming.EpochLost):
        use(run, card)


def test_until_a_use_is_judged_no_other_run_gets_a_pin_for_the_card(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    """The lease of a dead worker still runs, and the company has other work: not a second try."""
    use(claim(card, desk), card)
    with scope(card.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(year=renewal.year - 1)
        other = make_renewal(renewal.company, mei)
    run = claim(card, desk)
    assert (run.renewal_id, use(run, card)) == (other.pk, None)


def test_the_use_is_committed_before_the_pin_is_handed_out(
    committed: None, settings: pytest.FixtureRequest
) -> None:
    """Seen by another connection at the moment in which the driver would get it."""
    _company, card, desk, _renewal, _mei = our_side()
    run = claim(card, desk)
    with drivers.driver_for(desk.pk) as driver:
        conversation = driving._Conversation(run, card, desk, driver)
        answer = conversation._hear(contract.NeedPin(card.number))
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as other:  # type: ignore[attr-defined]
        seen = other.execute("SELECT used_at IS NOT NULL, sealed_pin FROM renewals_pingrant").fetchall()
    assert (answer, seen) == (contract.Pin("27182818"), [(True, None)])
    assert conversation._hear(contract.NeedPin(card.number)) == contract.NoPin()


# --- A form sent twice ------------------------------------------------------------------------


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY("
            "pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.usefixtures("committed")
def test_a_pin_sent_twice_at_once_is_kept_once() -> None:
    agency = Agency(pk=OUR_AGENCY)
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    company = make_company(agency, 1, "广州市宏达贸易有限公司")
    with scope(agency.pk):
        card = company.cards.get()
        desk = Desk.objects.create(name="1 号读卡台", code="d1", control="ws://127.0.0.1:1")
    failed: list[Exception] = []

    def again() -> None:
        try:
            with scope(agency.pk):
                pins.grant_pin(card, desk=desk, pin="31415926", by=mei)
        except Exception as error:
            failed.append(error)
        connection.close()

    second = threading.Thread(target=again)
    with scope(agency.pk):
        pins.grant_pin(card, desk=desk, pin="31415926", by=mei)
        second.start()
        while second.is_alive() and not _waits_for_a_lock():
            pass
    second.join()
    with scope(agency.pk):
        assert (failed, PinGrant.objects.filter(used_at__isnull=True).count()) == ([], 1)
