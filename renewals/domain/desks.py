"""The desks: which card is in, which comes next, and what the person at the reader is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import Count, Max, Min, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from companies.models import Card
from renewals.domain.claiming import is_due
from renewals.models import Desk, Renewal


class Notice(StrEnum):
    """What the desk page says about the card in the reader."""

    TAKE_OUT = "take_out"
    UNKNOWN_CARD = "unknown_card"
    QUARANTINED = "quarantined"
    EXPIRED = "expired"
    NOTHING_WAITS = "nothing_waits"
    CONTROL_UNREACHABLE = "control_unreachable"


@dataclass(frozen=True)
class SheetLine:
    """One insertion on the run sheet: a card, and what waits for it."""

    card: Card
    renewals: int
    due_on: date | None


def run_sheet(*, without: Collection[str] = ()) -> list[SheetLine]:
    """The cards to insert, in order, each once: urgent first, then by due date, then by drawer.

    Leaves out cards that are in a reader now, in quarantine, expired or not at the agency, and
    the card numbers in `without`.
    """
    waiting = Renewal.objects.filter(is_due(), company=OuterRef("company")).order_by().values("company")
    in_a_reader = Desk.objects.exclude(card_number="").values("card_number")
    cards = (
        Card.objects.filter(custody="agency", quarantined_at__isnull=True)
        .exclude(number__in=in_a_reader)
        .exclude(number__in=list(without))
        .exclude(valid_until__lt=timezone.localdate())
        .select_related("company")
        .annotate(
            work=Subquery(waiting.annotate(n=Count("*")).values("n")),
            urgency=Subquery(waiting.annotate(most=Max("priority")).values("most")),
            due_on=Subquery(waiting.annotate(first=Min("due_on")).values("first")),
            waits_since=Subquery(waiting.annotate(first=Min("queued_at")).values("first")),
        )
        .filter(work__gt=0)
        .order_by("-urgency", "due_on", "waits_since", "drawer", "number")
    )
    return [SheetLine(card, card.work, card.due_on) for card in cards]


def card_in(number: str) -> Card | None:
    """The card with this number in the current agency, or None for an unknown one."""
    return Card.objects.select_related("company").filter(number=number).first()


def refusal(card: Card | None) -> Notice | None:
    """Why this card must not be used, said before any PIN; None when it may."""
    if card is None:
        return Notice.UNKNOWN_CARD
    if card.is_quarantined:
        return Notice.QUARANTINED
    if card.is_expired:
        return Notice.EXPIRED
    return None


def card_seen(desk: Desk, number: str) -> None:
    """Note which card is in the reader now; empty for none. The notice belongs to the card before."""
    seen = Desk.objects.filter(pk=desk.pk)
    seen.exclude(card_number=number).update(card_number=number, notice="")
    seen.update(seen_at=Now())
