"""What a person must see to while a renewal goes on or waits: opened and closed by the engine or a person."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from agency import audit
from agency.models import User
from renewals.domain.story import tell, touch
from renewals.models import Matter, Renewal


def open_matter(renewal: Renewal, reason: str) -> bool:
    """Ask for a person; False when that was asked for already and is still open."""
    try:
        with transaction.atomic():
            Matter.objects.create(renewal=renewal, reason=reason, assignee=renewal.assignee)
    except IntegrityError:
        return False
    tell(renewal, "matter_opened", reason=reason)
    audit.record("matter_opened", renewal, by=None, reason=reason)
    touch(renewal)
    return True


def close_matters(renewal: Renewal, *, by: User | None, why: str, reason: str = "") -> int:
    """Close the renewal's open matters, or the one of this reason; returns how many there were."""
    open_ones = Matter.objects.filter(renewal=renewal, closed_at__isnull=True)
    if reason:
        open_ones = open_ones.filter(reason=reason)
    closed = open_ones.update(closed_at=Now(), closed_by=by, closed_why=why)
    if closed:
        tell(renewal, "matter_closed", by=by, why=why)
        audit.record("matter_closed", renewal, by=by, why=why)
        touch(renewal)
    return closed
