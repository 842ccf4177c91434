"""Celery's doors: what a page or the clock rings for about companies."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task

from agency.operating import every_agency
from agency.tenancy import scope
from companies.domain import asking, erasing, imports

log = structlog.get_logger()


@shared_task(name="companies.tasks.erase_due")
def erase_due() -> int:
    """Take away what erased companies' time is over for, agency by agency; how many companies."""
    erased = 0
    for agency, _slug in every_agency():
        with scope(agency):
            erased += erasing.erase_due()
    return erased


@shared_task(name="companies.tasks.work_on_import")
def work_on_import(agency: str, workbook: str) -> None:
    """A workbook was sent, or confirmed: read it, or write it."""
    imports.work(UUID(agency), UUID(workbook))


@shared_task(name="companies.tasks.tend_imports")
def tend_imports() -> int:
    """Go on with imports whose worker is gone or was never rung, and forget old ones; how many went on."""
    found = 0
    for agency, _slug in every_agency():
        with scope(agency):
            imports.forget_old()
            left_behind = imports.left_behind()
        for workbook in left_behind:
            try:
                imports.work(agency, workbook)
            except Exception as error:  # the others must not wait for it; the next minute tries again
                log.error("import_did_not_go_on", workbook=str(workbook), error=type(error).__name__)
        found += len(left_behind)
    return found


@shared_task(name="companies.tasks.send_asks")
def send_asks(agency: str) -> int:
    """Companies were asked: send their mails; how many went out."""
    return asking.send_due(UUID(agency))


@shared_task(name="companies.tasks.tend_asks")
def tend_asks() -> int:
    """Send the mails of asks whose worker was never rung, or had no mail server; how many went out."""
    return sum(asking.send_due(agency) for agency, _slug in every_agency())
