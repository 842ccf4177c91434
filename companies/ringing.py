"""Rings a worker for an import. A ring that is lost costs a minute: the clock rings again."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from agency.celery import app
from companies.models import Import

log = structlog.get_logger()
# Somebody waits for the page.
GIVE_UP_AFTER_S = 0.5


def ring_for(workbook: Import) -> None:
    """Ask a worker to go on with this import, once the current transaction is committed."""
    transaction.on_commit(lambda: _send(workbook))


def _send(workbook: Import) -> None:
    impatient = {"socket_timeout": GIVE_UP_AFTER_S, "socket_connect_timeout": GIVE_UP_AFTER_S}
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | impatient | {"max_retries": 0}
    try:
        with app.connection_for_write(transport_options=options) as broker:
            app.send_task(
                "companies.tasks.work_on_import",
                [str(workbook.agency_id), str(workbook.pk)],
                connection=broker,
                retry=False,
            )
    except OperationalError as error:
        log.warning("import_was_not_rung_for", error=str(error))
