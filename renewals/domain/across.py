"""The only reads across agencies: by the sweep's own role, and of these columns alone.

Whoever gets an id from here goes on inside `scope(agency)`, as the app role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connections


def expired_leases() -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of the runs whose worker fell silent."""
    return _rows(
        "SELECT agency_id, id FROM renewals_renewal "
        "WHERE state = 'running' AND lease_until < now() ORDER BY id"
    )


def desks_with_a_card() -> list[tuple[UUID, UUID]]:
    """(agency, desk) of the desks that have a card in the reader, nobody sitting, and no pause."""
    return _rows(
        "SELECT agency_id, id FROM renewals_desk WHERE card_number <> '' AND paused_at IS NULL "
        "AND (sitting IS NULL OR sitting_until < now()) ORDER BY id"
    )


def desks_named(codes: Iterable[str]) -> list[tuple[UUID, UUID]]:
    """(agency, desk) of these desks; their codes are unique in the installation."""
    return _rows("SELECT agency_id, id FROM renewals_desk WHERE code = ANY(%s) ORDER BY code", [list(codes)])


def _rows(query: str, parameters: Sequence[list[str]] = ()) -> list[tuple[UUID, UUID]]:
    with connections["sweep"].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
