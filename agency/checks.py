"""System checks: a tenant table without its walls stops the start, and is not found out by a leak.

The models are looked at without a database (`manage.py check`); the tables when web and workers
start, and by `manage.py check --database default`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, models

from agency.tenancy import ScopedManager, TenantModel

# Tables of others with a column of this name would be here, with the reason.
_UNSCOPED: frozenset[str] = frozenset()
POLICIES = ("own_agency", "own_company")


def tenant_models() -> Iterator[type[models.Model]]:
    """Every model with a field `agency`, whatever it is derived from."""
    for model in apps.get_models():
        try:
            model._meta.get_field("agency")
        except FieldDoesNotExist:
            continue
        if model._meta.label not in _UNSCOPED:
            yield model


@register(Tags.security)
def models_are_scoped(app_configs: Sequence[Any] | None, **_options: Any) -> list[CheckMessage]:
    """A model with `agency` is a `TenantModel` whose usual manager raises outside a scope."""
    return [
        Error(
            f"{model._meta.label} has a field `agency` and is not scoped to it.",
            hint="Derive it from agency.tenancy.TenantModel, and keep `objects` as its default manager.",
            obj=model,
            id="agency.E001",
        )
        for model in tenant_models()
        if not issubclass(model, TenantModel) or not isinstance(model._default_manager, ScopedManager)
    ]


@register(Tags.database)
def tables_are_walled(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """Each tenant table has row-level security, also for its owner, and both policies.

    Asked of the role that works; `migrate` comes as the owner, before there are tables.
    """
    return [
        Error(
            f"{table} lacks {what}.",
            hint="Put agency.isolation.Isolate into the migration that makes the table, and migrate.",
            id="agency.E002",
        )
        for alias in databases or []
        if alias == "default"
        for table, what in missing_walls(alias)
    ]


_WALLS = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
       ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid
             AND (p.polname <> 'own_company' OR NOT p.polpermissive))
FROM pg_class c WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p')
"""


def missing_walls(alias: str = "default") -> list[tuple[str, str]]:
    """(table, what it lacks), for each tenant table in the database."""
    tables = sorted(model._meta.db_table for model in tenant_models())
    with connections[alias].cursor() as cursor:
        cursor.execute(_WALLS, [tables])
        found = {name: (enabled, forced, set(policies)) for name, enabled, forced, policies in cursor}
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        [[is_above]] = cursor.fetchall()
    missing = [(table, lack) for table in tables for lack in _lacks(found.get(table))]
    if alias == "default" and is_above:
        missing.append(("the role that we work as", "its bounds: it passes row-level security"))
    return missing


def _lacks(wall: tuple[bool, bool, set[str]] | None) -> Iterator[str]:
    if wall is None:
        yield "itself: migrate first"
        return
    enabled, forced, policies = wall
    if not enabled:
        yield "row-level security"
    if not forced:
        yield "FORCE ROW LEVEL SECURITY"
    for policy in POLICIES:
        if policy not in policies:
            yield f"the policy {policy}"


def refuse_without_walls() -> None:
    """For the start of web and workers. Raises `ImproperlyConfigured`, or what the database raised."""
    try:
        missing = missing_walls()
    finally:
        connections["default"].close()
    if missing:
        words = "; ".join(f"{table} lacks {what}" for table, what in missing)
        raise ImproperlyConfigured(f"Agencies would not be kept apart: {words}. Run: manage.py migrate")
