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

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

from agency.tenancy import TenantModel

_LENGTH = re.compile(r"\(\d+\)")


def insert_all(model: type[TenantModel], records: Sequence[TenantModel]) -> None:
    """Insert these new records of one model, whole or not at all, in the caller's scope.

    A column that the database fills in is filled in by it where no record says anything of it. Raises
    `IntegrityError` where one of them breaks a rule; `TypeError` for bytes, which this way does not carry.
    """
    if not records:
        return
    columns = _columns(model, records)
    names = sql.SQL(", ").join(sql.Identifier(field.column) for field in columns)
    types = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.column), sql.SQL(_db_type(field))) for field in columns
    )
    statement = sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(%s) AS row({types})"
    ).format(table=sql.Identifier(model._meta.db_table), names=names, types=types)
    values = zip(*columns.values(), strict=True)
    rows = [dict(zip((field.column for field in columns), row, strict=True)) for row in values]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, default=_as_text)])
    for record in records:
        record._state.adding, record._state.db = False, connection.alias


def _columns(
    model: type[TenantModel], records: Sequence[TenantModel]
) -> dict[models.Field[Any, Any], list[Any]]:
    """Each column that a record says something of, with its value in every record."""
    found = {}
    for field in model._meta.concrete_fields:
        values = [field.pre_save(record, add=True) for record in records]
        if not all(isinstance(value, DatabaseDefault) for value in values):
            found[field] = [field.get_prep_value(value) for value in values]
    return found


def _db_type(field: models.Field[Any, Any]) -> str:
    """Without its length: what is too long is refused by the table, not cut here."""
    return _LENGTH.sub("", field.db_type(connection) or "")


def _as_text(value: object) -> str:
    if isinstance(value, UUID | date):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go through JSON")
