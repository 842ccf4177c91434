"""The sweep and the doorbell: what a dead worker or a lost ring left behind is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connections
from django.db.models.functions import Now
from django.utils import timezone

from agency.celery import app
from agency.tenancy import scope
from companies.models import Card, Company, Custody
from renewals.domain import across
from renewals.domain.claiming import begin_sitting
from renewals.domain.doorbell import ring
from renewals.domain.matters import close_matters, open_matter
from renewals.domain.sweeping import LATEST_LOOK_S, alert, end_lease, sweep
from renewals.models import Desk, Matter, Renewal, State
from renewals.reasons import EngineReason
from tests.database import OUR_AGENCY
from tests.renewals.runs import claim
from tests.renewals.season import empty, our_side

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def parts(committed: None) -> tuple[Card, Desk]:
    _company, card, desk, _renewal, _mei = our_side()
    return card, desk


@pytest.fixture(autouse=True)
def close_the_brokers_connections() -> Iterator[None]:
    yield
    app.close()


def rings(desk: Desk) -> int:
    """How many times the desk was rung since the last look."""
    return empty(desk.queue)


def let_the_lease_run_out() -> None:
    with scope(OUR_AGENCY):
        Renewal.objects.update(lease_until=Now() - timedelta(seconds=1))


def put_in(card: Card) -> None:
    with scope(OUR_AGENCY):
        Desk.objects.update(card_number=card.number)


def test_a_silent_workers_renewal_is_free_again(parts: tuple[Card, Desk]) -> None:
    claim(*parts)
    let_the_lease_run_out()
    sweep()
    with scope(OUR_AGENCY):
        assert Renewal.objects.get().state == State.WAITING


def test_the_sweep_that_ends_a_dead_workers_lease_rings_for_the_next(parts: tuple[Card, Desk]) -> None:
    card, desk = parts
    put_in(card)
    with scope(OUR_AGENCY):
        assert begin_sitting(desk)
    dead = claim(*parts)
    let_the_lease_run_out()
    with scope(OUR_AGENCY):
        Desk.objects.update(sitting_until=Now() - timedelta(seconds=1))
    sweep()
    assert rings(desk) > 0
    with scope(OUR_AGENCY):
        assert begin_sitting(desk)
    assert claim(*parts).epoch > dead.epoch


def test_a_living_workers_renewal_is_left_alone(parts: tuple[Card, Desk]) -> None:
    claim(*parts)
    sweep()
    with scope(OUR_AGENCY):
        assert Renewal.objects.get().state == State.RUNNING


def test_two_sweeps_end_a_lease_once(parts: tuple[Card, Desk]) -> None:
    run = claim(*parts)
    let_the_lease_run_out()
    for _ in range(2):
        end_lease(OUR_AGENCY, run.renewal_id)
    with scope(OUR_AGENCY):
        assert Renewal.objects.get().epoch == run.epoch + 1


def test_a_lost_ring_is_rung_again(parts: tuple[Card, Desk]) -> None:
    card, desk = parts
    put_in(card)
    sweep()
    assert rings(desk) == 1


def test_a_card_without_work_is_not_rung_for(parts: tuple[Card, Desk]) -> None:
    card, desk = parts
    put_in(card)
    with scope(OUR_AGENCY):
        Renewal.objects.update(look_at=Now() + timedelta(hours=1))
    sweep()
    assert rings(desk) == 0


def test_a_card_in_quarantine_is_not_rung_for(parts: tuple[Card, Desk]) -> None:
    card, desk = parts
    put_in(card)
    with scope(OUR_AGENCY):
        Card.objects.update(quarantined_at=Now(), quarantine_reason="pin_refused")
    sweep()
    assert rings(desk) == 0


def test_a_desk_with_somebody_at_it_is_not_rung(parts: tuple[Card, Desk]) -> None:
    card, desk = parts
    put_in(card)
    with scope(OUR_AGENCY):
        Desk.objects.update(sitting=desk.pk, sitting_until=Now() + timedelta(minutes=1))
    sweep()
    assert rings(desk) == 0


def test_who_has_seen_to_a_late_policy_is_not_asked_again_for_some_days(parts: tuple[Card, Desk]) -> None:
    with scope(OUR_AGENCY):
        Company.objects.update(old_policy_ends_on=timezone.localdate() + timedelta(days=1))
    sweep()
    with scope(OUR_AGENCY):
        assert close_matters(Renewal.objects.get(), by=None, why="called the insurer") == 1
    sweep()
    assert open_matters() == 0
    with scope(OUR_AGENCY):
        Matter.objects.update(closed_at=Now() - timedelta(days=across.ASK_AGAIN_AFTER_DAYS, seconds=1))
    sweep()
    assert open_matters() == 1


def open_matters() -> int:
    with scope(OUR_AGENCY):
        return Matter.objects.filter(closed_at__isnull=True).count()


def nobody_swept(parts: tuple[Card, Desk]) -> None:
    claim(*parts)
    with scope(OUR_AGENCY):
        Renewal.objects.update(lease_until=Now() - timedelta(minutes=6))


def look_far_away(parts: tuple[Card, Desk]) -> None:
    far = Now() + timedelta(seconds=LATEST_LOOK_S + 60)
    with scope(OUR_AGENCY):
        Renewal.objects.update(state=State.SUBMITTED, look_at=far)


def card_elsewhere(parts: tuple[Card, Desk]) -> None:
    with scope(OUR_AGENCY):
        Card.objects.update(custody=Custody.COMPANY)


@pytest.mark.parametrize("lose", [nobody_swept, look_far_away, card_elsewhere])
def test_a_renewal_without_a_next_step_is_told_until_somebody_is_asked(
    parts: tuple[Card, Desk], lose: Callable[[tuple[Card, Desk]], None]
) -> None:
    assert alert() == 0
    lose(parts)
    assert alert() == 1
    with scope(OUR_AGENCY):
        open_matter(Renewal.objects.get(), EngineReason.CARD_UNUSABLE)
    assert alert() == 0


def test_what_is_over_needs_no_next_step(parts: tuple[Card, Desk]) -> None:
    card_elsewhere(parts)
    with scope(OUR_AGENCY):
        Renewal.objects.update(state=State.CANCELLED)
    assert alert() == 0


def test_nothing_is_rung_for_a_transaction_that_fails(parts: tuple[Card, Desk]) -> None:
    class Oops(Exception):
        pass

    with pytest.raises(Oops), scope(OUR_AGENCY):
        ring(parts[1])
        raise Oops
    assert rings(parts[1]) == 0


def test_a_dead_broker_costs_nothing_but_the_ring(
    parts: tuple[Card, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    app.close()
    with scope(OUR_AGENCY):
        ring(parts[1])


def test_the_sweep_finds_desks_by_their_codes(parts: tuple[Card, Desk]) -> None:
    assert across.desks_named([parts[1].code, "none"]) == [(OUR_AGENCY, parts[1].pk)]


@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT name FROM companies_company",
        "SELECT sealed_pin FROM companies_card",
        "SELECT reason_detail FROM renewals_renewal",
        "UPDATE renewals_renewal SET state = 'waiting'",
    ],
)
def test_everything_else_is_closed_to_the_sweeps_role(forbidden: str) -> None:
    with connections["sweep"].cursor() as cursor, pytest.raises(DatabaseError, match="permission denied"):
        cursor.execute(forbidden)
