"""How colleagues share the work: who looks after a renewal, and what they tell each other about it."""

from __future__ import annotations

from agency import audit, masking
from agency.models import User
from renewals.domain.attention import locked
from renewals.domain.story import tell, touch
from renewals.models import Matter, Renewal


def assign(renewal: Renewal, to: User | None, *, by: User) -> bool:
    """Hand the renewal and what a person is asked about it to somebody; to nobody for None.

    False when it is already so, and then nothing is written.
    """
    renewal = locked(renewal)
    if renewal.assignee_id == (to.pk if to else None):
        return False
    before = renewal.assignee.name if renewal.assignee else ""
    Renewal.objects.filter(pk=renewal.pk).update(assignee=to)
    Matter.objects.filter(renewal=renewal, closed_at__isnull=True).update(assignee=to)
    tell(renewal, "assigned", by=by, to=to.name if to else "")
    audit.record("assigned", renewal, by=by, before=before, after=to.name if to else "")
    touch(renewal)
    return True


def comment(renewal: Renewal, text: str, *, by: User) -> None:
    """Write what colleagues should know into the renewal's story."""
    tell(renewal, "commented", by=by, text=text)
    audit.record("commented", renewal, by=by, text=masking.text(text))
    touch(renewal)
