"""Claim, epoch, lease: one holder at a time, and an old holder changes nothing."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from agency.models import AuditEntry
from agency.tenancy import scope
from companies.models import Card, Company
from portal_driver.contract import Click, Outcome, Reason
from renewals.domain import claiming, intents
from renewals.models import Batch, Desk, Renewal, StageName, State
from tests.database import superuser
from tests.renewals.runs import DIGEST, claim, finish, make_due
from tests.renewals.season import our_side


def claim_or_none(card: Card, desk: Desk) -> object:
    with scope(card.agency_id):
        return claiming.claim_for_card(card, desk=desk, worker="test", profile="2024")


def test_a_claim_takes_the_cards_renewal(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        renewal.refresh_from_db()
    assert (renewal.state, renewal.desk, renewal.epoch, run.epoch) == (State.RUNNING, desk, 1, 1)
    assert renewal.lease_until is not None
    assert renewal.lease_until > timezone.now()


def test_a_second_claim_gets_nothing(renewal: Renewal, card: Card, desk: Desk) -> None:
    claim(card, desk)
    assert claim_or_none(card, desk) is None


def test_another_companys_card_gets_nothing(wus_renewal: Renewal, card: Card, desk: Desk) -> None:
    assert claim_or_none(card, desk) is None


def test_what_is_not_due_is_not_claimed(renewal: Renewal, card: Card, desk: Desk) -> None:
    with scope(card.agency_id):
        Renewal.objects.update(look_at=Now() + timedelta(minutes=5))
    assert claim_or_none(card, desk) is None


def test_a_look_is_made_early_unless_it_failed_or_was_held_back(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    """Each look signs in with the PIN: while the card lies there, a failed one would follow another."""
    with scope(card.agency_id):
        in_review = {"state": State.SUBMITTED, "stage": StageName.RECEIPT}
        Renewal.objects.update(**in_review, look_at=Now() + timedelta(minutes=5), setbacks=1)
    assert claim_or_none(card, desk) is None
    with scope(card.agency_id):
        Renewal.objects.update(setbacks=0, reason="held_back")
    assert claim_or_none(card, desk) is None
    with scope(card.agency_id):
        Renewal.objects.update(reason="")
    assert claim_or_none(card, desk) is not None


def test_an_old_holder_changes_nothing(renewal: Renewal, card: Card, desk: Desk) -> None:
    old = claim(card, desk)
    with scope(card.agency_id):
        Renewal.objects.update(epoch=old.epoch + 1)
    with pytest.raises(claiming.EpochLost), scope(card.agency_id):
        intents.arm(old, Click.CONFIRM, page_sha256=DIGEST)
    with pytest.raises(claiming.EpochLost):
        finish(old, Outcome.COMPLETE)
    with scope(card.agency_id):
        assert not claiming.renew_lease(old)
        assert Renewal.objects.get().state == State.RUNNING


def test_a_heartbeat_prolongs_the_lease(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        soon = Now() + timedelta(seconds=3)
        Renewal.objects.update(lease_until=soon)
        before = Renewal.objects.get().lease_until
        assert claiming.renew_lease(run)
        after = Renewal.objects.get().lease_until
    assert before is not None
    assert after is not None
    assert after > before


def test_a_lease_that_ran_out_is_not_prolonged(renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    with scope(card.agency_id):
        Renewal.objects.update(lease_until=Now() - timedelta(seconds=1))
        assert not claiming.renew_lease(run)


def test_one_sitting_at_a_desk(company: Company, desk: Desk) -> None:
    with scope(company.agency_id):
        second = Desk.objects.get()
        assert claiming.begin_sitting(desk)
        assert not claiming.begin_sitting(second)
        claiming.end_sitting(desk, notice="take_out")
        assert claiming.begin_sitting(second)
        assert not claiming.keep_sitting(desk)


def test_a_desk_whose_worker_died_is_free_after_the_lease(company: Company, desk: Desk) -> None:
    with scope(company.agency_id):
        assert claiming.begin_sitting(desk)
        Desk.objects.update(sitting_until=Now() - timedelta(seconds=1))
        assert claiming.begin_sitting(Desk.objects.get())


def test_a_look_that_failed_is_not_made_again_while_its_card_lies_in_the_reader(
    renewal: Renewal, card: Card, desk: Desk
) -> None:
    finish(claim(card, desk), Outcome.SUBMITTED)
    make_due(renewal)
    rested = finish(claim(card, desk), Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert (rested.state, rested.setbacks) == (State.SUBMITTED, 1)
    assert claim_or_none(card, desk) is None


# Stands beside the keys of the two tables that a claim writes: it is checked when they are.
CHECKED_EARLY = """
CREATE FUNCTION checked_early() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) THEN
        RAISE 'the keys of % are checked while the trail is held', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER checked_early AFTER INSERT ON renewals_run
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION checked_early();
CREATE CONSTRAINT TRIGGER checked_early AFTER INSERT ON renewals_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION checked_early();
"""


@pytest.mark.usefixtures("committed")
def test_the_keys_of_a_claim_are_checked_before_the_trail_is_held() -> None:
    """From a claim's entry on every other desk of the agency waits; a check may wait for a row's lock."""
    _company, card, desk, _renewal, _mei = our_side()
    with scope(card.agency_id):
        Batch.objects.update(proven=list(StageName))
    database = str(settings.DATABASES["default"]["NAME"])
    with psycopg.connect(superuser(database), autocommit=True) as admin:
        admin.execute(CHECKED_EARLY)
        try:
            with scope(card.agency_id):
                run = claiming._claim_unhindered(card, desk=desk, worker="test", profile="2024")
        finally:
            admin.execute("DROP FUNCTION checked_early CASCADE")
    assert run is not None
    with scope(card.agency_id):
        assert AuditEntry.objects.filter(action="claimed", object_id=str(run.renewal_id)).count() == 1
