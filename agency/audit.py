"""The audit trail: who did what, on what. Entries are chained by the database."""

from __future__ import annotations

from typing import Any

from agency.models import AuditEntry, User


def record(action: str, on: Any, *, by: User | None, address: str | None = None, **detail: Any) -> None:
    """Write one entry in the current scope, in the caller's transaction.

    `by` is None where the machine acted by itself. `detail` must hold nothing secret; personal
    data goes in masked.
    """
    AuditEntry.objects.create(
        actor=by,
        actor_name=by.name if by else "xubao",
        address=address,
        action=action,
        object_type=type(on).__name__.lower(),
        object_id=str(on.pk),
        detail=detail,
    )
