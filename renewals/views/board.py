"""The board 续保看板: where does everybody stand?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from agency.filtering import year_said
from agency.models import Membership
from agency.people import staff_only
from renewals.domain import board_views, progress
from renewals.domain.board_views import may_delete
from renewals.domain.offers import Offers, offers
from renewals.domain.progress import Row
from renewals.filters import BoardFilter
from renewals.forms import ViewForm
from renewals.models import BoardView, Renewal, StageName, StageState, State
from renewals.sentences import reason_words
from renewals.views.today import first_hour

type Tally = list[tuple[State, str, int]]

ROWS_A_PAGE = 50
# More rows than a page has are never asked for.
ROWS_KNOWN_AT_MOST = 200
# The columns that a person may choose, beside company, stages and next step.
COLUMNS = (
    ("batch", pgettext_lazy("column", "Batch")),
    ("desk", pgettext_lazy("column", "Desk")),
    ("person", pgettext_lazy("column", "In charge")),
    ("due", pgettext_lazy("column", "To be done by")),
    ("age", pgettext_lazy("column", "Unmoved")),
)
USUAL_COLUMNS = ("desk", "person", "age")


@dataclass(frozen=True)
class Tile:
    """One number of the summary bar: a door to the renewals behind it. An empty state means all."""

    state: str
    label: str
    number: int


@require_safe
@staff_only
def board(request: HttpRequest) -> HttpResponse:
    """A policy year's renewals, one row a company, filtered, grouped and sorted as the address says."""
    beats, offered = progress.pulse(), offers()
    years = offered.years or [timezone.localdate().year]
    year = chosen_year(request.GET, newest=years[0])
    chosen = BoardFilter(request.GET, Renewal.objects.filter(year=year).order_by("company__name"))
    tally = _tally(request.GET, year)
    summary = tiles(request.GET, tally)
    _offer(chosen, offered, tally, year)
    paginator = Paginator(chosen.qs, ROWS_A_PAGE)
    paginator.count = matching(summary, request.GET)  # counted already
    page: Page[Renewal] = paginator.get_page(request.GET.get("page"))
    shown = progress.rows(page.object_list)  # type: ignore[arg-type]  # a page of a queryset
    context = {
        "year": year,
        "years": years,
        "filter": chosen,
        "page": page,
        "rows": shown,
        "groups": grouped(shown, chosen.form.cleaned_data.get("group") or ""),
        "columns": chosen_columns(request.GET),
        "all_columns": COLUMNS,
        "views": [(view, may_delete(view.made_by, by=_me(request))) for view in offered.views],
        "view_form": ViewForm(),
        "tiles": summary,
        "summary_version": summary_version(summary),
        "pulse": beats,
        "matching": paginator.count,
        "stage_states": StageState.choices,
    }
    if not offered.years:
        context |= first_hour()
    return render(request, "renewals/board.html", context)


