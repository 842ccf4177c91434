"""What the clock rings for about companies."""

from __future__ import annotations

from celery import shared_task

from agency.operating import every_agency
from agency.tenancy import scope
from companies.domain import erasing


@shared_task(name="companies.tasks.erase_due")
def erase_due() -> int:
    """Take away what erased companies' time is over for, agency by agency; how many companies."""
    erased = 0
    for agency, _slug in every_agency():
        with scope(agency):
            erased += erasing.erase_due()
    return erased
