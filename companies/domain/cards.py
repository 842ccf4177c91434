"""Cards: the vault, and the quarantine."""

from __future__ import annotations

import unicodedata

from django.db.models.functions import Now

from agency import audit
from agency.models import User
from agency.sealing import seal, seals, unseal
from companies.models import Card

# What cards are issued with (guide, 一.2). Never tried; a person is warned when a stored PIN is one of them.
ISSUED_PINS = ("88888888", "00000000")


class IssuedPin(ValueError):
    """Cards are issued with this PIN: most likely it is not this card's, and a try would be lost."""

    def __init__(self) -> None:
        super().__init__("a PIN that cards are issued with")


def is_issued(pin: str) -> bool:
    """Whether cards are issued with this PIN, also where it was typed with spaces or full-width digits."""
    return unicodedata.normalize("NFKC", pin).strip() in ISSUED_PINS


def refuse_issued(pin: str) -> None:
    """Raise `IssuedPin` for a PIN that cards are issued with. Whoever enters one is told so."""
    if is_issued(pin):
        raise IssuedPin


def store_pin(card: Card, pin: str, *, by: User) -> None:
    """Put the PIN into the vault: only where the company allowed it. It can be used, not read.

    Raises `IssuedPin`.
    """
    refuse_issued(pin)
    card.sealed_pin = seal(pin, bound_to=_place(card))
    card.save(update_fields=["sealed_pin"])
    audit.record("pin_stored", card, by=by)


def vault_pin(card: Card) -> str | None:
    """The PIN in the vault, or None. Raises `WrongSeal` when the row was tampered with."""
    return None if card.sealed_pin is None else unseal(bytes(card.sealed_pin), bound_to=_place(card))


def quarantine(card: Card, *, reason: str) -> None:
    """Nobody uses the card until a person has looked at it."""
    Card.objects.filter(pk=card.pk).update(quarantined_at=Now(), quarantine_reason=reason)
    audit.record("card_quarantined", card, by=None, reason=reason)


def lift_quarantine(card: Card, *, by: User, why: str) -> None:
    """A person has looked at the card and says that it may be used again. The vault's PIN is dropped.

    A PIN that was refused is not tried again: a new one must be stored, or typed at the desk.
    """
    Card.objects.filter(pk=card.pk).update(quarantined_at=None, quarantine_reason="", sealed_pin=None)
    audit.record("quarantine_lifted", card, by=by, why=why)


def _place(card: Card) -> str:
    return f"card:{card.agency_id}:{card.pk}"


seals(Card, "sealed_pin", _place)
