"""A company asks what we hold of it, or that it goes: an admin's acts, shortly after a sign-in."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agency import audit
from agency.freshness import fresh_sign_in
from agency.people import admin_only
from agency.sending import send_file
from companies.domain import erasing, holdings
from companies.forms import EraseForm
from companies.models import Company


@require_safe
@admin_only
@fresh_sign_in
def export(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """Everything that is held about the company, as one archive. That it was taken is an entry too."""
    company, content = _company(company_id), BytesIO()
    audit.record("company_exported", company, by=request.user)  # type: ignore[arg-type]  # admins only
    holdings.write_export(company, content)
    save_as = f"{company.name} {timezone.localdate():%Y-%m-%d}.zip"
    return send_file(content.getvalue(), content_type="application/zip", save_as=save_as)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_only
@fresh_sign_in
def erase(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """What goes, what stays and until when; then, with a reason, it is done and cannot be undone."""
    company, form = _company(company_id), EraseForm(request.POST or None)
    plan = erasing.plan(company)
    if request.method != "POST" or plan.is_open or not form.is_valid():
        return render(request, "companies/erase.html", {"company": company, "plan": plan, "form": form})
    by, why = request.user, form.cleaned_data["why"]
    try:
        kept_until = erasing.erase(company, by=by, why=why)  # type: ignore[arg-type]  # admins only
    except erasing.StillOpen:  # somebody has queued it meanwhile: the page says so
        return redirect("companies:erase", company.pk)
    if kept_until is None:
        messages.success(request, _("Everything about %(company)s is gone.") % {"company": company.name})
        return redirect("companies:list")
    words = _("The personal data of %(company)s is gone. The proof of what was done stays until %(day)s.")
    messages.success(request, words % {"company": company.name, "day": f"{kept_until:%Y-%m-%d}"})
    return redirect("companies:company", company.pk)


def _company(company_id: UUID) -> Company:
    return get_object_or_404(Company.objects, pk=company_id)
