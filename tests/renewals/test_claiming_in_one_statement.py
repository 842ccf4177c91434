"""The claim in one statement takes what the guarded one would, writes the same, and leaves the doubtful."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.forms.models import model_to_dict
from pytest_django import DjangoAssertNumQueries

from agency.models import AuditEntry, User
from companies.models import Card, Company
from renewals.domain import claiming, pausing
from renewals.models import CLAIMABLE, Batch, Desk, Event, Renewal, Run, StageName, State
from tests.cast import make_renewal
from tests.database import OTHER_AGENCY

pytestmark = pytest.mark.usefixtures("in_agency")


@pytest.fixture
def proven(renewal: Renewal) -> Batch:
    """Its batch has got through every stage: no company goes first."""
    assert renewal.batch is not None
    Batch.objects.filter(pk=renewal.batch.pk).update(proven=list(StageName))
    return renewal.batch


def unhindered(card: Card, desk: Desk) -> Run | None:
    return claiming._claim_unhindered(card, desk=desk, worker="w", profile="2024")


def guarded(card: Card, desk: Desk) -> Run | None:
    return claiming._claim_guarded(card, desk=desk, worker="w", profile="2024")


def written(run: Run | None) -> list[object]:
    """What a claim leaves behind, without what tells two claims apart."""
    assert run is not None
    renewal = Renewal.objects.get(pk=run.renewal_id)
    event = Event.objects.get(renewal=renewal, kind="claimed")
    entry = AuditEntry.objects.get(object_id=str(renewal.pk), action="claimed")
    lease = renewal.lease_until and round((renewal.lease_until - renewal.state_since).total_seconds())
    return [
        model_to_dict(renewal, ("state", "stage", "desk", "epoch", "reason", "setbacks")),
        lease,
        renewal.changed_at == renewal.state_since,
        model_to_dict(Run.objects.get(pk=run.pk), exclude=("renewal", "began_at")),
        model_to_dict(event, ("run", "kind", "detail", "actor_name")),
        model_to_dict(entry, ("actor", "actor_name", "address", "action", "object_type", "detail")),
    ]


def test_both_ways_write_the_same(
    proven: Batch, card: Card, wus_company: Company, mei: User, desk: Desk
) -> None:
    wus = make_renewal(wus_company, mei)
    one, other = unhindered(card, desk), guarded(wus.company.cards.get(), desk)
    assert written(one) == written(other)


def test_one_statement_takes_it_and_says_of_the_run_what_was_written(
    proven: Batch, card: Card, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        run = unhindered(card, desk)
        said = {name: value for name, value in vars(run).items() if name != "_state"}
    assert said == Run.objects.values(*said).get()


@pytest.mark.parametrize("state", [state for state in State if state != State.RUNNING])
@pytest.mark.parametrize("hours", [None, -1, 0.5, 2, 25])
@pytest.mark.parametrize("setbacks", [0, 1])
def test_both_ways_take_the_same(
    proven: Batch, renewal: Renewal, card: Card, desk: Desk, state: State, hours: float | None, setbacks: int
) -> None:
    needs_a_look = state in CLAIMABLE and state != State.WAITING
    if needs_a_look and hours is None:
        return
    look_at = None if hours is None else Now() + timedelta(hours=hours)
    Renewal.objects.update(state=state, look_at=look_at, reason="uscc_differs", setbacks=setbacks)
    takes = Renewal.objects.filter(claiming.is_worth_a_run()).exists()
    assert (unhindered(card, desk) is not None) is takes


def test_the_most_urgent_is_taken_first(
    proven: Batch, renewal: Renewal, company: Company, card: Card, desk: Desk
) -> None:
    urgent = Renewal.objects.create(company=company, year=renewal.year - 1, priority=5)
    run = unhindered(card, desk)
    assert run is not None
    assert run.renewal_id == urgent.pk


@pytest.mark.parametrize("narrowed", ["all", "batch", "stage", "stage of the batch"])
@pytest.mark.parametrize("ended", [False, True])
def test_what_is_paused_or_comes_back_slowly_is_left_to_the_guarded_claim(
    proven: Batch, card: Card, mei: User, desk: Desk, narrowed: str, ended: bool
) -> None:
    begun = pausing.pause(
        by=mei,
        why="x",
        batch=proven if "batch" in narrowed else None,
        stage=StageName.CONFIRMATION if "stage" in narrowed else "",
    )
    if ended:
        pausing.resume(begun, by=mei, why="y")
    assert unhindered(card, desk) is None
    assert (guarded(card, desk) is not None) is ended


def test_a_pause_of_something_else_hinders_nothing(proven: Batch, card: Card, mei: User, desk: Desk) -> None:
    other = Batch.objects.create(name="another", year=proven.year, asked=0)
    pausing.pause(by=mei, why="x", batch=other)
    pausing.pause(by=mei, why="x", stage=StageName.RECEIPT)
    pausing.pause(by=mei, why="x", desk=desk)
    assert unhindered(card, desk) is not None


def test_an_unproven_stage_is_left_to_the_guarded_claim(renewal: Renewal, card: Card, desk: Desk) -> None:
    assert unhindered(card, desk) is None
    assert guarded(card, desk) is not None


def test_a_look_needs_no_proof(renewal: Renewal, card: Card, desk: Desk) -> None:
    Renewal.objects.update(stage=StageName.RECEIPT)
    assert unhindered(card, desk) is not None


def test_another_agency_gets_nothing_of_it(proven: Batch, card: Card, desk: Desk) -> None:
    card.agency_id = OTHER_AGENCY
    assert unhindered(card, desk) is None
