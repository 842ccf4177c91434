"""The companies of the agency: list, workbook, and the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agency.people import staff_only
from companies import uploads
from companies.domain.cards import lift_quarantine, store_pin
from companies.domain.consents import record_letter
from companies.domain.importing import Sheet, Verdict, import_companies, preview
from companies.domain.readiness import WORDS, Problem, Words, check_readiness
from companies.domain.refusals import RowsWrong, WorkbookRefused
from companies.filters import CompanyFilter
from companies.forms import LetterForm, PinForm, QuarantineForm, WorkbookForm
from companies.models import Card, Company, Contact

COMPANIES_A_PAGE = 50


@require_safe
@staff_only
def companies(request: HttpRequest) -> HttpResponse:
    """The companies, filtered as the address says, each with what keeps it from being queued."""
    year = _year(request.GET)
    chosen = CompanyFilter(request.GET, Company.objects.order_by("name"))
    page = Paginator(chosen.qs, COMPANIES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "rows": _listed(list(page.object_list), year),
        "matching": page.paginator.count,
        "year": year,
        "years": _years(),
    }
    return render(request, "companies/list.html", context)


@dataclass(frozen=True)
class Listed:
    """One company of the list. `renewal` is the year's, and then the advice is of no interest."""

    company: Company
    contact: Contact | None
    card: Card | None
    renewal: Any
    advice: list[Words]


def _listed(shown: Sequence[Company], year: int) -> list[Listed]:
    """The companies of one page, in their order. Six queries."""
    verdicts = check_readiness([company.pk for company in shown], year=year, on=timezone.localdate())
    prefetch_related_objects(list(verdicts), "owner", "renewals")
    found = {company.pk: _list_one(company, problems, year) for company, problems in verdicts.items()}
    return [found[company.pk] for company in shown]


def _list_one(company: Company, problems: list[Problem], year: int) -> Listed:
    open_ones = (one for one in company.renewals.all() if one.year == year and one.state != "cancelled")
    return Listed(
        company,
        next(iter(company.primary_contacts), None),  # type: ignore[attr-defined]  # by check_readiness
        next(iter(company.all_cards), None),  # type: ignore[attr-defined]
        next(open_ones, None),
        [WORDS[problem] for problem in problems],
    )


@require_safe
@staff_only
def company(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """One company: contacts, cards, consents, renewals, and what keeps it from being queued."""
    return _show(request, get_object_or_404(Company.objects.select_related("owner"), pk=company_id))


def _show(request: HttpRequest, found: Company, **forms: Form) -> HttpResponse:
    """The company's page; a form that was refused stands in it with its errors."""
    year = _year(request.GET)
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
        "letter_form": LetterForm(),
        "quarantine_form": QuarantineForm(),
        "pin_form": PinForm(),
    } | forms
    return render(request, "companies/company.html", context)


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
        year=_year(request.POST),
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


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def import_workbook(request: HttpRequest) -> HttpResponse:
    """Choose a workbook; then see row by row what importing it would do. Nothing is written."""
    form = WorkbookForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        return render(request, "companies/import.html", {"form": form})
    upload = form.cleaned_data["workbook"]
    try:
        sheet = preview(upload.file, upload.name)
    except WorkbookRefused as refusal:
        return render(request, "companies/import.html", {"form": form, "refusal": refusal})
    upload.seek(0)
    return _show_sheet(request, sheet, uploads.keep(upload))


@require_POST
@staff_only
def confirm_import(request: HttpRequest) -> HttpResponse:
    """Write the rows that the preview showed. Sent twice, it changes nothing the second time."""
    key, name = _key(request.POST), request.POST.get("filename", "")
    try:
        with uploads.kept(key) as file:
            sheet = preview(file, name)
        imported = import_companies(sheet, by=request.user)  # type: ignore[arg-type]  # staff only
    except FileNotFoundError:
        messages.warning(request, _("This workbook was imported already, or too long ago. Choose it again."))
        return redirect("companies:import")
    except RowsWrong:
        return _show_sheet(request, sheet, key)
    transaction.on_commit(lambda: uploads.forget(key))
    words = _("Imported: %(new)d new, %(changed)d changed, %(unchanged)d as before.")
    messages.success(request, words % asdict(imported))
    return redirect("companies:list")


def _show_sheet(request: HttpRequest, sheet: Sheet, key: UUID) -> HttpResponse:
    context = {
        "form": WorkbookForm(),
        "sheet": sheet,
        "key": key,
        "totals": [(verdict, sheet.totals[verdict]) for verdict in Verdict],
        "wrong": sheet.totals[Verdict.WRONG],
        "useful": sheet.totals[Verdict.NEW] + sheet.totals[Verdict.CHANGED],
    }
    return render(request, "companies/import.html", context)


def _key(posted: QueryDict) -> UUID:
    try:
        return UUID(posted.get("key", ""))
    except ValueError:
        raise Http404 from None


def _year(query: QueryDict) -> int:
    """The policy year in the address, else this one."""
    year = query.get("year", "")
    return int(year) if year.isdecimal() and len(year) == 4 else timezone.localdate().year


def _years() -> list[int]:
    """The policy years that companies are queued for: this one and, late in the season, the next."""
    this = timezone.localdate().year
    return [this, this + 1]
