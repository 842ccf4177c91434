"""Seals every secret anew with the present key, while people work.

Each text is opened with the key that it names and sealed with the present one, a few hundred rows in
one transaction; whoever reads in between opens it with either key. Cut short, it goes on where it was:
what is still sealed with an old key is what is left to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import connection, transaction

from agency.factors import SEALED_KEYS, is_sealed_anew, sealed_anew
from agency.sealing import NONCE_BYTES, SEALED_COLUMNS, SealedColumn, WrongSeal, present_head, seal, unseal
from agency.tenancy import TenantModel, scope

ROWS_AT_ONCE = 500


@dataclass
class Rotated:
    """How many texts were sealed anew, and the rows whose text does not open: their secret is lost."""

    count: int = 0
    broken: list[str] = field(default_factory=list)


def rotate_agency(agency: UUID) -> Rotated:
    """Seal one agency's secrets anew, in transactions of `ROWS_AT_ONCE` rows. May be repeated."""
    rotated = Rotated()
    for column in SEALED_COLUMNS:
        if issubclass(column.model, TenantModel):
            _rotate(column, rotated, agency)
    return rotated


def rotate_factors() -> Rotated:
    """Seal everybody's second factors anew. May be repeated."""
    rotated, last = Rotated(), 0
    while True:
        with transaction.atomic():
            rows = list(
                Authenticator.objects.select_for_update()
                .filter(pk__gt=last, data__has_any_keys=SEALED_KEYS)
                .order_by("pk")[:ROWS_AT_ONCE]
            )
            for row in rows:
                _factor_anew(row, rotated)
        if not rows:
            return rotated
        last = rows[-1].pk


def _factor_anew(row: Authenticator, rotated: Rotated) -> None:
    if is_sealed_anew(row.data):
        return
    try:
        row.data = sealed_anew(row.data)
    except WrongSeal:
        rotated.broken.append(f"{row._meta.db_table} {row.pk}")
        return
    row.save(update_fields=["data"])
    rotated.count += 1


def _rotate(column: SealedColumn, rotated: Rotated, agency: UUID) -> None:
    last: UUID | None = None
    while True:
        with scope(agency):
            rows = _outdated(column, after=last)
            for row in rows:
                _seal_anew(column, row, rotated)
        if not rows:
            return
        last = rows[-1].pk


def _outdated(column: SealedColumn, *, after: UUID | None) -> list[TenantModel]:
    """The next rows, in order of their ids, that the present key did not seal; locked."""
    table, name, head = column.model._meta.db_table, column.column, present_head()
    query = (
        f'SELECT id FROM "{table}" WHERE "{name}" IS NOT NULL AND id > %s '  # noqa: S608  # our own names
        f'AND substring("{name}" FROM 1 FOR {len(head)}) <> %s ORDER BY id LIMIT {ROWS_AT_ONCE}'
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [after or UUID(int=0), head])
        ids = [row[0] for row in cursor.fetchall()]
    rows = column.model._default_manager.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    return list(rows)  # type: ignore[arg-type]  # a tenant model's


def _seal_anew(column: SealedColumn, row: TenantModel, rotated: Rotated) -> None:
    """Nothing where somebody stored or used the secret since it was looked for."""
    sealed = bytes(getattr(row, column.column) or b"")
    if len(sealed) <= NONCE_BYTES or sealed.startswith(present_head()):
        return
    place = column.place(row)
    try:
        fresh = seal(unseal(sealed, bound_to=place), bound_to=place)
    except WrongSeal:
        rotated.broken.append(f"{row._meta.db_table} {row.pk}")
        return
    column.model._default_manager.filter(pk=row.pk).update(**{column.column: fresh})
    rotated.count += 1
