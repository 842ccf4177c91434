"""Row-level security as migration operations: the wall behind the scoped managers.

`Isolate` is used once for each tenant table, in the migration that makes it. It

* turns on row-level security, also for the table's owner (FORCE);
* lets a row be seen and written only by its own agency;
* adds a second, RESTRICTIVE policy that holds a client to its own company;
* makes foreign keys between tenant tables compare the agency too, because Postgres checks
  foreign keys without row-level security.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Sub-selects, so that Postgres reads the setting once per statement and not once per row.
# A setting that was made with set_config(…, true) reads as '' after its transaction, hence NULLIF.
AGENCY = "(SELECT NULLIF(current_setting('app.agency', true), '')::uuid)"
COMPANY = "(SELECT NULLIF(current_setting('app.company', true), '')::uuid)"
USER = "(SELECT NULLIF(current_setting('app.user', true), '')::uuid)"

# True for everybody but clients. A setting of its own instead of `COMPANY IS NULL`: the planner takes a
# bare truth value for one row in two, and `IS NULL` for one in two hundred, and then joins row by row.
NO_CLIENT = "(SELECT NULLIF(current_setting('app.company', true), '') IS NULL)"

# What a client sees of a table that is not about companies.
NOTHING = "false"
EVERYTHING = "true"


def hold_clients(condition: str) -> str:
    """The second policy's expression: `condition` is which rows a client of `{company}` may see."""
    return f"{NO_CLIENT} OR ({condition.format(company=COMPANY)})"


class Isolate(Operation):
    """Keep a tenant table's rows to their agency; see the module.

    `clients` is an SQL condition on the row: which rows a client of `{company}` may see. Nothing
    unless stated. `references` maps a foreign key's column to the tenant table that it names.
    """

    reversible = True

    def __init__(
        self, table: str, *, clients: str = NOTHING, references: Mapping[str, str] | None = None
    ) -> None:
        self.table = table
        self.clients = clients
        self.references = dict(references or {})

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {"clients": self.clients, "references": self.references}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Row-level security is no part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        for statement in self._statements():
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        for column in self.references:
            schema_editor.execute(f"ALTER TABLE {self.table} DROP CONSTRAINT {self.table}_{column}_agency")
        schema_editor.execute(f"ALTER TABLE {self.table} DROP CONSTRAINT {self.table}_agency_row CASCADE")
        schema_editor.execute(f"DROP POLICY own_agency ON {self.table}")
        schema_editor.execute(f"DROP POLICY own_company ON {self.table}")
        schema_editor.execute(f"ALTER TABLE {self.table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {self.table} DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        return f"Keep the rows of {self.table} to their agency"

    def _statements(self) -> list[str]:
        mine = f"agency_id = {AGENCY}"
        own = hold_clients(self.clients)
        return [
            f"ALTER TABLE {self.table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {self.table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY own_agency ON {self.table} USING ({mine}) WITH CHECK ({mine})",
            f"CREATE POLICY own_company ON {self.table} AS RESTRICTIVE USING ({own}) WITH CHECK ({own})",
            f"ALTER TABLE {self.table} ADD CONSTRAINT {self.table}_agency_row UNIQUE (agency_id, id)",
            *[
                f"ALTER TABLE {self.table} ADD CONSTRAINT {self.table}_{column}_agency "
                f"FOREIGN KEY (agency_id, {column}) REFERENCES {target} (agency_id, id) "
                f"DEFERRABLE INITIALLY DEFERRED"
                for column, target in self.references.items()
            ],
        ]
