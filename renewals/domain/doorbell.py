"""Rings a desk's worker (`agency/bell.py`). A ring that is lost costs time alone: the sweep rings again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from agency import bell
from companies.models import Card
from renewals.models import CLAIMABLE, Batch, Desk, Renewal


def ring(*desks: Desk) -> None:
    """Ask the desks' workers to look at their work, once the current transaction is committed."""
    bell.ring(
        bell.Ring("renewals.tasks.sit", (desk.agency_id, desk.pk), desk.queue)
        for desk in desks
        if not desk.is_rehearsal
    )


def ring_for(companies: Iterable[UUID]) -> None:
    """Ring the desks that have one of these companies' cards in the reader now."""
    in_readers = Card.objects.filter(number__in=_with_a_card().values("card_number"))
    cards = in_readers.filter(company__in=list(companies)).values_list("number", flat=True)
    ring(*_with_a_card().filter(card_number__in=list(cards)))


def ring_for_waiting(batch: Batch | None = None) -> None:
    """Ring the desks whose card's company has work in the batch, or in any, that a run could take up."""
    waiting = Renewal.objects.filter(state__in=CLAIMABLE)
    if batch is not None:
        waiting = waiting.filter(batch=batch)
    in_readers = Card.objects.filter(number__in=_with_a_card().values("card_number"))
    cards = in_readers.filter(company__in=waiting.values("company")).values("number")
    ring(*_with_a_card().filter(card_number__in=cards))


def _with_a_card() -> QuerySet[Desk]:
    return Desk.objects.exclude(card_number="")
