"""Rings a desk's worker. A ring that is lost costs nothing but time: the sweep rings again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

from agency.celery import app
from companies.models import Card
from renewals.models import Desk

log = structlog.get_logger()


def ring(desk: Desk) -> None:
    """Ask the desk's worker to look at its work, once the current transaction is committed."""
    transaction.on_commit(lambda: _send(desk))


def ring_for(companies: Iterable[UUID]) -> None:
    """Ring the desks that have one of these companies' cards in the reader now."""
    cards = Card.objects.filter(company__in=list(companies)).values("number")
    for desk in Desk.objects.filter(card_number__in=cards, paused_at__isnull=True):
        ring(desk)


def _send(desk: Desk) -> None:
    try:
        app.send_task(
            "renewals.tasks.sit", [str(desk.agency_id), str(desk.pk)], queue=desk.queue, retry=False
        )
    except OperationalError as error:
        log.warning("doorbell_is_dead", desk=desk.code, error=str(error))
