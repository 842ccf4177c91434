"""The desks: which card is in, which comes next, and what the person at the reader is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    numbers in `without`. Two queries.
    """
    return [line for line in _looked_up(_sheet()) if line.card.number not in without]


def next_cards(most: int) -> tuple[list[SheetLine], int]:
    """The first so many lines of the run sheet, and how many lines it has. Two queries."""
    found = list(_sheet().annotate(lines=Window(Count("*")))[:most])
    return _looked_up(found), found[0]["lines"] if found else 0


def _looked_up(found: Iterable[dict[str, Any]]) -> list[SheetLine]:
    found = list(found)
    cards = Card.objects.select_related("company").in_bulk([line["card"] for line in found])
    return [SheetLine(cards[line["card"]], line["work"], line["first_due_on"]) for line in found]


def _sheet() -> QuerySet[Any, Any]:
    """The run sheet's lines, in order: a card, and what waits for it.

    Begins with what is due: asked card by card, each card of the agency costs several look-ups.
    """
    in_a_reader = Desk.objects.filter(card_number=OuterRef("company__cards__number"))
    return (
        Renewal.objects.filter(
            is_due(), _usable("company__cards__"), ~Exists(_valid_longer()), ~Exists(in_a_reader)
        )
        .values(card=F("company__cards"))
        .annotate(
            work=Count("*"),
            urgency=Max("priority"),
            first_due_on=Min("due_on"),
            waits_since=Min("queued_at"),
        )
        .order_by(
            "-urgency", "first_due_on", "waits_since", "company__cards__drawer", "company__cards__number"
        )
    )


def _valid_longer() -> QuerySet[Card]:
    """The usable cards of a company that are valid longer than this one; of equal ones the first number.

    A card that says no day is valid without end.
    """
    days = F("valid_until"), OuterRef("company__cards__valid_until")
    ends, this_ends = (Coalesce(day, Value(date.max)) for day in days)
    is_first = Q(Exact(ends, this_ends), number__lt=OuterRef("company__cards__number"))
    return usable_cards().filter(GreaterThan(ends, this_ends) | is_first, company=OuterRef("company"))


def usable_cards() -> QuerySet[Card]:
    """The cards that a person at the agency can put into a reader today, with success to be expected."""
    return Card.objects.filter(_usable())


def _usable(card: str = "") -> Q:
    is_valid = Q((f"{card}valid_until__isnull", True)) | Q((f"{card}valid_until__gte", timezone.localdate()))
    return is_valid & Q(
        (f"{card}kind", CardKind.LEGAL_PERSON),
        (f"{card}custody", Custody.AGENCY),
        (f"{card}quarantined_at__isnull", True),
    )


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
