"""Queueing in bulk: what will happen is shown first, and the selection is frozen from then on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from agency.moments import day_words
from agency.people import staff_only
from companies.domain.readiness import WORDS, Problem
from companies.views.selection import back, came_from, frozen, selected
from companies.views.years import posted_year
from renewals.domain import queueing, rehearsing
from renewals.forms import BatchForm
from renewals.models import Batch


@require_POST
@staff_only
def preview(request: HttpRequest) -> HttpResponse:
    """Which of the chosen companies are ready, which are not and why. Changes nothing."""
    year, chosen = posted_year(request.POST), selected(request.POST)
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request)
    name = _("Batch of %(day)s") % {"day": day_words(timezone.localdate())}
    return _show(request, chosen, year, BatchForm(initial={"name": name}))


@require_POST
@staff_only
def confirm(request: HttpRequest) -> HttpResponse:
    """Queue what is ready of the frozen selection. Sent twice, it queues once."""
    year, chosen, form = posted_year(request.POST), frozen(request.POST), BatchForm(request.POST)
    if not form.is_valid():
        return _show(request, chosen, year, form)
    queued = queueing.queue_companies(
        chosen,
        year=year,
        name=form.cleaned_data["name"],
        by=request.user,  # type: ignore[arg-type]  # staff only
        priority=form.cleaned_data["priority"],
        due_on=form.cleaned_data["due_on"],
        assignee=form.cleaned_data["assignee"],
        note=form.cleaned_data["note"],
        chosen_by=request.POST.get("chosen_by", ""),
    )
    if queued.batch is None:
        return _nothing_queued(request, chosen, year)
    words = ngettext("%(n)d renewal is in the queue.", "%(n)d renewals are in the queue.", queued.number)
    messages.success(request, words % {"n": queued.number})
    return redirect("renewals:batch", queued.batch.pk)


def _nothing_queued(request: HttpRequest, chosen: list[UUID], year: int) -> HttpResponse:
    """Nothing was ready: most likely the form was sent twice, and the first one did it."""
    earlier = Batch.objects.filter(renewals__company__in=chosen, year=year).first()
    messages.warning(request, _("None of these companies was queued: each has a renewal or is not ready."))
    return redirect("renewals:batch", earlier.pk) if earlier else redirect("companies:list")


def _show(request: HttpRequest, chosen: list[UUID], year: int, form: BatchForm) -> HttpResponse:
    verdicts = queueing.preview(chosen, year=year)
    not_ready = {
        company: [WORDS[problem] for problem in problems]
        for company, problems in verdicts.items()
        if problems and Problem.RENEWAL_OPEN not in problems
    }
    context: dict[str, Any] = {
        "form": form,
        "year": year,
        "frozen": " ".join(str(company.pk) for company in verdicts),
        "asked": len(verdicts),
        "chosen_by": _chosen_by(request.POST),
        "next": came_from(request),
        "ready": [company for company, problems in verdicts.items() if not problems],
        "not_ready": not_ready,
        "left_out": sum(1 for problems in verdicts.values() if problems),
        "open": [company for company, problems in verdicts.items() if Problem.RENEWAL_OPEN in problems],
        "by_problem": _by_problem(verdicts.values()),
        "rehearsable": min(len(rehearsing.able(verdicts)), rehearsing.REHEARSED_AT_MOST),
    }
    return render(request, "renewals/queue.html", context)


def _chosen_by(posted: QueryDict) -> str:
    """The filter that found the companies, as it stood in the address; empty for those ticked by hand."""
    if "frozen" in posted:
        return posted.get("chosen_by", "")
    return posted.get("query", "") if posted.get("scope") == "matching" else ""


def _by_problem(verdicts: Iterable[list[Problem]]) -> list[tuple[Any, int]]:
    """How many companies each problem keeps back, most frequent first."""
    numbers = Counter(problem for problems in verdicts for problem in problems)
    return [(WORDS[problem].what, number) for problem, number in numbers.most_common()]
