"""One company: what we know of it, and what staff put right: consent, quarantine, PIN."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from agency.freshness import fresh_sign_in
from agency.models import AuditEntry
from agency.people import staff_only
from agency.trail import action_words
from companies.domain.cards import lift_quarantine, store_pin
from companies.domain.consents import record_letter
from companies.domain.readiness import WORDS, Problem, check_readiness
from companies.forms import LetterForm, PinForm, QuarantineForm
from companies.models import Card, Company
from companies.views.years import chosen_year, posted_year

LOG_ENTRIES = 12


@require_safe
@staff_only
def company(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """One company: contacts, cards, consents, renewals, and what keeps it from being queued."""
    return _show(request, get_object_or_404(Company.objects.select_related("owner"), pk=company_id))


def _show(request: HttpRequest, found: Company, **forms: Form) -> HttpResponse:
    """The company's page; a form that was refused stands in it with its errors."""
    year = chosen_year(request.GET)
    [problems] = check_readiness([found.pk], year=year, on=timezone.localdate()).values()
    context = {
        "company": found,
        "year": year,
        "advice": [WORDS[problem] for problem in problems],
        "contacts": found.contacts.order_by("-is_primary", "name"),
        "cards": [_with_vault(card) for card in found.cards.order_by("-valid_until")],
        "consents": found.consents.order_by("-year", "-given_at"),
        "has_consent": Problem.CONSENT_MISSING not in problems,
        "is_queued": found.renewals.filter(year=year).exclude(state="cancelled").exists(),
        "renewals": found.renewals.select_related("batch").order_by("-year", "-queued_at"),
        "policies": found.policies.order_by("-downloaded_at"),
        "log": _log(found),
        "letter_form": LetterForm(),
        "quarantine_form": QuarantineForm(),
        "pin_form": PinForm(),
    } | forms
    return render(request, "companies/company.html", context)


def _log(company: Company) -> list[dict[str, Any]]:
    """The newest entries of the trail about the company and its cards, in words."""
    about = [str(company.pk), *(str(card.pk) for card in company.cards.all())]
    entries = AuditEntry.objects.filter(object_type__in=["company", "card"], object_id__in=about)
    return [
        {"words": action_words(entry.action), "who": entry.actor_name, "at": entry.at}
        for entry in entries.order_by("-number")[:LOG_ENTRIES]
    ]


def _with_vault(card: Card) -> dict[str, Any]:
    """A card for the page: whether a PIN is in the vault, never the PIN."""
    return {"card": card, "has_pin": card.sealed_pin is not None}


@require_POST
@staff_only
def record_consent(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """Record a consent that came by letter, for the year on the page."""
    found, form = get_object_or_404(Company.objects, pk=company_id), LetterForm(request.POST)
    if not form.is_valid():
        return _show(request, found, letter_form=form)
    record_letter(
        found,
        year=posted_year(request.POST),
        given_by=form.cleaned_data["given_by"],
        by=request.user,  # type: ignore[arg-type]  # staff only
    )
    messages.success(request, _("The consent is recorded."))
    return redirect("companies:company", found.pk)


@require_POST
@staff_only
def lift_card_quarantine(request: HttpRequest, card_id: UUID) -> HttpResponse:
    """A person has looked at the card: it may be used again, with a new PIN."""
    card, form = _card(card_id), QuarantineForm(request.POST)
    if not form.is_valid():
        return _show(request, card.company, quarantine_form=form)
    lift_quarantine(card, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
    messages.success(
        request, _("The quarantine is lifted. The PIN in the vault was dropped: store the right one.")
    )
    return redirect("companies:company", card.company_id)


@require_POST
@staff_only
@sensitive_post_parameters("pin")
@fresh_sign_in
def store_card_pin(request: HttpRequest, card_id: UUID) -> HttpResponse:
    """Put the card's PIN into the vault, where the company allowed it."""
    card, form = _card(card_id), PinForm(request.POST)
    if not form.is_valid():
        return _show(request, card.company, pin_form=form)
    store_pin(card, form.cleaned_data["pin"], by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("The PIN is in the vault. It can be used, and never be read."))
    return redirect("companies:company", card.company_id)


def _card(card_id: UUID) -> Card:
    return get_object_or_404(Card.objects.select_related("company"), pk=card_id)
