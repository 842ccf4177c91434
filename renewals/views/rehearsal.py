"""Rehearsal 演练: have a batch played on the simulator, go in to look, come out, have it wiped."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agency.people import staff_only
from agency.rehearsing import REHEARSING
from companies.views.selection import frozen, uuids
from renewals.domain import rehearsing
from renewals.models import Batch, Rehearsal, RehearsalState, Renewal

# While it moves by itself the page asks again.
_MOVING = (RehearsalState.ASKED, RehearsalState.PLAYING, RehearsalState.ENDING)


@require_safe
@staff_only
def rehearsal(request: HttpRequest) -> HttpResponse:
    """The agency's rehearsal: how far it is, the way in, and its end."""
    return render(request, "renewals/rehearsal.html", _context())


@require_safe
@staff_only
def head(request: HttpRequest) -> HttpResponse:
    """The moving part of the page."""
    return render(request, "renewals/rehearsal.html#head", _context())


@require_POST
@staff_only
def begin(request: HttpRequest) -> HttpResponse:
    """Rehearse a batch, or the frozen selection of the queue's preview. Nothing real is touched."""
    companies, year, name = _chosen(request)
    try:
        rehearsing.ask(companies, year=year, name=name, by=request.user)  # type: ignore[arg-type]  # staff
    except rehearsing.NothingToRehearse:
        messages.warning(
            request,
            _("None of these companies can be rehearsed: correct its code and contact in the list first."),
        )
        return redirect("readiness:list")
    except rehearsing.UnderWay:
        messages.warning(request, _("There is a rehearsal already. End it before you begin another."))
    return redirect("renewals:rehearsal")


@require_POST
@staff_only
def enter(request: HttpRequest) -> HttpResponse:
    """Into the rehearsal: from here on the pages are the twin's, until the person leaves."""
    found = rehearsing.latest()
    if found is None or not found.is_open:
        messages.warning(request, _("There is nothing to look at: the rehearsal has not begun, or is wiped."))
        return redirect("renewals:rehearsal")
    request.session[REHEARSING] = str(found.agency_id)
    return redirect("renewals:batch", found.batch)


@require_POST
@staff_only
def leave(request: HttpRequest) -> HttpResponse:
    """Back to what is real."""
    request.session.pop(REHEARSING, None)
    return redirect("renewals:rehearsal")


@require_POST
@staff_only
def end(request: HttpRequest) -> HttpResponse:
    """End the rehearsal, and have its copies wiped."""
    if rehearsing.end(by=request.user):  # type: ignore[arg-type]  # staff only
        messages.success(request, _("The rehearsal is ended. Its copies are being wiped."))
    return redirect("renewals:rehearsal")


def _chosen(request: HttpRequest) -> tuple[list[UUID], int, str]:
    """Which companies, for which year, under which name. Raises `Http404` for a batch that is not there."""
    if "batch" in request.POST:
        [wanted] = uuids([request.POST["batch"]])
        batch = get_object_or_404(Batch, pk=wanted)
        renewals = Renewal.objects.filter(batch=batch)
        return list(renewals.values_list("company_id", flat=True)), batch.year, batch.name
    year = request.POST.get("year", "")
    if not (year.isdecimal() and len(year) == 4):
        raise Http404
    return frozen(request.POST), int(year), request.POST.get("name", "").strip()[:80] or _("Rehearsal")


def _context() -> dict[str, Any]:
    found: Rehearsal | None = rehearsing.latest()
    return {
        "rehearsal": found,
        "moves": found is not None and found.state in _MOVING,
        "at_most": rehearsing.REHEARSED_AT_MOST,
    }
