"""Rings a worker for an import, or for mails (`agency/bell.py`). A lost one costs a minute."""

from __future__ import annotations

from uuid import UUID

from agency import bell
from companies.models import Import


def ring_for(workbook: Import) -> None:
    """Ask a worker to go on with this import, once the current transaction is committed."""
    bell.ring([bell.Ring("companies.tasks.work_on_import", (workbook.agency_id, workbook.pk))])


def ring_for_asks(agency: UUID) -> None:
    """Ask a worker to send the mails of this agency's asks, once the current transaction is committed."""
    bell.ring([bell.Ring("companies.tasks.send_asks", (agency,))])
