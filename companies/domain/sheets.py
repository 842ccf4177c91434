"""Takes a workbook apart, in a process of its own: `python sheets.py workbook|text < file`.

A workbook is a stranger's file. Two cells in opposite corners of a sheet make the reading library
ask for half a terabyte, and Rust aborts where it does not get it; a table of ten million commas is
a list of ten million strings. So that happens here, under limits of memory and time, and not in a
web process. What a bomb looks like is looked for first: that takes less than reading it. Run as a
file, this imports nothing of ours.

Prints one JSON line a sheet: its name, the number of its first row, its rows, and the numbers of rows
that its program hides (of an .xlsx; an .xls does not tell us); `rows` is null where they are too many.
A hidden sheet is left out where another is to be seen. Dates are objects, {"date": "2027-03-01"}. Exit
status 2: not a workbook; 3: too large; 4: it holds what no spreadsheet program writes; 5: text whose row
of the printed number cannot be taken apart.
"""

from __future__ import annotations

import csv
import io
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree  # of parts in which no document type was found

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

NOT_A_WORKBOOK, TOO_LARGE, UNSAFE, ROW_UNREADABLE = 2, 3, 4, 5
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_CELLS = 500_000
# What Excel keeps in one. A quotation mark that is not closed makes one cell of all that follows.
MAX_CELL_CHARACTERS = 32_767
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
            _print({"name": "", "first": 1, "rows": _text(data), "hidden": []}, printed=0)
        else:
            _workbook(data)
    except Refused as refused:
        return refused.status
    except MemoryError:
        return TOO_LARGE
    except (CalamineError, UnicodeDecodeError):
        return NOT_A_WORKBOOK
    return 0


# --- What a bomb looks like -------------------------------------------------------------------


def _workbook(data: bytes) -> None:
    hidden: dict[str, list[int]] = {}
    if data.startswith(b"PK"):
        _look_into_zip(data)
        hidden = _hidden_rows(data)
    printed = 0
    with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
        every = [(sheet.name, str(sheet.visible)) for sheet in workbook.sheets_metadata]
        shown = [name for name, visible in every if visible == _VISIBLE]
        for name in shown or [name for name, _visible in every]:
            sheet = _sheet(workbook.get_sheet_by_name(name))
            printed += _print({"name": name, "hidden": hidden.get(name, []), **sheet}, printed=printed)


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


# --- Rows that are hidden: the reading library does not tell ---------------------------------

_VISIBLE = str(SheetVisibleEnum.Visible)
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_IS_HIDDEN = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_ROW_NUMBER = re.compile(rb"""\br=["'](\d+)["']""")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _hidden_rows(data: bytes) -> dict[str, list[int]]:
    """The numbers of hidden rows by sheet; nothing for what is laid out as no .xlsx is."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            relations = _parsed(archive, "xl/_rels/workbook.xml.rels")
            parts = {one.get("Id"): one.get("Target", "") for one in relations}
            book = _parsed(archive, "xl/workbook.xml")
            sheets = [one for one in book.iter() if one.tag.endswith("}sheet")]
            return {
                sheet.get("name", ""): list(_hidden_in(archive, parts[sheet.get(_RELATION)]))
                for sheet in sheets
            }
    except (KeyError, ElementTree.ParseError):
        return {}


def _parsed(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))  # noqa: S314  # no document type is in it


def _hidden_in(archive: zipfile.ZipFile, target: str) -> Iterator[int]:
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    rest = b""
    with archive.open(name) as part:
        while block := part.read(_BLOCK):
            seen = rest + block
            end = seen.rfind(b">") + 1
            for row in _ROW.findall(seen[:end]):
                if _IS_HIDDEN.search(row) and (number := _ROW_NUMBER.search(row)):
                    yield int(number[1])
            rest = seen[end:]


# --- Reading ----------------------------------------------------------------------------------


def _sheet(sheet: CalamineSheet) -> dict[str, Any]:
    first = sheet.start[0] + 1 if sheet.start else 1
    if sheet.height > MAX_ROWS + ROWS_ABOVE or sheet.width > MAX_COLUMNS:
        return {"first": first, "rows": None}
    return {"first": first, "rows": sheet.to_python()}


def _text(data: bytes) -> list[list[str]]:
    """A table of text: UTF-8, or what Excel writes on a Chinese Windows. A cell may span lines.

    A row ends as Windows, Unix or an old Mac would have it; Excel still offers the last.
    """
    if b"\0" in data:
        raise Refused(NOT_A_WORKBOOK)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    rows: list[list[str]] = []
    cells = 0
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            cells += len(row)
            if len(row) > MAX_COLUMNS or cells > MAX_CELLS or len(rows) > MAX_ROWS + ROWS_ABOVE:
                raise Refused(TOO_LARGE)
            rows.append(row)
    except csv.Error:
        print(len(rows) + 1)  # noqa: T201  # what comes out is the answer: this runs in a process of its own
        raise Refused(ROW_UNREADABLE) from None
    return rows


def _print(sheet: dict[str, Any], *, printed: int) -> int:
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
