"""Queues renewals in bulk: what is ready becomes a batch, what is not is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from django.utils import timezone

from agency import audit
from agency.bulk import forget_plans, insert_like
from agency.models import User
from companies.domain.readiness import Problem, check_readiness, problems_by_company
from companies.models import Company
from renewals.domain.doorbell import ring_for
from renewals.domain.stages import make_stages
from renewals.domain.story import tell_all
from renewals.models import Batch, Renewal, State


@dataclass(frozen=True)
class Queued:
    """What became of a selection. `batch` is None when nothing in it was ready."""

    batch: Batch | None
    number: int
    not_ready: dict[Company, list[Problem]]


def preview(companies: Iterable[UUID], *, year: int) -> dict[Company, list[Problem]]:
    """What queueing these companies would say of each: its problems, none where it is ready."""
    found = check_readiness(companies, year=year, on=timezone.localdate())
    verdicts = _or_open({company.pk: problems for company, problems in found.items()}, year)
    return {company: verdicts[company.pk] for company in found}


def _or_open(verdicts: dict[UUID, list[Problem]], year: int) -> dict[UUID, list[Problem]]:
    """The verdicts; of a company with a renewal for the year nothing else is said than that it has one."""
    open_ones = Renewal.objects.filter(year=year, company__in=verdicts).exclude(state=State.CANCELLED)
    return verdicts | {
        ident: [Problem.RENEWAL_OPEN] for ident in open_ones.values_list("company_id", flat=True)
    }


def queue_companies(
    companies: Iterable[UUID],
    *,
    year: int,
    name: str,
    by: User,
    priority: int = 0,
    due_on: date | None = None,
    assignee: User | None = None,
    note: str = "",
    chosen_by: str = "",
) -> Queued:
    """Queue a renewal for each company that is ready; the others are returned with their reasons.

    `assignee` looks after the batch's renewals, `note` says what colleagues should know of them,
    and `chosen_by` is the filter that found the companies, as text; their ids are what counts.
    All in the caller's transaction. A company with a renewal for the year is left alone, also when
    two people queue the same companies at the same moment: the companies' rows are locked.
    """
    ids = list(companies)
    list(Company.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    verdicts = _or_open(problems_by_company(ids, year=year, on=timezone.localdate()), year)
    ready = [ident for ident, problems in verdicts.items() if not problems]
    # Whole companies only of those of which there is something to say.
    kept_back = check_readiness(verdicts.keys() - set(ready), year=year, on=timezone.localdate())
    not_ready = {company: verdicts[company.pk] for company in kept_back}
    if not ready:
        return Queued(None, 0, not_ready)
    batch = Batch.objects.create(
        name=name, year=year, made_by=by, asked=len(verdicts), chosen_by=chosen_by, note=note
    )
    pattern = Renewal(
        agency_id=batch.agency_id,
        year=year,
        batch=batch,
        priority=priority,
        due_on=due_on,
        assignee=assignee,
        note=note,
    )
    renewals = [uuid4() for _ in ready]
    forget_plans()
    insert_like(pattern, id=renewals, company_id=ready)
    make_stages(renewals)
    tell_all(renewals, "queued", by=by, batch=name)
    ring_for(ready)
    # Last: whoever records in this agency waits from here on until the commit.
    audit.record_new("queued", Renewal, renewals, by=by, batch=name, year=year)
    audit.record("batch_queued", batch, by=by, asked=len(verdicts), queued=len(renewals))
    return Queued(batch, len(renewals), not_ready)
