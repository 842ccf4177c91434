"""Which database role does what: only the owner migrates."""

from __future__ import annotations

from typing import Any


class OwnerMigrates:
    """Migrations run on the alias `owner`; `default` and `sweep` are other roles of the same database."""

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        return db == "owner"

    def allow_relation(self, _one: object, _other: object, **_hints: Any) -> bool:
        # The aliases are one database, seen through different roles.
        return True
