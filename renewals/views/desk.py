"""The desks 读卡台: what do I do with my hands now?"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from agency.people import staff_only
from companies.models import Card, CardKind
from renewals import desk_words, sentences
from renewals.domain import at_desk, pausing
from renewals.domain.at_desk import AtDesk, Situation
from renewals.domain.desks import card_said, refusal, run_sheet
from renewals.forms import DeskPinForm, PauseForm, WhichCardForm
from renewals.models import Desk, Pause, Run
from renewals.views.today import first_hour

# So many cards are offered where what was written fits several.
OFFERED_AT_MOST = 6
# Shorter ends of a number, or parts of a name, would hit upon a card that nobody meant: its PIN would be
# tried on the one that is in.
NUMBER_END_AT_LEAST, NAME_AT_LEAST = 4, 2


@require_safe
@staff_only
def desks(request: HttpRequest) -> HttpResponse:
    """All desks: which card is in each, and what goes on."""
    lines = [(line, desk_words.situation_words(line.situation)) for line in at_desk.desk_lines()]
    return render(request, "renewals/desks.html", {"lines": lines})


@require_safe
@staff_only
def desk(request: HttpRequest, code: str) -> HttpResponse:
    """One desk: the card in its reader, what runs, what to do with the hands."""
    return _show(request, _desk(code))


@require_safe
@staff_only
def live(request: HttpRequest, code: str) -> HttpResponse:
    """The part of the page that moves; 204 while it is as the page shows it (`version`)."""
    version = at_desk.version(code)
    if version is None:
        raise Http404
    if version == request.GET.get("version"):
        return HttpResponse(status=204)
    return render(request, "renewals/desk.html#live", _context(_desk(code), version))


@require_safe
@staff_only
def sheet(request: HttpRequest) -> HttpResponse:
    """The run sheet, to print: which cards to insert, in which order, from which drawer."""
    lines = run_sheet()
    return render(request, "renewals/run_sheet.html", {"lines": lines} | ({} if lines else first_hour()))


@require_POST
@staff_only
@sensitive_post_parameters("pin")
def pin(request: HttpRequest, code: str) -> HttpResponse:
    """The card's PIN, for one use at this desk. It is sealed at once and never shown again."""
    found, form = _desk(code), DeskPinForm(request.POST)
    card = Card.objects.filter(number=found.card_number).first() if found.card_number else None
    if card is None or str(card.pk) != request.POST.get("card"):
        messages.error(request, _("Another card is in the reader now. The PIN was not kept."))
    elif refusal(card) is not None:
        messages.error(request, _("This card must not be used now. The PIN was not kept."))
    elif not form.is_valid():
        return _show(request, found, pin_form=form)
    else:
        at_desk.type_pin(found, card, form.cleaned_data["pin"], by=request.user)  # type: ignore[arg-type]
        messages.success(request, _("The PIN is sealed for one use at this desk. Leave the card in."))
    return redirect("renewals:desk", found.code)


@require_POST
@staff_only
@sensitive_post_parameters("pin")
def card(request: HttpRequest, code: str) -> HttpResponse:
    """Which card is in a reader that cannot tell: staff say so, by number, company or drawer."""
    found, form = _desk(code), WhichCardForm(request.POST)
    if found.reads_cards:
        raise Http404
    if not form.is_valid():
        return _show(request, found, card_form=form)
    cards = list(_named(form.cleaned_data["which"])[: OFFERED_AT_MOST + 1])
    if len(cards) != 1:
        if not cards:
            form.add_error("which", _("No card fits. Write its number, its company or its drawer."))
        return _show(request, found, card_form=form, offered=cards)
    if not card_said(found, cards[0], by=request.user):  # type: ignore[arg-type]  # staff only
        messages.error(request, _("Work at this desk goes on. Say which card is in once it has ended."))
    elif form.cleaned_data["pin"] and refusal(cards[0]) is None:
        at_desk.type_pin(found, cards[0], form.cleaned_data["pin"], by=request.user)  # type: ignore[arg-type]
    return redirect("renewals:desk", found.code)


@require_POST
@staff_only
def pause(request: HttpRequest, code: str) -> HttpResponse:
    """No sitting begins at this desk any more; a run under way goes on to its end."""
    found, form = _desk(code), PauseForm(request.POST)
    if not form.is_valid():
        return _show(request, found, pause_form=form)
    pausing.pause(by=request.user, why=form.cleaned_data["why"], desk=found)  # type: ignore[arg-type]
    messages.success(request, _("The desk is paused. What runs there goes on to its end."))
    return redirect("renewals:desk", found.code)


@require_POST
@staff_only
def resume(request: HttpRequest, code: str) -> HttpResponse:
    """Sittings begin at this desk again."""
    found, form = _desk(code), PauseForm(request.POST)
    if not form.is_valid():
        return _show(request, found, pause_form=form)
    for begun in Pause.objects.filter(desk=found, ended_at__isnull=True):
        pausing.resume(begun, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
    messages.success(request, _("The desk goes on."))
    return redirect("renewals:desk", found.code)


def _desk(code: str) -> Desk:
    return get_object_or_404(Desk.objects, code=code)


def _show(request: HttpRequest, found: Desk, **more: Any) -> HttpResponse:
    """The desk's page; a form that was refused stands in it with its errors."""
    version = at_desk.version(found.code) or ""
    return render(request, "renewals/desk.html", _context(found, version) | more)


def _context(found: Desk, version: str) -> dict[str, Any]:
    at = at_desk.at_desk(found)
    instruction = desk_words.instruction(at)
    return {
        "at": at,
        "desk": found,
        "version": version,
        "instruction": instruction,
        # A sound is played once for each: the same words for another card are another one.
        "cue_key": f"{instruction.cue}:{at.situation}:{found.card_number}",
        "needs_pin": at.situation == Situation.PIN_NEEDED and found.reads_cards,
        "signing_in": "" if at.run is None else _signing_in(at),
        "doing": at.run.doing if at.run else {},
        "is_over": _is_over(at.last),
        "pin_form": DeskPinForm(),
        "card_form": WhichCardForm(),
        "pause_form": PauseForm(),
    }


def _signing_in(at: AtDesk) -> str:
    """How the sign-in stands, in the words of a stage's state."""
    return "done" if at.signed_in else "running"


def _is_over(last: Run | None) -> str:
    """How the run ended that ended last for the card in the reader; empty where there is none."""
    return str(sentences.OUTCOMES.get(last.outcome, "")) if last else ""


def _named(text: str) -> Any:
    """The legal-person cards that somebody may mean: by the end of the number, the company, or the drawer."""
    meant = Q(drawer__iexact=text)
    if len(text) >= NAME_AT_LEAST:
        meant |= Q(company__name__icontains=text)
    if len(text) >= NUMBER_END_AT_LEAST:
        meant |= Q(number__iendswith=text)
    cards = Card.objects.filter(meant, kind=CardKind.LEGAL_PERSON)
    return cards.select_related("company").order_by("company__name", "-valid_until")
