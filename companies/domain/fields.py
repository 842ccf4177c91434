"""Where each column of a workbook is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from agency import masking
from companies.domain.columns import Column
from companies.models import Card, Company, Contact

type Record = Company | Contact | Card

FIELDS: dict[type[Record], dict[Column, str]] = {
    Company: {
        Column.NAME: "name",
        Column.USCC: "uscc",
        Column.REGION: "region",
        Column.OLD_POLICY_ENDS: "old_policy_ends_on",
        Column.AUTHORIZED_BEFORE: "authorized_before",
        Column.OWNER: "owner",
        Column.NOTE: "note",
    },
    Contact: {Column.CONTACT: "name", Column.MOBILE: "mobile", Column.EMAIL: "email"},
    Card: {
        Column.CARD: "number",
        Column.CERTIFICATE: "certificate",
        Column.HOLDER: "holder",
        Column.VALID_UNTIL: "valid_until",
        Column.DRAWER: "drawer",
    },
}
# How many characters fit; the columns that are not here hold no text, or any length.
LONGEST: dict[Column, int] = {
    column: longest
    for model, fields in FIELDS.items()
    for column, name in fields.items()
    if (longest := getattr(model._meta.get_field(name), "max_length", None))
}

_MASKS: dict[str, Callable[[str], str]] = {
    Column.CONTACT: masking.name,
    Column.MOBILE: masking.tail,
    Column.EMAIL: masking.email,
    Column.CARD: masking.tail,
    Column.CERTIFICATE: masking.tail,
    Column.HOLDER: masking.name,
    Column.NOTE: masking.text,
}


def mask(column: str, value: str | date | bool | None) -> str:
    """A value for the audit trail: what is about a person is masked, what is about the company is not."""
    if value is None or value == "":
        return ""
    return _MASKS.get(column, str)(str(value))
