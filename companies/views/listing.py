"""The list of companies: who is ready, and what keeps the others?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agency.people import staff_only
from companies.domain.readiness import WORDS, Problem, Words, check_readiness
from companies.filters import CompanyFilter
from companies.models import Card, Company, Contact
from companies.views.years import chosen_year, years

COMPANIES_A_PAGE = 50


@require_safe
@staff_only
def companies(request: HttpRequest) -> HttpResponse:
    """The companies, filtered as the address says, each with what keeps it from being queued."""
    year = chosen_year(request.GET)
    chosen = CompanyFilter(request.GET, Company.objects.order_by("name"))
    page = Paginator(chosen.qs, COMPANIES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "rows": _listed(list(page.object_list), year),
        "matching": page.paginator.count,
        "year": year,
        "years": years(),
    }
    return render(request, "companies/list.html", context)


@dataclass(frozen=True)
class Listed:
    """One company of the list. `renewal` is the year's, and then the advice is of no interest."""

    company: Company
    contact: Contact | None
    card: Card | None
    renewal: Any
    advice: list[Words]


def _listed(shown: Sequence[Company], year: int) -> list[Listed]:
    """The companies of one page, in their order. Six queries."""
    verdicts = check_readiness([company.pk for company in shown], year=year, on=timezone.localdate())
    prefetch_related_objects(list(verdicts), "owner", "renewals")
    found = {company.pk: _list_one(company, problems, year) for company, problems in verdicts.items()}
    return [found[company.pk] for company in shown]


def _list_one(company: Company, problems: list[Problem], year: int) -> Listed:
    open_ones = (one for one in company.renewals.all() if one.year == year and one.state != "cancelled")
    return Listed(
        company,
        next(iter(company.primary_contacts), None),  # type: ignore[attr-defined]  # by check_readiness
        next(iter(company.all_cards), None),  # type: ignore[attr-defined]
        next(open_ones, None),
        [WORDS[problem] for problem in problems],
    )
