"""Celery's doors: what a page or the clock rings for about an agency's people."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from agency import posting
from agency.operating import every_agency


@shared_task(name="agency.tasks.send_invitations")
def send_invitations(agency: str) -> int:
    """Somebody was invited: send the mails that are due; how many went out."""
    return posting.send_due(UUID(agency))


@shared_task(name="agency.tasks.tend_invitations")
def tend_invitations() -> int:
    """Send invitations whose worker was never rung, or had no mail server; how many went out."""
    return sum(posting.send_due(agency) for agency, _slug in every_agency())
