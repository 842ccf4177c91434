"""Writing about companies by hand: a company, its contacts, its cards; owner and tags of many at once."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agency.people import staff_only
from companies.domain import editing
from companies.forms import CardForm, CompanyForm, ContactForm, EditForm
from companies.models import Card, Company, Contact
from companies.views.selection import back, came_from, frozen, selected

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@get_or_post
@staff_only
def new_company(request: HttpRequest) -> HttpResponse:
    """One company by hand; a list comes in by a workbook."""
    form = CompanyForm(request.POST or None)
    if not form.is_valid():
        return _show(request, form, gettext_lazy("New company"))
    company = form.save(commit=False)
    company.agency_id = request.membership.agency_id  # type: ignore[attr-defined]  # staff only
    editing.save_company(company, before=None, by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("%(company)s is in the list.") % {"company": company.name})
    return redirect("companies:company", company.pk)


@get_or_post
@staff_only
def edit_company(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """The company's own facts, owner and tags."""
    company = _company(company_id)
    before, form = copy(company), CompanyForm(request.POST or None, instance=company)
    if not form.is_valid():
        return _show(request, form, gettext_lazy("Edit the company"), before)
    editing.save_company(form.save(commit=False), before=before, by=request.user)  # type: ignore[arg-type]
    return _saved(request, company)


@get_or_post
@staff_only
def new_contact(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """One contact more."""
    company = _company(company_id)
    return _contact(request, Contact(company=company, agency_id=company.agency_id), None)


@get_or_post
@staff_only
def edit_contact(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """A contact: name, mobile, e-mail, and whether it is the primary one."""
    contact = get_object_or_404(Contact.objects.select_related("company"), pk=contact_id)
    return _contact(request, contact, copy(contact))


def _contact(request: HttpRequest, contact: Contact, before: Contact | None) -> HttpResponse:
    form = ContactForm(request.POST or None, instance=contact)
    if not form.is_valid():
        title = gettext_lazy("Edit the contact") if before else gettext_lazy("New contact")
        return _show(request, form, title, contact.company, contact=before)
    editing.save_contact(form.save(commit=False), before=before, by=request.user)  # type: ignore[arg-type]
    return _saved(request, contact.company)


@require_POST
@staff_only
def delete_contact(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """The contact goes; the company stays."""
    contact = get_object_or_404(Contact.objects.select_related("company"), pk=contact_id)
    editing.delete_contact(contact, by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("The contact %(name)s is deleted.") % {"name": contact.name})
    return redirect("companies:company", contact.company_id)


@get_or_post
@staff_only
def new_card(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """One card more."""
    company = _company(company_id)
    return _card(request, Card(company=company, agency_id=company.agency_id), None)


@get_or_post
@staff_only
def edit_card(request: HttpRequest, card_id: UUID) -> HttpResponse:
    """A card: number, certificate, where it lies."""
    card = get_object_or_404(Card.objects.select_related("company"), pk=card_id)
    return _card(request, card, copy(card))


def _card(request: HttpRequest, card: Card, before: Card | None) -> HttpResponse:
    form = CardForm(request.POST or None, instance=card)
    if not form.is_valid():
        title = gettext_lazy("Edit the card") if before else gettext_lazy("New card")
        return _show(request, form, title, card.company)
    editing.save_card(form.save(commit=False), before=before, by=request.user)  # type: ignore[arg-type]
    if before is not None and before.sealed_pin is not None and card.sealed_pin is None:
        messages.warning(
            request, _("Another number is another card: the vault has no PIN for it. Store the new one.")
        )
    return _saved(request, card.company)


def _company(company_id: UUID) -> Company:
    """A company that can be written about: not one whose data was taken away."""
    return get_object_or_404(Company.objects.filter(erased_at__isnull=True), pk=company_id)


def _show(
    request: HttpRequest,
    form: ModelForm[Any],
    title: str | Promise,
    company: Company | None = None,
    **more: Any,
) -> HttpResponse:
    context = {"form": form, "title": title, "company": company} | more
    return render(request, "companies/form.html", context)


def _saved(request: HttpRequest, company: Company) -> HttpResponse:
    messages.success(request, _("Saved."))
    return redirect("companies:company", company.pk)


# --- Many at once -----------------------------------------------------------------------------


@require_POST
@staff_only
def preview_edit(request: HttpRequest) -> HttpResponse:
    """Which companies were chosen, frozen from here on, and a form for what they get. Changes nothing.

    With the form filled in it says how many would be different afterwards, and asks once.
    """
    chosen = frozen(request.POST) or selected(request.POST)
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request)
    return _show_edit(request, chosen, EditForm(request.POST if "frozen" in request.POST else None))


@require_POST
@staff_only
def carry_out_edit(request: HttpRequest) -> HttpResponse:
    """Give the frozen selection its owner and tags. Sent twice, the second changes nothing."""
    chosen, form = frozen(request.POST), EditForm(request.POST)
    if not form.is_valid():
        return _show_edit(request, chosen, form)
    changed = editing.edit_companies(chosen, form.edit(), by=request.user)  # type: ignore[arg-type]
    words = ngettext("%(n)d company was changed.", "%(n)d companies were changed.", changed)
    messages.success(request, words % {"n": changed})
    return back(request)


def _show_edit(request: HttpRequest, chosen: Iterable[UUID], form: EditForm) -> HttpResponse:
    companies = list(
        Company.objects.filter(pk__in=list(chosen)).select_related("owner").order_by("initials", "name")
    )
    context = {
        "form": form,
        "companies": companies,
        "frozen": " ".join(str(company.pk) for company in companies),
        "changing": editing.count_changing(companies, form.edit()) if form.is_valid() else None,
        "next": came_from(request),
    }
    return render(request, "companies/edit_many.html", context)
