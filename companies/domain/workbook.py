"""Reads a file as a table: an .xlsx, an .xls, or text with commas; nothing is known of companies here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import PurePath
from typing import Any, BinaryIO

from companies.domain import sheets
from companies.domain.columns import Column, Found, find_columns, is_ours, meaning
from companies.domain.refusals import (
    NotAWorkbook,
    RowUnreadable,
    WorkbookEmpty,
    WorkbookLocked,
    WorkbookTooLarge,
    WorkbookUnsafe,
)

MAX_BYTES = 10 * 1024 * 1024
_TIME_S = 20
# So the words begin of a row that sums up the others.
_SUMS = ("合计", "总计", "小计", "共计")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# What an encrypted .xlsx lies in ([MS-OFFCRYPTO] 2.3.4.4).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

type Cell = int | float | str | bool | date
type Line = tuple[int, list[Cell]]


@dataclass(frozen=True)
class Sheet:
    """One sheet's rows, without the empty ones, and which of them its program hides."""

    name: str
    lines: list[Line]
    hidden: frozenset[int]


@dataclass(frozen=True)
class Table:
    """The rows under the headings, each with the number that the person sees beside it."""

    sheet: str
    sheets: tuple[str, ...]  # all that hold anything
    headings: tuple[str, ...]
    found: Found
    lines: list[Line]
    hidden: frozenset[int]
    sha256: str  # of the whole file

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headings whose columns are not used."""
        used = set(self.found.columns.values())
        shown = ((place, text) for place, text in enumerate(self.headings) if text and not is_ours(text))
        return tuple(text for place, text in shown if place not in used)


def read_table(
    file: BinaryIO, filename: str, *, sheet: str = "", chosen: Mapping[Column, int] | None = None
) -> Table:
    """The sheet of this name, else the first with headings that we know. Raises `WorkbookRefused`.

    `chosen` is where the columns stand, by what a person has said. A file is what its content says;
    the name only tells a table of text from any other text.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise WorkbookTooLarge
    if not data.strip():
        raise WorkbookEmpty
    if data.startswith((_ZIP, _OLE)):
        sheets_read = _sheets(data)
    elif PurePath(filename).suffix.lower() == ".csv":
        sheets_read = _taken_apart(data, "text")
    else:
        raise NotAWorkbook
    filled = [one for one in sheets_read if one.lines]
    if not filled:
        raise WorkbookEmpty
    return _table(_chosen(filled, sheet), tuple(one.name for one in filled), sha256(data).hexdigest(), chosen)


def _sheets(data: bytes) -> list[Sheet]:
    if data.startswith(_OLE) and _ENCRYPTED in data:
        raise WorkbookLocked
    return _taken_apart(data, "workbook")


def _taken_apart(data: bytes, kind: str) -> list[Sheet]:
    """The sheets as `sheets` prints them. Raises `WorkbookRefused`."""
    try:
        # By path, isolated and with nothing of our environment: it needs no Django and no secret.
        reader = subprocess.run(
            [sys.executable, "-I", sheets.__file__, kind],
            input=data,
            capture_output=True,
            timeout=_TIME_S,
            env={},
        )
    except subprocess.TimeoutExpired:
        raise WorkbookTooLarge from None
    if reader.returncode == sheets.NOT_A_WORKBOOK:
        raise NotAWorkbook
    if reader.returncode == sheets.UNSAFE:
        raise WorkbookUnsafe
    if reader.returncode == sheets.ROW_UNREADABLE:
        raise RowUnreadable(int(reader.stdout))
    if reader.returncode != 0:
        raise WorkbookTooLarge  # it said so, or it met one of its limits
    return [_sheet(json.loads(line, object_hook=_day)) for line in reader.stdout.splitlines()]


def _sheet(printed: dict[str, Any]) -> Sheet:
    """Numbered by row: in text, a cell may span lines. Raises `WorkbookTooLarge`."""
    if printed["rows"] is None:
        raise WorkbookTooLarge
    lines = enumerate(printed["rows"], start=printed["first"])
    return Sheet(printed["name"], _without_empty(lines), frozenset(printed["hidden"]))


def _day(decoded: dict[str, Any]) -> Any:
    return date.fromisoformat(decoded["date"]) if "date" in decoded else decoded


def _without_empty(lines: Iterable[Line]) -> list[Line]:
    return [(number, cells) for number, cells in lines if any(str(cell).strip() for cell in cells)]


def _sums_up(cells: Sequence[Cell], code: int | None) -> bool:
    """Whether the row only sums up the rows above it (合计): its first words say so, and it has no code."""
    first = next((words for cell in cells if (words := "".join(str(cell).split()))), "")
    has_code = code is not None and code < len(cells) and str(cells[code]).strip() != ""
    return first.startswith(_SUMS) and not has_code


def _chosen(filled: Sequence[Sheet], name: str) -> Sheet:
    """The one of this name, else the first with headings of ours, else the first."""
    named = (sheet for sheet in filled if name and sheet.name == name)
    known = (sheet for sheet in filled if _find_headings(sheet.lines)[0] is not None)
    return next(named, None) or next(known, None) or filled[0]


def _find_headings(lines: list[Line]) -> tuple[int | None, int, list[str]]:
    """The place of the headings near the top, how many rows they take, and their words.

    Two rows are one heading where the upper one spans columns of the lower (联系人 over 姓名, 手机, 邮箱)
    and both together say more than one. No place where fewer than two columns are ours.
    """
    best: tuple[int | None, int, list[str]] = (None, 1, [])
    known_best = 1
    for place, (_number, cells) in enumerate(lines[: sheets.ROWS_ABOVE]):
        single = [str(cell).strip() for cell in cells]
        for height, words in ((1, single), (2, _under_each_other(single, lines[place + 1 : place + 2]))):
            known = len({column for text in words if (column := meaning(text))})
            if known > known_best:
                best, known_best = (place, height, words), known
        if best[0] is not None and place > best[0]:
            break
    return best


def _under_each_other(upper: list[str], below: list[Line]) -> list[str]:
    """Each column's heading where the row below belongs to the headings too."""
    if not below:
        return []
    words, spanning = [], ""
    for place, cell in enumerate(below[0][1]):
        own = upper[place] if place < len(upper) else ""
        lower = str(cell).strip()
        spanning = own or spanning
        together = f"{spanning} {lower}".strip()
        if not lower:
            words.append(own)
        elif meaning(together) or not meaning(lower):
            words.append(together)
        else:
            words.append(lower)
    return words


def _table(sheet: Sheet, names: tuple[str, ...], digest: str, chosen: Mapping[Column, int] | None) -> Table:
    # Where no heading is ours the first row stands in for them, for a person to say what is what.
    place, height, headings = _find_headings(sheet.lines)
    if place is None:
        place, height = 0, 1
        headings = [str(cell).strip() for cell in sheet.lines[0][1]]
    found = find_columns(headings, chosen)
    code = found.columns.get(Column.USCC)
    rows = [line for line in sheet.lines[place + height :] if not _sums_up(line[1], code)]
    if not rows:
        found.require()
        raise WorkbookEmpty
    if len(rows) > sheets.MAX_ROWS:
        raise WorkbookTooLarge
    return Table(sheet.name, names, tuple(headings), found, rows, sheet.hidden, digest)
