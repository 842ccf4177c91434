"""The renewal 办理详情: what happened, and what is next?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agency.people import staff_only
from renewals import sentences
from renewals.deeds import offers
from renewals.domain import progress
from renewals.domain.progress import Row
from renewals.fitting import what_fits_by_hand
from renewals.models import Event, Evidence, Renewal, State
from renewals.views.acts import ACTS

# Nothing more happens by itself, so the page stops asking.
OVER = (State.COMPLETE, State.REFUSED, State.CANCELLED)


@dataclass
class Told:
    """One sentence of the story, with its evidence."""

    event: Event
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def pictures(self) -> list[Evidence]:
        return [one for one in self.evidence if one.kind == "picture"]

    @property
    def papers(self) -> list[Evidence]:
        """What is read rather than looked at: texts and documents."""
        return [one for one in self.evidence if one.kind != "picture"]


@require_safe
@staff_only
def renewal(request: HttpRequest, renewal_id: UUID) -> HttpResponse:
    """The five stages, the next step, what can be done by hand, and the story with its evidence.

    A list that shows it beside itself gets the stages, the next step and the story.
    """
    part = "#beside" if request.headers.get("HX-Request") else ""
    return render(request, f"renewals/renewal.html{part}", _live(get_row(renewal_id)))


@require_safe
@staff_only
def proof(request: HttpRequest, renewal_id: UUID) -> HttpResponse:
    """Runs, clicks and digests, for those who must prove it: a page, or its tables alone."""
    found = get_object_or_404(Renewal.objects.select_related("company"), pk=renewal_id)
    context = {
        "renewal": found,
        "intents": found.intents.order_by("armed_at"),
        "runs": found.runs.select_related("desk").order_by("-epoch"),
        "evidence": found.evidence.order_by("at"),
    }
    part = "#tables" if request.headers.get("HX-Request") else ""
    return render(request, f"renewals/proof.html{part}", context)


@require_safe
@staff_only
def live(request: HttpRequest, renewal_id: UUID) -> HttpResponse:
    """The part of the page that moves; 204 while it is as the page shows it (`version`).

    The acts come along only where others fit than those that the page offers (`offered`): what
    somebody is writing into one stays.
    """
    if _version_now(renewal_id) == request.GET.get("version"):
        return HttpResponse(status=204)
    context = _live(get_row(renewal_id))
    context["moved"] = True
    context["acts_moved"] = context["offered"] != request.GET.get("offered", "")
    return render(request, "renewals/renewal.html#moving", context)


def get_row(renewal_id: UUID) -> Row:
    """The renewal with its stages, card and run. Raises `Http404` for another agency's."""
    found = progress.rows(Renewal.objects.filter(pk=renewal_id))
    if not found:
        raise Http404
    return found[0]


def _live(row: Row) -> dict[str, Any]:
    renewal, evidence = row.renewal, list(row.renewal.evidence.order_by("at"))
    fitting = what_fits_by_hand(renewal)
    return {
        "row": row,
        "renewal": renewal,
        "version": _version(renewal.pk, renewal.changed_at, evidence[-1].at if evidence else None),
        "policy": getattr(renewal, "policy", None),
        "days": story(renewal, evidence),
        "picture": _live_picture(row, evidence),
        "findings": sentences.findings(renewal.reason_detail),
        "acts": [act for act in ACTS.values() if not act.for_many and act.fits(renewal)],
        "offers": offers(renewal, fitting, opens=renewal.taken_by_id is not None),
        "offered": ".".join(fitting),
        "is_over": renewal.state in OVER,
    }


def _live_picture(row: Row, evidence: list[Evidence]) -> Evidence | None:
    """What the run under way has seen last; the driver masks a picture before it leaves its hands."""
    if row.run is None or row.renewal.state != State.RUNNING:
        return None
    of_the_run = (one for one in reversed(evidence) if one.run_id == row.run.pk and one.kind == "picture")
    return next(of_the_run, None)


def _version_now(renewal_id: UUID) -> str:
    """The version of the moving part, without reading it. One query. Raises `Http404`."""
    last = Evidence.objects.filter(renewal=OuterRef("pk")).order_by("-at").values("at")[:1]
    found = Renewal.objects.filter(pk=renewal_id).values_list("changed_at", Subquery(last)).first()
    if found is None:
        raise Http404
    return _version(renewal_id, *found)


def _version(renewal_id: UUID, changed_at: datetime, seen_at: datetime | None) -> str:
    """Changes with the renewal and with each picture of it."""
    return f"{renewal_id}@{changed_at.timestamp():.6f}-{seen_at.timestamp() if seen_at else 0:.6f}"


def story(renewal: Renewal, kept: list[Evidence]) -> list[tuple[date, list[Told]]]:
    """The renewal's story by day, newest first, with its evidence. One query."""
    told = [Told(event) for event in renewal.events.order_by("at")]
    for evidence in kept:
        _attach(evidence, told)
    told.reverse()
    return [
        (day, list(of_the_day))
        for day, of_the_day in groupby(told, lambda one: timezone.localdate(one.event.at))
    ]


def _attach(evidence: Evidence, told: list[Told]) -> None:
    """A picture belongs to the last thing that had been told when it was taken."""
    before = [one for one in told if one.event.at <= evidence.at]
    if before:
        before[-1].evidence.append(evidence)
