"""Many new rows in one statement with one parameter.

`bulk_create` sends every value of every row as a parameter of its own wherever a table has an array or a
column of bytes: writing the statement down, and reading it again in Postgres, then costs more than the rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.expressions import DatabaseDefault

from agency.tenancy import TenantModel

_LENGTH = re.compile(r"\(\d+\)")


def forget_plans() -> None:
    """Have Postgres plan anew what it checks with each row; before many are inserted.

    Checks of foreign keys keep the plan that they made first. Made while a table was almost empty, it may
    read all rows of an agency for each new one, until the next ANALYZE.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def insert_all(model: type[TenantModel], records: Sequence[TenantModel]) -> None:
    """Insert these new records of one model, whole or not at all, in the caller's scope.

    A column that the database fills in is filled in by it where no record says anything of it. Raises
    `IntegrityError` where one of them breaks a rule; `TypeError` for bytes, which this way does not carry.
    """
    if not records:
        return
    columns = _columns(model, records)
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    kinds = _db_types(model)
    types = ", ".join(f"{quote(name)} {kinds[name]}" for name in columns)
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) "  # noqa: S608  # names of our own models
        f"SELECT {names} FROM json_to_recordset(%s) AS row({types})"
    )
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, default=_as_text)])
    for record in records:
        record._state.adding, record._state.db = False, connection.alias


def insert_like(pattern: TenantModel, **columns: Sequence[Any]) -> None:
    """Insert rows that say what a new record says, but for some columns; in the caller's scope.

    `columns` holds the values of each by its name in the table, a row's at the same place in all of them.
    Ids that are not among them are made by the database. Raises as `insert_all` does.
    """
    model, quote = type(pattern), connection.ops.quote_name
    kinds = _db_types(model)
    shared = {name: value for name, value in _said_by(pattern).items() if name not in ("id", *columns)}
    made = {} if "id" in columns else {"id": "gen_random_uuid()"}
    said = {name: f"%s::{kinds[name]}" for name in shared} | {name: quote(name) for name in columns}
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, made | said))}) "  # noqa: S608  # as above
        f"SELECT {', '.join((made | said).values())} "
        f"FROM unnest({', '.join(f'%s::{kinds[name]}[]' for name in columns)}) "
        f"AS row({', '.join(map(quote, columns))})"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*shared.values(), *map(list, columns.values())])


def _said_by(record: TenantModel) -> dict[str, Any]:
    """What a new record puts into each column, as the driver takes it; not what the database fills in."""
    said = {field: field.pre_save(record, add=True) for field in record._meta.concrete_fields}
    return {
        field.column or "": field.get_db_prep_save(value, connection)
        for field, value in said.items()
        if not isinstance(value, DatabaseDefault)
    }


def _columns(model: type[TenantModel], records: Sequence[TenantModel]) -> dict[str, list[Any]]:
    """Each column that a record says something of, with its value in every record."""
    found = {}
    for field in model._meta.concrete_fields:
        values = [field.pre_save(record, add=True) for record in records]
        if not all(isinstance(value, DatabaseDefault) for value in values):
            found[field.column or ""] = [field.get_prep_value(value) for value in values]
    return found


def _db_types(model: type[TenantModel]) -> dict[str, str]:
    """Without lengths: what is too long is refused by the table, not cut here."""
    fields = model._meta.concrete_fields
    return {field.column or "": _LENGTH.sub("", field.db_type(connection) or "") for field in fields}


def _as_text(value: object) -> str:
    if isinstance(value, UUID | date):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go through JSON")
