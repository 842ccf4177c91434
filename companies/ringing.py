"""Rings a worker for an import (`agency/bell.py`). One that is lost costs a minute: the clock rings again."""

from __future__ import annotations

from agency import bell
from companies.models import Import


def ring_for(workbook: Import) -> None:
    """Ask a worker to go on with this import, once the current transaction is committed."""
    bell.ring([bell.Ring("companies.tasks.work_on_import", (workbook.agency_id, workbook.pk))])
