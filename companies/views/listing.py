"""The list of companies: who is ready, and what keeps the others?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Value, Window, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from agency.people import staff_only
from companies.domain.readiness import WORDS, Problem, Words, check_readiness, primary_contact
from companies.filters import CompanyFilter
from companies.models import Card, Company, Contact
from companies.views.years import chosen_year, years

COMPANIES_A_PAGE = 50
# Beside the name and the verdict, which every list has.
COLUMNS = {
    "region": _("Region"),
    "contact": _("Contact"),
    "card": _("Card"),
    "owner": _("In charge"),
    "tags": _("Tags"),
    "ends": _("Policy ends"),
}
_USUAL = ("contact", "card", "owner", "ends")


@require_safe
@staff_only
def companies(request: HttpRequest) -> HttpResponse:
    """The companies, filtered as the address says, each with what keeps it from being queued."""
    year = chosen_year(request.GET)
    chosen = CompanyFilter(request.GET, Company.objects.order_by("initials", "name"))
    page = page_of(chosen.qs, request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "rows": _listed(list(page.object_list), year),
        "matching": page.paginator.count,
        "year": year,
        "years": years(),
        "columns": _columns(request.GET),
        "all_columns": COLUMNS,
    }
    return render(request, "companies/list.html", context)


def page_of(companies: QuerySet[Company], number: str | None, *, matching: int | None = None) -> Page[UUID]:
    """One page's ids. `matching` is how many companies there are, where that is known.

    Else they are counted by the same query: what a filter says of ten thousand is asked once.
    """
    wanted = int(number) if number and number.isdecimal() and len(number) < 6 else 1
    begin = max(wanted - 1, 0) * COMPANIES_A_PAGE
    total = Window(Count("*")) if matching is None else Value(matching)
    counted = companies.annotate(matching=total).values_list("pk", "matching")
    found = list(counted[begin : begin + COMPANIES_A_PAGE])
    if not found and begin:
        return page_of(companies, None, matching=matching)  # the list has become shorter
    paginator = Paginator([ident for ident, _matching in found], COMPANIES_A_PAGE)
    paginator.count = found[0][1] if found else 0
    return Page(paginator.object_list, max(wanted, 1), paginator)


def _columns(query: QueryDict) -> list[str]:
    """The columns that the address asks for, in our order; the usual ones where it says nothing."""
    asked = query.getlist("columns") or _USUAL
    return [column for column in COLUMNS if column in asked]


@dataclass(frozen=True)
class Listed:
    """One company of the list. `renewal` is the year's, and then the advice is of no interest."""

    company: Company
    contact: Contact | None
    card: Card | None
    renewal: Any
    advice: list[Words]


def _listed(shown: Sequence[UUID], year: int) -> list[Listed]:
    """The companies of one page, in their order. Three queries."""
    verdicts = check_readiness(shown, year=year, on=timezone.localdate())
    prefetch_related_objects(list(verdicts), "renewals")
    found = {company.pk: _list_one(company, problems, year) for company, problems in verdicts.items()}
    return [found[company] for company in shown]


def _list_one(company: Company, problems: list[Problem], year: int) -> Listed:
    open_ones = (one for one in company.renewals.all() if one.year == year and one.state != "cancelled")
    return Listed(
        company,
        primary_contact(company),
        next(iter(company.all_cards), None),  # type: ignore[attr-defined]  # by check_readiness
        next(open_ones, None),
        [WORDS[problem] for problem in problems],
    )
