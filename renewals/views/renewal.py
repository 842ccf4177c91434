"""The renewal 办理详情: what happened, and what is next?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agency.people import staff_only
from renewals import sentences
from renewals.domain import progress
from renewals.domain.progress import Row
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
    """The five stages, the next step, the story with its evidence, and the technical details."""
    row = get_row(renewal_id)
    context = _live(row) | {
        "intents": row.renewal.intents.order_by("armed_at"),
        "runs": row.renewal.runs.select_related("desk").order_by("-epoch"),
        "evidence": row.renewal.evidence.order_by("at"),
    }
    return render(request, "renewals/renewal.html", context)


@require_safe
@staff_only
def live(request: HttpRequest, renewal_id: UUID) -> HttpResponse:
    """The part of the page that moves; 204 while it is as the page shows it (`version`)."""
    row = get_row(renewal_id)
    if row.version == request.GET.get("version"):
        return HttpResponse(status=204)
    return render(request, "renewals/renewal.html#live", _live(row))


def get_row(renewal_id: UUID) -> Row:
    """The renewal with its stages, card and run. Raises `Http404` for another agency's."""
    found = progress.rows(Renewal.objects.filter(pk=renewal_id))
    if not found:
        raise Http404
    return found[0]


def _live(row: Row) -> dict[str, Any]:
    return {
        "row": row,
        "renewal": row.renewal,
        "policy": getattr(row.renewal, "policy", None),
        "days": story(row.renewal),
        "findings": sentences.findings(row.renewal.reason_detail),
        "acts": [act for act in ACTS.values() if not act.for_many and act.fits(row.renewal)],
        "is_over": row.renewal.state in OVER,
    }


def story(renewal: Renewal) -> list[tuple[date, list[Told]]]:
    """The renewal's story by day, newest first. Two queries."""
    told = [Told(event) for event in renewal.events.order_by("at")]
    for evidence in renewal.evidence.order_by("at"):
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
