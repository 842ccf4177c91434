"""Takes away what is in an agency: of a rehearsal's twin, and of the demo's agency."""

from __future__ import annotations

from collections.abc import Container
from typing import Any
from uuid import UUID

from agency.checks import tenant_models


def delete_rows(cursor: Any, agency: UUID, *, but: Container[type] = ()) -> None:
    """Delete every row of the agency, except in the tables of these models.

    Row-level security holds: the agency's scope is open on this cursor. Foreign keys between the tables
    are checked at the end of the transaction.
    """
    for model in tenant_models():
        if model not in but:
            table = model._meta.db_table
            cursor.execute(f"DELETE FROM {table} WHERE agency_id = %s", [agency])  # noqa: S608  # ours
