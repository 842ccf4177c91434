"""Takes a workbook apart, in a process of its own: `python sheets.py workbook|text < file`.

A workbook is a stranger's file. Two cells in opposite corners of a sheet make the reading library
ask for half a terabyte, and Rust aborts where it does not get it; a table of ten million commas is
a list of ten million strings. So that happens here, under limits of memory and time, and not in a
web process. What a bomb looks like is looked for first: that takes less than reading it. Run as a
file, this imports nothing of ours.

Prints one JSON line a sheet: the number of its first row and its rows, or null where it is too
large. Dates are objects, {"date": "2027-03-01"}. Exit status 2: not a workbook; 3: too large;
4: it holds what no spreadsheet program writes.
"""

from __future__ import annotations

import csv
import io
import json
import resource
import sys
import zipfile
import zlib
from datetime import date, datetime
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

NOT_A_WORKBOOK, TOO_LARGE, UNSAFE = 2, 3, 4
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_CELLS = 500_000
# Titles and headings stand above the rows that count.
ROWS_ABOVE = 10
MAX_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
# Sheets of equal rows shrink to a fiftieth; a bomb to a thousandth.
MAX_RATIO = 100
_SMALL_BYTES = 5 * 1024 * 1024
MAX_PRINTED_BYTES = 64 * 1024 * 1024
_MEMORY_BYTES = 300 * 1024 * 1024
_PROCESSOR_S = 10
_BLOCK = 1024 * 1024
# A workbook's parts have no document type; one that has wants entities resolved (XXE, billion laughs).
_DOCTYPES = [mark.encode(code) for mark in ("<!DOCTYPE", "<!ENTITY") for code in ("ascii", "utf-16-le")]


class Refused(Exception):
    """The file is not read; the argument is the exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def main(kind: str) -> int:
    """Standard input to standard output; see above."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_S, _PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        if kind == "text":
            _print({"first": 1, "rows": _text(data)}, printed=0)
        else:
            _workbook(data)
    except Refused as refused:
        return refused.status
    except MemoryError:
        return TOO_LARGE
    except (CalamineError, UnicodeDecodeError, csv.Error):
        return NOT_A_WORKBOOK
    return 0


# --- What a bomb looks like -------------------------------------------------------------------


def _workbook(data: bytes) -> None:
    if data.startswith(b"PK"):
        _look_into_zip(data)
    printed = 0
    with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
        for name in workbook.sheet_names:
            printed += _print(_sheet(workbook.get_sheet_by_name(name)), printed=printed)


def _look_into_zip(data: bytes) -> None:
    """Raises `Refused` for what is too much, or is no part of a workbook."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise Refused(TOO_LARGE)
            if any(_leads_out(entry.filename) for entry in entries):
                raise Refused(UNSAFE)
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES or any(map(_is_bomb, entries)):
                raise Refused(TOO_LARGE)
            cells = sum(_look_into_part(archive, entry) for entry in entries)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
        raise Refused(NOT_A_WORKBOOK) from None
    if cells > MAX_CELLS:
        raise Refused(TOO_LARGE)


def _leads_out(name: str) -> bool:
    """Whether the part's name would leave the folder that somebody unpacks it in."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ":" in plain or "\0" in plain or ".." in PurePosixPath(plain).parts


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > _SMALL_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)


def _look_into_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """How many cells the part has; nothing but sheets has any. Raises `Refused` for a document type."""
    if not entry.filename.lower().endswith((".xml", ".rels")):
        return 0
    cells, before = 0, b""
    with archive.open(entry) as part:
        while block := part.read(_BLOCK):
            seen = before + block
            if any(mark in seen for mark in _DOCTYPES):
                raise Refused(UNSAFE)
            cells += block.count(b"<c ") + block.count(b"<c>")
            before = block[-32:]
    return cells


# --- Reading ----------------------------------------------------------------------------------


def _sheet(sheet: CalamineSheet) -> dict[str, Any] | None:
    if sheet.height > MAX_ROWS + ROWS_ABOVE or sheet.width > MAX_COLUMNS:
        return None
    first = sheet.start[0] + 1 if sheet.start else 1
    return {"first": first, "rows": sheet.to_python()}


def _text(data: bytes) -> list[list[str]]:
    """A table of text: UTF-8, or what Excel writes on a Chinese Windows. A cell may span lines."""
    if b"\0" in data:
        raise Refused(NOT_A_WORKBOOK)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    rows: list[list[str]] = []
    cells = 0
    for row in csv.reader(io.StringIO(text), strict=True):
        cells += len(row)
        if len(row) > MAX_COLUMNS or cells > MAX_CELLS or len(rows) > MAX_ROWS + ROWS_ABOVE:
            raise Refused(TOO_LARGE)
        rows.append(row)
    return rows


def _print(sheet: dict[str, Any] | None, *, printed: int) -> int:
    line = json.dumps(sheet, default=_date)
    if printed + len(line) > MAX_PRINTED_BYTES:
        raise Refused(TOO_LARGE)
    print(line)  # noqa: T201
    return len(line)


def _date(cell: object) -> Any:
    """A moment is its day: no column of ours tells more. A time of day is what it looks like."""
    if isinstance(cell, datetime):
        return {"date": cell.date().isoformat()}
    return {"date": cell.isoformat()} if isinstance(cell, date) else str(cell)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
