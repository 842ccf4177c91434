"""Writes down what happens to a renewal, for people (events) and for proof (the audit trail)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from agency import audit
from agency.bulk import insert_like
from agency.models import User
from agency.tenancy import current_scope
from renewals.models import Event, Renewal, Run, State


def tell(
    renewal: Renewal, kind: str, *, run: Run | None = None, by: User | None = None, **detail: Any
) -> None:
    """Add one event to the renewal's story, in the caller's transaction. `detail` holds nothing secret."""
    Event.objects.create(renewal=renewal, run=run, kind=kind, detail=detail, actor_name=by.name if by else "")


def tell_all(renewals: list[UUID], kind: str, *, by: User, **detail: Any) -> None:
    """Add the same event to the story of each of these renewals of the current agency, named by their ids."""
    event = Event(agency_id=current_scope().agency, kind=kind, detail=detail, actor_name=by.name)
    insert_like(event, renewal_id=renewals)


def move(
    renewal: Renewal,
    state: State,
    *,
    kind: str,
    run: Run | None = None,
    by: User | None = None,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Bring a locked renewal into another state, and write event and audit entry with it.

    Desk and lease belong to RUNNING alone and are dropped on the way out; `changes` are further
    columns. The caller holds the row's lock and has checked that the move is allowed.
    """
    before = renewal.state
    if state != State.RUNNING:
        changes |= {"desk": None, "lease_until": None}
    Renewal.objects.filter(pk=renewal.pk).update(state=state, state_since=Now(), changed_at=Now(), **changes)
    renewal.refresh_from_db()
    tell(renewal, kind, run=run, by=by, **(detail or {}))
    audit.record(kind, renewal, by=by, before=before, after=state, **(detail or {}))


def touch(renewal: Renewal) -> None:
    """Let the pages that watch this renewal know that something about it changed."""
    Renewal.objects.filter(pk=renewal.pk).update(changed_at=Now())
