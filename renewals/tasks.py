"""Celery's doors: ids in, one domain call. A task may come late, twice, or never."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from renewals.domain import sweeping
from renewals.sitting import sit as sit_at_desk


@shared_task
def sit(agency: str, desk: str) -> None:
    """A card is in a reader: work at this desk."""
    sit_at_desk(UUID(agency), UUID(desk))


@shared_task
def sweep() -> None:
    """Find what was lost or is due."""
    sweeping.sweep()


@shared_task
def compare_stages() -> None:
    """Compare every renewal with its stages, however long ago it changed."""
    sweeping.alert_of_stages()
