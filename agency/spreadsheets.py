"""Tables for people to take away. No cell of them is ever run as a formula (OWASP, CSV Injection)."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format

# What a program takes for the beginning of a formula. Full-width signs count too: some programs fold them.
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet might run this text."""
    return unicodedata.normalize("NFKC", text.lstrip(" \u3000\u00a0\ufeff")[:1]) in _FORMULA_BEGINS


def harmless(text: str) -> str:
    """The text for a cell of a CSV, with a ' before it where a spreadsheet would run it."""
    return f"'{text}" if begins_formula(text) else text


def quoting(book: Workbook) -> Format:
    """The format of a cell whose text stays text also when somebody edits it, or saves it as CSV."""
    quoted: Format = book.add_format({"quote_prefix": True})
    return quoted


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[str]], file: BinaryIO) -> None:
    """Text with commas, in UTF-8 with the mark by which Excel knows it. `file` stays open."""
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(harmless(one) for one in headings)
    for row in rows:
        writer.writerow(harmless(one) for one in row)
    text.detach()


def write_xlsx(headings: Sequence[str], rows: Iterable[Sequence[str]], file: BinaryIO, *, name: str) -> None:
    """A workbook of one sheet, all of it text."""
    with Workbook(file, {"constant_memory": True, "strings_to_formulas": False}) as book:
        page, head, quoted = book.add_worksheet(name), book.add_format({"bold": True}), quoting(book)
        page.freeze_panes(1, 0)
        for place, heading in enumerate(headings):
            page.write_string(0, place, heading, head)
        for line, row in enumerate(rows, start=1):
            for place, one in enumerate(row):
                page.write_string(line, place, one, quoted if begins_formula(one) else None)
