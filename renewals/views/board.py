"""The board 续保看板: where does everybody stand?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from agency.people import staff_only
from renewals.domain import progress
from renewals.filters import BoardFilter
from renewals.models import Renewal, StageState, State

ROWS_A_PAGE = 50
# More rows than a page has are never asked for.
ROWS_KNOWN_AT_MOST = 200


@dataclass(frozen=True)
class Tile:
    """One number of the summary bar: a door to the renewals behind it. An empty state means all."""

    state: str
    label: str
    number: int


@require_safe
@staff_only
def board(request: HttpRequest) -> HttpResponse:
    """A policy year's renewals, one row a company, filtered and sorted as the address says."""
    years = progress.years() or [timezone.localdate().year]
    year = chosen_year(request.GET, newest=years[0])
    chosen = BoardFilter(request.GET, Renewal.objects.filter(year=year).order_by("company__name"))
    summary = tiles(request.GET, year)
    paginator = Paginator(chosen.qs, ROWS_A_PAGE)
    paginator.count = matching(summary, request.GET)  # counted already
    page: Page[Renewal] = paginator.get_page(request.GET.get("page"))
    context = {
        "year": year,
        "years": years,
        "filter": chosen,
        "page": page,
        "rows": progress.rows(page.object_list),  # type: ignore[arg-type]  # a page of a queryset
        "tiles": summary,
        "summary_version": summary_version(summary),
        "matching": paginator.count,
        "stage_states": StageState.choices,
    }
    return render(request, "renewals/board.html", context)


@require_safe
@staff_only
def changes(request: HttpRequest) -> HttpResponse:
    """What is different from what the page shows: rows, the summary bar, the number that match.

    The page sends the versions of its rows (`row`) and of the rest (`summary`). 204 when it is
    up to date, so that nothing on it moves.
    """
    year = chosen_year(request.GET)
    known = versions(request.GET.getlist("row"))
    summary = tiles(request.GET, year)
    if not known and matching(summary, request.GET):
        # The first rows of an empty board: there is no place on the page where they could stay.
        return HttpResponseClientRefresh()
    new_rows = progress.changed(Renewal.objects.all(), known)
    is_same = summary_version(summary) == request.GET.get("summary")
    if not new_rows and is_same:
        return HttpResponse(status=204)
    context = {
        "rows": new_rows,
        "tiles": None if is_same else summary,
        "year": year,
        "summary_version": summary_version(summary),
        "matching": matching(summary, request.GET),
        "shown": request.GET.get("shown", ""),
    }
    return render(request, "renewals/board.html#changes", context)


@require_safe
@staff_only
def rows(request: HttpRequest) -> HttpResponse:
    """Of the rows that a page shows (`row`), those that are different now; 204 when there are none."""
    new_rows = progress.changed(Renewal.objects.all(), versions(request.GET.getlist("row")))
    if not new_rows:
        return HttpResponse(status=204)
    return render(request, "renewals/board.html#changes", {"rows": new_rows})


def chosen_year(query: QueryDict, *, newest: int | None = None) -> int:
    """The policy year in the address, or the newest that has renewals."""
    year = query.get("year", "")
    if year.isdecimal() and len(year) == 4:
        return int(year)
    return newest or progress.latest_year()


def tiles(query: QueryDict, year: int) -> list[Tile]:
    """The number in each state under the other filters. A rare state is shown when it has any."""
    others = query.copy()
    others.pop("state", None)
    counts = progress.counts(BoardFilter(others, Renewal.objects.filter(year=year)).qs)
    rare = (State.REFUSED, State.CANCELLED)
    return [
        Tile("", _("All"), counts.total()),
        *[
            Tile(state, str(state.label), counts[state])
            for state in State
            if counts[state] or state not in rare or query.get("state") == state
        ],
    ]


def matching(summary: list[Tile], query: QueryDict) -> int:
    """How many renewals the page's filters find now."""
    return next((tile.number for tile in summary if tile.state == query.get("state", "")), summary[0].number)


def summary_version(summary: list[Tile]) -> str:
    """Changes whenever a number of the summary bar does."""
    return ".".join(f"{tile.state}{tile.number}" for tile in summary)


def versions(sent: list[str]) -> dict[UUID, str]:
    """The rows that a page shows and the version of each; what cannot be read is left out."""
    known: dict[UUID, str] = {}
    for item in sent[:ROWS_KNOWN_AT_MOST]:
        ident, _at, version = item.partition("@")
        try:
            known[UUID(ident)] = version
        except ValueError:
            continue
    return known
