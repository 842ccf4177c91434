"""What is held about a company, found by following the database: nothing that is added later is forgotten.

From the company on, every tenant table whose rows refer to a row that was found belongs to it, and so
do the entries of the audit trail about those rows (PIPL 45: to see and to take away).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from graphlib import TopologicalSorter
from pathlib import Path, PurePath
from typing import Any, BinaryIO
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agency.models import AuditEntry, User
from agency.tenancy import TenantModel
from companies.models import Company

type Rows = dict[type[TenantModel], list[TenantModel]]
# Kept as a digest, of no meaning to anybody, and good for guessing.
LEFT_OUT = frozenset({"agency", "token_sha256"})


def held(company: Company) -> Rows:
    """Every row that belongs to the company, by model: itself first, then what refers to what was found."""
    found: Rows = {Company: [company]}
    for model in _in_order():
        if model is not Company and (rows := _rows(model, found)):
            found[model] = rows
    return found


def _in_order() -> list[type[TenantModel]]:
    """The tables that can hold something of a company, each behind those that it refers to."""
    tables = {model for model in apps.get_models() if issubclass(model, TenantModel)}
    reached: set[type[TenantModel]] = {Company}
    while more := {model for model in tables - reached if _refers_to(model) & reached}:
        reached |= more
    return list(
        TopologicalSorter({model: _refers_to(model) & reached - {model} for model in reached}).static_order()
    )


def _refers_to(model: type[models.Model]) -> set[type[TenantModel]]:
    return {field.related_model for field in _references(model)}  # type: ignore[misc]


def _references(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    """Its foreign keys to tenant tables."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and issubclass(field.related_model, TenantModel)
    ]


def _rows(model: type[TenantModel], found: Rows) -> list[TenantModel]:
    wanted = Q()
    for field in _references(model):
        if rows := found.get(field.related_model):  # type: ignore[arg-type]
            wanted |= Q(**{f"{field.name}__in": [row.pk for row in rows]})
    return list(model._default_manager.filter(wanted).order_by("pk")) if wanted else []


# --- To take away -----------------------------------------------------------------------------


def write_export(company: Company, file: BinaryIO) -> None:
    """A zip archive: `data.json` with every row by table, and the files that the rows name.

    A PIN in the vault is told and not shown: nobody reads it, and so do we not.
    """
    found = held(company)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(_described(company, found), ensure_ascii=False, indent=1))
        for name, path in files_of(found):
            if path.is_file():
                archive.write(path, f"files/{PurePath(name).name}")


def files_of(found: Rows) -> Iterator[tuple[str, Path]]:
    """The stored files that these rows name: as the row says, and where they lie."""
    names = {row.file for rows in found.values() for row in rows if hasattr(row, "file")}
    for name in sorted(names):
        yield name, Path(settings.MEDIA_ROOT) / name


def is_named(file: str) -> bool:
    """Whether any row of the current agency names this stored file."""
    keepers = (model for model in _in_order() if hasattr(model, "file"))
    return any(model._default_manager.filter(Q(("file", file))).exists() for model in keepers)


def _described(company: Company, found: Rows) -> dict[str, Any]:
    keys = [str(row.pk) for rows in found.values() for row in rows]
    trail = AuditEntry.objects.filter(object_id__in=keys).order_by("number")
    people = dict(User.objects.filter(pk__in=_people(found)).values_list("pk", "name"))
    return {
        "company": company.name,
        "uscc": company.uscc,
        "taken_at": timezone.now().isoformat(),
        "tables": {_name(model): [_as_data(row, people) for row in rows] for model, rows in found.items()},
        "audit": [
            {
                "at": entry.at.isoformat(),
                "who": entry.actor_name,
                "what": entry.action,
                "on": entry.object_type,
                "detail": entry.detail,
            }
            for entry in trail.iterator(chunk_size=2000)
        ],
    }


def _people(found: Rows) -> set[UUID]:
    """Whom the rows name by their account."""
    return {
        key
        for model, rows in found.items()
        for field in model._meta.concrete_fields
        if field.related_model is User
        for row in rows
        if (key := getattr(row, field.attname))
    }


def _as_data(row: TenantModel, people: dict[UUID, str]) -> dict[str, Any]:
    fields = (field for field in row._meta.concrete_fields if field.name not in LEFT_OUT)
    return {field.name: _plain(field, getattr(row, field.attname), people) for field in fields}


def _plain(field: models.Field[Any, Any], value: Any, people: dict[UUID, str]) -> Any:
    """A value as JSON has it; of what is sealed, whether there is any."""
    if isinstance(field, models.BinaryField):
        return value is not None
    if field.related_model is User:
        return people.get(value, value and str(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _name(model: type[models.Model]) -> str:
    return str(model._meta.model_name)
