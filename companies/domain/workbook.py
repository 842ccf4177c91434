"""Reads a file as a table: an .xlsx, an .xls, or text with commas; nothing is known of companies here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import PurePath
from typing import Any, BinaryIO

from companies.domain import sheets
from companies.domain.columns import Column, find_columns, meaning
from companies.domain.refusals import (
    NotAWorkbook,
    WorkbookEmpty,
    WorkbookLocked,
    WorkbookTooLarge,
    WorkbookUnsafe,
)

MAX_BYTES = 10 * 1024 * 1024
_TIME_S = 20
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# What an encrypted .xlsx lies in ([MS-OFFCRYPTO] 2.3.4.4).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

type Cell = int | float | str | bool | date
type Line = tuple[int, list[Cell]]


@dataclass(frozen=True)
class Table:
    """The rows under the headings, each with the number that the person sees beside it."""

    columns: dict[Column, int]
    ignored: tuple[str, ...]  # headings that we do not know
    lines: list[Line]
    sha256: str  # of the whole file


def read_table(file: BinaryIO, filename: str) -> Table:
    """The first sheet with headings that we know. Raises `WorkbookRefused`.

    A file is what its content says; the name only tells a table of text from any other text.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise WorkbookTooLarge
    if not data.strip():
        raise WorkbookEmpty
    if data.startswith((_ZIP, _OLE)):
        lines = _first_with_headings(_sheets(data))
    elif PurePath(filename).suffix.lower() == ".csv":
        lines = _text_lines(data)
    else:
        raise NotAWorkbook
    return _table(lines, sha256(data).hexdigest())


def _sheets(data: bytes) -> Iterator[list[Line]]:
    """The sheets' rows. Raises `WorkbookTooLarge` at one that is."""
    if data.startswith(_OLE) and _ENCRYPTED in data:
        raise WorkbookLocked
    for line in _taken_apart(data, "workbook").splitlines():
        sheet = json.loads(line, object_hook=_day)
        if sheet is None:
            raise WorkbookTooLarge
        yield _without_empty(enumerate(sheet["rows"], start=sheet["first"]))


def _taken_apart(data: bytes, kind: str) -> bytes:
    """What `sheets` prints for this file. Raises `WorkbookRefused`."""
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
    if reader.returncode != 0:
        raise WorkbookTooLarge  # it said so, or it met one of its limits
    return reader.stdout


def _day(decoded: dict[str, Any]) -> Any:
    return date.fromisoformat(decoded["date"]) if "date" in decoded else decoded


def _text_lines(data: bytes) -> list[Line]:
    """Numbered by row: a cell may span lines of text."""
    sheet = json.loads(_taken_apart(data, "text"))
    return _without_empty(enumerate(sheet["rows"], start=sheet["first"]))


def _without_empty(lines: Iterable[Line]) -> list[Line]:
    return [(number, cells) for number, cells in lines if any(str(cell).strip() for cell in cells)]


def _first_with_headings(every: Iterable[list[Line]]) -> list[Line]:
    """Where no sheet has headings of ours, the first with anything on it."""
    first_filled: list[Line] = []
    for lines in every:
        if _heading_place(lines) is not None:
            return lines
        first_filled = first_filled or lines
    return first_filled


def _heading_place(lines: list[Line]) -> int | None:
    """The first row, near the top, in which at least two headings are ours."""
    for place, (_number, cells) in enumerate(lines[: sheets.ROWS_ABOVE]):
        if sum(meaning(str(cell)) is not None for cell in cells) >= 2:
            return place
    return None


def _table(lines: list[Line], digest: str) -> Table:
    if not lines:
        raise WorkbookEmpty
    # Where no heading is ours the first row stands in for them: the refusal then names what is missing.
    place = _heading_place(lines) or 0
    headings = [str(cell) for cell in lines[place][1]]
    columns = find_columns(headings)
    rows = lines[place + 1 :]
    if not rows:
        raise WorkbookEmpty
    if len(rows) > sheets.MAX_ROWS:
        raise WorkbookTooLarge
    ignored = tuple(text.strip() for text in headings if text.strip() and meaning(text) is None)
    return Table(columns, ignored, rows, digest)
