"""Batches 批次: how far is it, and what stopped?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agency.people import staff_only
from renewals import sentences
from renewals.domain import progress
from renewals.models import Batch, Renewal
from renewals.views.board import ROWS_A_PAGE, USUAL_COLUMNS

BATCHES_A_PAGE = 20


@require_safe
@staff_only
def batches(request: HttpRequest) -> HttpResponse:
    """All batches, newest first, with their progress."""
    page = Paginator(Batch.objects.select_related("made_by"), BATCHES_A_PAGE).get_page(
        request.GET.get("page")
    )
    return render(
        request, "renewals/batches.html", {"page": page, "batches": progress.batches(page.object_list)}
    )


@require_safe
@staff_only
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """One batch: its progress, why renewals stopped, and its renewals."""
    found = _get_batch(batch_id)
    renewals = Renewal.objects.filter(batch=found).order_by("company__name")
    page = Paginator(renewals, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = _head(found) | {
        "page": page,
        "columns": USUAL_COLUMNS,
        "rows": progress.rows(page.object_list),  # type: ignore[arg-type]  # a page of a queryset
    }
    return render(request, "renewals/batch.html", context)


@require_safe
@staff_only
def head(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The counts of the batch; 204 while they are as the page shows them (`summary`)."""
    context = _head(_get_batch(batch_id))
    if context["summary_version"] == request.GET.get("summary"):
        return HttpResponse(status=204)
    return render(request, "renewals/batch.html#head", context)


def _get_batch(batch_id: UUID) -> Batch:
    return get_object_or_404(Batch.objects.select_related("made_by"), pk=batch_id)


def _head(found: Batch) -> dict[str, Any]:
    [how_far] = progress.batches([found])
    reasons = progress.reasons(Renewal.objects.filter(batch=found))
    return {
        "batch": found,
        "progress": how_far,
        "reasons": [(code, sentences.reason_words(code), number) for code, number in reasons],
        "summary_version": ".".join(f"{state}{number}" for state, number in sorted(how_far.counts.items())),
    }
