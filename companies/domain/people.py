"""Contacts as people write them into cells: one name and one number, or two of each with a mark between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from companies.domain import cells
from companies.domain.columns import Column
from companies.domain.workbook import Cell

COLUMNS = (Column.CONTACT, Column.MOBILE, Column.EMAIL)
_BETWEEN = re.compile(r"[、,，;；/／|\n\r]+|\s+&\s+")
# With the country's code or without; not a part of a longer number.
_MOBILE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)")
_AROUND_NAME = " ()（）:：-"


@dataclass(frozen=True)
class Person:
    """One contact of a row; what the row does not say is empty."""

    name: str = ""
    mobile: str = ""
    email: str = ""

    def is_same(self, name: str, mobile: str, email: str) -> bool:
        """Whether this is who we know under that mobile or address, or under the name alone."""
        if self.mobile or self.email:
            return (self.mobile == mobile != "") or (self.email == email != "")
        return self.name == name


def read_people(row: Mapping[Column, Cell]) -> list[Person]:
    """The people in these cells, the one to write to first. Raises `CellUnreadable`.

    A mobile goes before a landline; a name that stands alone with two numbers has both.
    """
    names, mobiles = _names(row.get(Column.CONTACT, ""))
    mobiles += _read_each(row, Column.MOBILE, cells.telephone)
    emails = _read_each(row, Column.EMAIL, cells.email)
    if len(names) < 2:
        mobiles.sort(key=lambda number: _MOBILE.fullmatch(number) is None)
    mobiles = list(dict.fromkeys(mobiles))
    return [
        Person(_nth(names, place) or (names or [""])[-1], _nth(mobiles, place), _nth(emails, place))
        for place in range(max(len(names), len(mobiles), len(emails)))
    ]


class CellUnreadable(ValueError):
    """One of the cells holds something else; `rounded` where a number's last digits are gone."""

    def __init__(self, column: Column, cell: Cell, *, rounded: bool) -> None:
        super().__init__(column)
        self.column, self.cell, self.rounded = column, cell, rounded


def _names(cell: Cell) -> tuple[list[str], list[str]]:
    """Names, and the mobiles that stand beside them in the same cell."""
    names, mobiles = [], []
    for part in map(cells.shown, _parts(cell)):
        mobiles += [re.sub(r"[- ]", "", number) for number in _MOBILE.findall(part)]
        if name := cells.text(_MOBILE.sub(" ", part)).strip(_AROUND_NAME):
            names.append(name)
    return names, mobiles


def _read_each(row: Mapping[Column, Cell], column: Column, read: cells.Reader) -> list[str]:
    found: list[str] = []
    for part in _parts(row.get(column, "")):
        try:
            found.append(read(part))
        except cells.Rounded:
            raise CellUnreadable(column, part, rounded=True) from None
        except cells.Unreadable:
            if column != Column.MOBILE or not (several := _several(part)):
                raise CellUnreadable(column, part, rounded=False) from None
            found += several
    return found


def _several(part: Cell) -> list[str]:
    """Mobiles with nothing between them but spaces; none where the cell says more than that."""
    text = str(part)
    if re.sub(r"\s", "", _MOBILE.sub("", text)):
        return []
    return [re.sub(r"[- ]", "", number) for number in _MOBILE.findall(text)]


def _parts(cell: Cell) -> list[Cell]:
    """What stands between marks; a number is itself."""
    if not isinstance(cell, str):
        return [cell]
    return [part for part in _BETWEEN.split(unicodedata.normalize("NFKC", cell)) if part.strip()]


def _nth(found: list[str], place: int) -> str:
    return found[place] if place < len(found) else ""
