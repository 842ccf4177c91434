"""Queues renewals in bulk: what is ready becomes a batch, what is not is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils import timezone

from agency import audit
from agency.bulk import forget_plans, insert_all
from agency.models import User
from companies.domain.readiness import Problem, check_readiness
from companies.models import Company
from renewals.domain.doorbell import ring_for
from renewals.domain.stages import make_stages
from renewals.domain.story import tell_all
from renewals.models import Batch, Renewal, State


@dataclass(frozen=True)
class Queued:
    """What became of a selection. `batch` is None when nothing in it was ready."""

    batch: Batch | None
    renewals: list[Renewal]
    not_ready: dict[Company, list[Problem]]


def preview(companies: Iterable[UUID], *, year: int) -> dict[Company, list[Problem]]:
    """What queueing these companies would say of each: its problems, none where it is ready."""
    found = check_readiness(companies, year=year, on=timezone.localdate())
    open_ones = set(
        Renewal.objects.filter(year=year, company__in=found)
        .exclude(state=State.CANCELLED)
        .values_list("company_id", flat=True)
    )
    return {
        company: [Problem.RENEWAL_OPEN] if company.pk in open_ones else problems
        for company, problems in found.items()
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
    verdicts = preview(ids, year=year)
    ready = [company for company, problems in verdicts.items() if not problems]
    not_ready = {company: problems for company, problems in verdicts.items() if problems}
    if not ready:
        return Queued(None, [], not_ready)
    batch = Batch.objects.create(
        name=name, year=year, made_by=by, asked=len(verdicts), chosen_by=chosen_by, note=note
    )
    renewals = [
        Renewal(
            agency_id=batch.agency_id,
            company=company,
            year=year,
            batch=batch,
            priority=priority,
            due_on=due_on,
            assignee=assignee,
            note=note,
        )
        for company in ready
    ]
    forget_plans()
    insert_all(Renewal, renewals)
    make_stages(renewals)
    tell_all(renewals, "queued", by=by, batch=name)
    ring_for(company.pk for company in ready)
    # Last: whoever records in this agency waits from here on until the commit.
    audit.record_each("queued", ((one, {"batch": name, "year": year}) for one in renewals), by=by)
    audit.record("batch_queued", batch, by=by, asked=len(verdicts), queued=len(renewals))
    return Queued(batch, renewals, not_ready)
