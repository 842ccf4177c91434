"""Rings a desk's worker. A ring that is lost costs nothing but time: the sweep rings again.

Whoever rings may be a page that somebody waits for, so a broker that does not answer is given up
after half a second, and with it whatever else would have been rung.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from kombu.exceptions import OperationalError

from agency.celery import app
from companies.models import Card
from renewals.models import CLAIMABLE, Batch, Desk, Renewal

log = structlog.get_logger()

GIVE_UP_AFTER_S = 0.5


def ring(*desks: Desk) -> None:
    """Ask the desks' workers to look at their work, once the current transaction is committed."""
    if desks:
        transaction.on_commit(lambda: _send(desks))


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


def _send(desks: tuple[Desk, ...]) -> None:
    try:
        with app.connection_for_write(transport_options=_impatient()) as broker:
            for desk in desks:
                app.send_task(
                    "renewals.tasks.sit",
                    [str(desk.agency_id), str(desk.pk)],
                    queue=desk.queue,
                    connection=broker,
                    retry=False,
                )
    except OperationalError as error:
        log.warning("doorbell_is_dead", desks=[desk.code for desk in desks], error=str(error))


def _impatient() -> dict[str, object]:
    return settings.CELERY_BROKER_TRANSPORT_OPTIONS | {
        "socket_timeout": GIVE_UP_AFTER_S,
        "socket_connect_timeout": GIVE_UP_AFTER_S,
        "max_retries": 0,
    }