@require_safe
@staff_only
def changes(request: HttpRequest) -> HttpResponse:
    """What is different from what the page shows: rows, the summary bar, the number that match.

    The page sends the agency's `pulse` as it last heard it, and the versions of its rows (`row`) and of
    the rest (`summary`). 204 while the pulse is the same, so that nothing on it moves.
    """
    heard = request.GET.get("pulse", "")
    if heard and progress.pulse(heard) == heard:
        return HttpResponse(status=204)
    beats, year = progress.pulse(), chosen_year(request.GET)
    known = versions(request.GET.getlist("row"))
    summary = tiles(request.GET, _tally(request.GET, year))
    if not known and matching(summary, request.GET):
        # The first rows of an empty board: there is no place on the page where they could stay.
        return HttpResponseClientRefresh()
    is_same = summary_version(summary) == request.GET.get("summary")
    paused = bool(heard) and not progress.same_pauses(heard, beats)
    context = {
        "rows": progress.changed(Renewal.objects.all(), known, everything=paused),
        "columns": chosen_columns(request.GET),
        "tiles": None if is_same else summary,
        "year": year,
        "summary_version": summary_version(summary),
        "pulse": beats,
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
    context = {"rows": new_rows, "columns": chosen_columns(request.GET)}
    return render(request, "renewals/board.html#changed_rows", context)


@require_POST
@staff_only
def save_view(request: HttpRequest) -> HttpResponse:
    """Share the filters, the order and the columns of the page under a name."""
    form, query = ViewForm(request.POST), request.POST.get("query", "")
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 40 characters."))
        return redirect(f"{reverse('renewals:board')}?{QueryDict(query).urlencode()}")
    name = form.cleaned_data["name"]
    try:
        view = board_views.save_view(name, QueryDict(query), by=_me(request).user)
    except board_views.NameTaken:
        messages.error(request, _("There is a view of this name already. Give it another one."))
        return redirect(f"{reverse('renewals:board')}?{QueryDict(query).urlencode()}")
    except board_views.TooMuch:
        messages.error(request, _("These are more filters than a view can keep. Search for less."))
        return redirect(f"{reverse('renewals:board')}?{QueryDict(query).urlencode()}")
    messages.success(request, _("All colleagues find the view “%(name)s” on the board now.") % {"name": name})
    return redirect(f"{reverse('renewals:board')}?{view.query}")


@require_POST
@staff_only
def delete_view(request: HttpRequest, view_id: UUID) -> HttpResponse:
    """Take a view away: whoever made it, or an admin."""
    view = get_object_or_404(BoardView.objects, pk=view_id)
    if not may_delete(view.made_by_id, by=_me(request)):
        raise Http404
    board_views.delete_view(view, by=_me(request).user)
    messages.success(request, _("The view “%(name)s” is gone. No renewal was touched.") % {"name": view.name})
    return redirect("renewals:board")


def _me(request: HttpRequest) -> Membership:
    membership: Membership = request.membership  # type: ignore[attr-defined]  # staff only
    return membership


def chosen_year(query: QueryDict, *, newest: int | None = None) -> int:
    """The policy year in the address, or the newest that has renewals."""
    return year_said(query.get("year", "")) or newest or progress.latest_year()


def chosen_columns(query: QueryDict) -> list[str]:
    """The columns beside the stages that the address asks for, in the board's order."""
    asked = [column for column, _label in COLUMNS if column in query.getlist("column")]
    return asked or list(USUAL_COLUMNS)


def _tally(query: QueryDict, year: int) -> Tally:
    """How many renewals are in each state and for each reason, under the page's other filters."""
    others = query.copy()
    for name in ("state", "reason", "group"):
        others.pop(name, None)
    return progress.tally(BoardFilter(others, Renewal.objects.filter(year=year)).qs)


def tiles(query: QueryDict, tally: Tally) -> list[Tile]:
    """The number in each state under the other filters. A rare state is shown when it has any."""
    asked = query.get("reason", "")
    counts = Counter[State]()
    for state, reason, number in tally:
        if asked in ("", reason):
            counts[state] += number
    rare = (State.REFUSED, State.CANCELLED)
    return [
        Tile("", _("All"), counts.total()),
        *[
            Tile(state, str(state.label), counts[state])
            for state in State
            if counts[state] or state not in rare or query.get("state") == state
        ],
    ]


def _offer(chosen: BoardFilter, offered: Offers, tally: Tally, year: int) -> None:
    """What the selects of the page offer: the year's batches, and reasons that stopped something."""
    stopped = {reason for state, reason, _number in tally if state in (State.ATTENTION, State.REFUSED)}
    asked = chosen.data.get("reason", "")
    reasons = sorted(code for code in {*stopped, asked} if code)
    chosen.offer(
        batch=[
            ("", _("Batch: all")),
            *[(str(one.pk), one.name) for one in offered.batches if one.year == year],
        ],
        person=[("", _("In charge: everybody")), *[(str(one.pk), one.name) for one in offered.people]],
        desk=[("", _("Desk: any")), *[(str(one.pk), one.name) for one in offered.desks]],
        reason=[("", _("Reason: any")), *[(code, reason_words(code)) for code in reasons]],
    )


@dataclass(frozen=True)
class Group:
    """Rows of the page that belong together; `key` is the value by which the board is narrowed to them."""

    key: str
    label: str
    rows: list[Row]


def grouped(shown: list[Row], by: str) -> list[Group]:
    """The page's rows by what they are grouped by; one group without a label where they are not."""
    if not by:
        return [Group("", "", shown)] if shown else []
    return [Group(*key, list(rows)) for key, rows in groupby(shown, _KEYS[by])]


def _none(label: str) -> tuple[str, str]:
    return "", label


def _by_batch(row: Row) -> tuple[str, str]:
    batch = row.renewal.batch
    return (str(batch.pk), batch.name) if batch else _none(_("No batch"))


def _by_stage(row: Row) -> tuple[str, str]:
    stage = row.renewal.stage
    return (stage, str(StageName(stage).label)) if stage else _none(_("All stages settled"))


def _by_reason(row: Row) -> tuple[str, str]:
    reason = row.renewal.reason
    return (reason, reason_words(reason)) if reason else _none(_("No reason: nothing is wrong"))


def _by_person(row: Row) -> tuple[str, str]:
    person = row.in_charge
    return (str(person.pk), person.name) if person else _none(_("Nobody in charge"))


def _by_desk(row: Row) -> tuple[str, str]:
    return ("", row.last_desk) if row.last_desk else _none(_("At no desk yet"))


_KEYS = {
    "batch": _by_batch,
    "stage": _by_stage,
    "reason": _by_reason,
    "person": _by_person,
    "desk": _by_desk,
}


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
