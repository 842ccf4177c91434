"""Rings workers. A ring that is lost costs nothing but time: the clock rings again.

Whoever rings may be a page that somebody waits for, so a broker that does not answer is given up
after half a second, and with it whatever else would have been rung.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from agency.celery import app

log = structlog.get_logger()

GIVE_UP_AFTER_S = 0.5


@dataclass(frozen=True)
class Ring:
    """One task to be done: its name, the ids that it goes by, the queue of who does it (None: anybody)."""

    task: str
    ids: tuple[object, ...]
    queue: str | None = None


def ring(rings: Iterable[Ring]) -> None:
    """Send these, once the current transaction is committed."""
    if chosen := list(rings):
        transaction.on_commit(lambda: _send(chosen))


def _send(rings: list[Ring]) -> None:
    try:
        with app.connection_for_write(transport_options=_impatient()) as broker:
            for one in rings:
                ids = [str(ident) for ident in one.ids]
                app.send_task(one.task, ids, queue=one.queue, connection=broker, retry=False)
    except OperationalError as error:
        log.warning("bell_is_dead", tasks=[one.task for one in rings], error=str(error))


def _impatient() -> dict[str, object]:
    return settings.CELERY_BROKER_TRANSPORT_OPTIONS | {
        "socket_timeout": GIVE_UP_AFTER_S,
        "socket_connect_timeout": GIVE_UP_AFTER_S,
        "max_retries": 0,
    }
