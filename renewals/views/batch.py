"""Batches 批次: how far is it, and what stopped?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agency.people import staff_only
from agency.trail import action_words
from companies.views.selection import uuids
from renewals import sentences
from renewals.domain import pausing, progress
from renewals.domain.batch_log import batch_log
from renewals.fitting import may_be_retried_unseen
from renewals.forms import BatchPauseForm, PauseForm
from renewals.models import Batch, Pause, Renewal, StageName, State
from renewals.views.board import ROWS_A_PAGE, USUAL_COLUMNS
from renewals.views.today import first_hour

BATCHES_A_PAGE = 20


@require_safe
@staff_only
def batches(request: HttpRequest) -> HttpResponse:
    """All batches, newest first, with their progress."""
    page = Paginator(Batch.objects.select_related("made_by"), BATCHES_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "batches": progress.batches(page.object_list)}
    if not context["batches"]:
        context |= first_hour()
    return render(request, "renewals/batches.html", context)


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
    """The moving part of the page; 204 while nothing has moved (`pulse`), or nothing of it (`summary`)."""
    heard = request.GET.get("pulse", "")
    if heard and progress.pulse(heard) == heard:
        return HttpResponse(status=204)
    context = _head(_get_batch(batch_id))
    if context["summary_version"] == request.GET.get("summary"):
        return HttpResponse(status=204)
    return render(request, "renewals/batch.html#head", context)


@require_POST
@staff_only
def pause(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Let the batch stand still, or one stage of it. What was pressed is read to its end."""
    found, form = _get_batch(batch_id), BatchPauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write down why: colleagues read it."))
        return redirect("renewals:batch", found.pk)
    pausing.pause(
        by=request.user,  # type: ignore[arg-type]  # staff only
        why=form.cleaned_data["why"],
        batch=found,
        stage=form.cleaned_data["stage"],
    )
    messages.success(request, _("Paused: no run begins, and none presses what cannot be undone."))
    return redirect("renewals:batch", found.pk)


@require_POST
@staff_only
def resume(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """End one pause of the batch; the work comes back one run more at a time."""
    found, form = _get_batch(batch_id), PauseForm(request.POST)
    [pause_id] = uuids([request.POST.get("pause", "")])
    standing = get_object_or_404(pausing.in_force(batch=found), pk=pause_id)
    if not form.is_valid():
        messages.error(request, _("Write down why: colleagues read it."))
        return redirect("renewals:batch", found.pk)
    pausing.resume(standing, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
    messages.success(request, _("It goes on, one run more at a time."))
    return redirect("renewals:batch", found.pk)


def _get_batch(batch_id: UUID) -> Batch:
    return get_object_or_404(Batch.objects.select_related("made_by"), pk=batch_id)


def _head(found: Batch) -> dict[str, Any]:
    beats = progress.pulse()
    [how_far] = progress.batches([found])
    reasons = progress.reasons(Renewal.objects.filter(batch=found))
    pauses = list(pausing.in_force(batch=found))
    log = batch_log(found)
    moved = [f"{state}{number}" for state, number in sorted(how_far.counts.items())]
    return {
        "batch": found,
        "progress": how_far,
        "pace": progress.pace(found),
        "is_untouched": set(how_far.counts) == {State.WAITING},
        "reasons": [
            (
                code,
                sentences.reason_words(code),
                sentences.reason_next(code),
                number,
                may_be_retried_unseen(code),
            )
            for code, number in reasons
        ],
        "pauses": [(pause, _was_seen(pause)) for pause in pauses],
        "log": [(line, action_words(line.kind)) for line in log],
        "stages": StageName.choices,
        "pulse": beats,
        "summary_version": ".".join([*moved, *(str(pause.pk) for pause in pauses), log[0].at.isoformat()]),
    }


def _was_seen(pause: Pause) -> list[tuple[str, str]]:
    """What the circuit breaker expected and found, in words; nothing for a person's pause."""
    return sentences.findings({"expected": pause.found.get("expected", "")})
