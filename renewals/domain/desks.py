"""The desks: which card is in, which comes next, and what the person at the reader is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import Exact, GreaterThan
from django.utils import timezone

from agency import audit
from agency.models import User
from companies.models import Card, CardKind, Custody
from renewals.domain.claiming import is_due, is_worth_a_run
from renewals.domain.doorbell import ring
from renewals.domain.pausing import is_desk_paused
from renewals.domain.pins import is_at_hand
from renewals.models import CLAIMABLE, Desk, Renewal

# A watcher looks each second, and a sitting's heartbeat comes each quarter of a minute.
SILENT_AFTER = timedelta(seconds=60)


class Notice(StrEnum):
    """What the desk page says about the card in the reader."""

    TAKE_OUT = "take_out"
    SAY_WHICH = "say_which"
    UNKNOWN_CARD = "unknown_card"
    QUARANTINED = "quarantined"
    EXPIRED = "expired"
    WRONG_KIND = "wrong_kind"
    NOTHING_WAITS = "nothing_waits"
    PIN_NEEDED = "pin_needed"
    HELD_BACK = "held_back"
    PAUSED = "paused"
    CONTROL_UNREACHABLE = "control_unreachable"


@dataclass(frozen=True)
class SheetLine:
    """One insertion on the run sheet: a card, and what waits for it."""

    card: Card
    renewals: int
    due_on: date | None


def run_sheet(*, without: Collection[str] = ()) -> list[SheetLine]:
    """The cards to insert, in order: urgent first, then by due date, then by drawer.

    Each company once, by the card that is valid longest: all that waits for a card is done in one
    insertion, so no order needs fewer. Leaves out cards that are in a reader now, and the card
    numbers in `without`.
    """
    return [SheetLine(card, card.work, card.due_on) for card in _sheet(without)]  # type: ignore[attr-defined]


def next_cards(most: int) -> tuple[list[SheetLine], int]:
    """The first so many lines of the run sheet, and how many lines it has. One query."""
    cards: list[Any] = list(_sheet(()).annotate(lines=Window(Count("*")))[:most])
    lines = [SheetLine(card, card.work, card.due_on) for card in cards]
    return lines, cards[0].lines if cards else 0


def _sheet(without: Collection[str]) -> QuerySet[Card]:
    """The run sheet's cards, in order, each with its work."""
    # Joined, so that Postgres begins with what is due: asked card by card, each one cost four look-ups.
    due = Renewal.objects.filter(is_due())
    in_a_reader = Desk.objects.exclude(card_number="").values("card_number")
    return (
        usable_cards()
        .filter(~Exists(_valid_longer()), company__renewals__in=due)
        .exclude(number__in=in_a_reader)
        .exclude(number__in=list(without))
        .select_related("company")
        .annotate(
            work=Count("company__renewals"),
            urgency=Max("company__renewals__priority"),
            due_on=Min("company__renewals__due_on"),
            waits_since=Min("company__renewals__queued_at"),
        )
        .order_by("-urgency", "due_on", "waits_since", "drawer", "number")
    )


def _valid_longer() -> QuerySet[Card]:
    """The usable cards of a card's company that are valid longer than it; of equal ones the first number.

    A card that says no day is valid without end.
    """
    ends, mine = (Coalesce(day, Value(date.max)) for day in (F("valid_until"), OuterRef("valid_until")))
    return (
        usable_cards()
        .filter(company=OuterRef("company"))
        .filter(GreaterThan(ends, mine) | Q(Exact(ends, mine), number__lt=OuterRef("number")))
    )


def usable_cards() -> QuerySet[Card]:
    """The cards that a person at the agency can put into a reader today, with success to be expected."""
    usable = Card.objects.filter(
        kind=CardKind.LEGAL_PERSON, custody=Custody.AGENCY, quarantined_at__isnull=True
    )
    return usable.exclude(valid_until__lt=timezone.localdate())


def card_in(number: str) -> Card | None:
    """The card with this number in the current agency, or None for an unknown one."""
    return Card.objects.select_related("company").filter(number=number).first()


def refusal(card: Card | None) -> Notice | None:
    """Why this card must not be used, said before any PIN; None when it may."""
    if card is None:
        return Notice.UNKNOWN_CARD
    if card.kind != CardKind.LEGAL_PERSON:
        return Notice.WRONG_KIND
    if card.is_quarantined:
        return Notice.QUARANTINED
    if card.is_expired:
        return Notice.EXPIRED
    return None


def card_seen(desk: Desk, number: str) -> None:
    """Note which card is in the reader now; empty for none. The notice belongs to the card before.

    Where cards tell nothing, only that somebody looked is noted.
    """
    seen = Desk.objects.filter(pk=desk.pk)
    seen.filter(reads_cards=True).exclude(card_number=number).update(card_number=number, notice="")
    seen.update(seen_at=Now())


def card_said(desk: Desk, card: Card, *, by: User) -> bool:
    """A person says which card is in a reader that cannot tell it without a PIN; the work begins.

    It counts for one sitting. False, and nothing changes, while work at the desk goes on. The driver and
    the portal still compare company and USCC before anything is pressed.
    """
    nobody_sits = Q(sitting__isnull=True) | Q(sitting_until__lt=Now())
    said = Desk.objects.filter(nobody_sits, pk=desk.pk, reads_cards=False)
    if not said.update(card_number=card.number, notice="", sitting=None, sitting_until=None, seen_at=Now()):
        return False
    audit.record("card_said", desk, by=by, card=str(card))
    ring(desk)
    return True


def control_silent(desk: Desk) -> None:
    """The desk's control does not answer. While somebody sits there it is the sitting that says so."""
    nobody_sits = Q(sitting__isnull=True) | Q(sitting_until__lt=Now())
    Desk.objects.filter(nobody_sits, pk=desk.pk).update(notice=Notice.CONTROL_UNREACHABLE, seen_at=Now())


def control_answers(desk: Desk) -> bool:
    """The desk's control answers a look. True where it had not: then the card in it is as good as new."""
    return Desk.objects.filter(pk=desk.pk, notice=Notice.CONTROL_UNREACHABLE).update(notice="") == 1


def why_nothing_runs(card: Card, desk: Desk) -> Notice | None:
    """Why work that waits for this card does not run at this desk now; None where none waits."""
    waiting = Renewal.objects.filter(state__in=CLAIMABLE, company=card.company_id)
    if waiting.filter(is_worth_a_run()).exists():
        return Notice.HELD_BACK if is_at_hand(card, desk) else Notice.PIN_NEEDED
    due = waiting.filter(Q(look_at__isnull=True) | Q(look_at__lte=Now()))
    return Notice.PAUSED if due.exists() else None


def silent_desks() -> QuerySet[Desk]:
    """Desks whose watcher and worker have said nothing for a minute: switched off, or cut off."""
    heard = Desk.objects.filter(~is_desk_paused(), seen_at__isnull=False)
    return heard.filter(seen_at__lt=Now() - SILENT_AFTER)
