"""Letters of consent, one company after another: each is recorded, or passed over, and the next one comes."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agency.people import staff_only
from companies.domain.consents import record_letter, without_consent
from companies.forms import LetterForm
from companies.models import Company
from companies.views.selection import back, came_from, frozen, selected, uuids
from companies.views.years import posted_year


@require_POST
@staff_only
def begin(request: HttpRequest) -> HttpResponse:
    """The first of the chosen companies that have no consent for the year. Writes nothing."""
    chosen = selected(request.POST)
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request, "readiness:list")
    return _next(request, chosen)


@require_POST
@staff_only
def record(request: HttpRequest) -> HttpResponse:
    """Record this company's letter, or pass it over; then the next one. Sent twice, it records once."""
    company = get_object_or_404(Company.objects, pk__in=uuids([request.POST.get("company", "")]))
    waiting, form = frozen(request.POST), LetterForm(request.POST)
    if "pass_over" not in request.POST:
        if not form.is_valid():
            return _show(request, company, waiting, form)
        record_letter(
            company,
            year=posted_year(request.POST),
            given_by=form.cleaned_data["given_by"],
            by=request.user,  # type: ignore[arg-type]  # staff only
        )
        messages.success(request, _("%(company)s: the consent is recorded.") % {"company": company.name})
    return _next(request, [one for one in waiting if one != company.pk])


def _next(request: HttpRequest, chosen: Collection[UUID]) -> HttpResponse:
    """Of these companies the first that has no consent yet; where there is none, back to the list."""
    waiting = list(without_consent(chosen, year=posted_year(request.POST)).values_list("pk", flat=True))
    if not waiting:
        messages.info(request, _("No company of those you chose is left: no further letter to record."))
        return back(request, "readiness:list")
    return _show(request, Company.objects.get(pk=waiting[0]), waiting, LetterForm())


def _show(
    request: HttpRequest, company: Company, waiting: Collection[UUID], form: LetterForm
) -> HttpResponse:
    form.fields["given_by"].widget.attrs["autofocus"] = True
    context = {
        "company": company,
        "contact": company.contacts.filter(is_primary=True).first(),
        "form": form,
        "frozen": " ".join(map(str, waiting)),
        "left": len(waiting),
        "next": came_from(request),
        "year": posted_year(request.POST),
    }
    return render(request, "companies/letters.html", context)
