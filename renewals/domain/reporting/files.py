"""The month as files to take away. No cell of them is ever run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from io import TextIOWrapper
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from agency.spreadsheets import begins_formula, harmless, quoting
from renewals.domain.reporting.columns import Column, Value, month_columns, state_words
from renewals.domain.reporting.month import MonthRow, Totals, totals
from renewals.models import StageName, StageState

# Red is kept for what needs a person, violet for what nobody knows yet.
_COLOURS: dict[StageState, str] = {
    StageState.PENDING: "#D0D7E2",
    StageState.RUNNING: "#4A90D9",
    StageState.DONE: "#2E9E6B",
    StageState.SKIPPED: "#A9D8C2",
    StageState.ATTENTION: "#D63939",
    StageState.UNKNOWN: "#8A5CD1",
}


def write_xlsx(rows: Sequence[MonthRow], file: BinaryIO) -> None:
    """A workbook in the reader's language: a sheet of rows, and one of totals with a chart by stage."""
    with Workbook(file, {"remove_timezone": True}) as book:
        _write_rows(_Sheet(book, pgettext("sheet of a workbook", "Renewals")), rows)
        _write_totals(_Sheet(book, pgettext("sheet of a workbook", "Totals")), totals(rows))


def write_csv(rows: Sequence[MonthRow], file: BinaryIO) -> None:
    """The rows as text with commas, in UTF-8 with the mark by which Excel knows it. `file` stays open."""
    columns = month_columns()
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(harmless(column.heading) for column in columns)
    for row in rows:
        writer.writerow(harmless(_as_text(column.value(row))) for column in columns)
    text.detach()


class _Sheet:
    """A worksheet with the formats that both of ours use."""

    def __init__(self, book: Workbook, name: str) -> None:
        self.book = book
        self.page: Worksheet = book.add_worksheet(name)
        self.head: Format = book.add_format(
            {"bold": True, "bg_color": "#E8EEF7", "bottom": 1, "valign": "vcenter", "text_wrap": True}
        )
        self._quoted: Format = quoting(book)
        self._day: Format = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self._moment: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})

    def write(self, line: int, place: int, value: Value) -> None:
        """One cell. Text stays text: nothing is read as a formula, a number or an address."""
        if isinstance(value, datetime):
            self.page.write_datetime(line, place, value, self._moment)
        elif isinstance(value, date):
            self.page.write_datetime(line, place, value, self._day)
        elif isinstance(value, int):
            self.page.write_number(line, place, value)
        elif value:
            self.page.write_string(line, place, value, self._quoted if begins_formula(value) else None)

    def write_head(self, headings: Sequence[str], widths: Sequence[int]) -> None:
        """The first line, which stays in view."""
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            self.page.set_column(place, place, width)
            self.page.write_string(0, place, heading, self.head)
        self.page.set_row(0, 32)


def _write_rows(sheet: _Sheet, rows: Sequence[MonthRow]) -> None:
    columns: Sequence[Column] = month_columns()
    sheet.write_head([column.heading for column in columns], [column.width for column in columns])
    for line, row in enumerate(rows, start=1):
        for place, column in enumerate(columns):
            sheet.write(line, place, column.value(row))
    sheet.page.freeze_panes(1, 2)
    sheet.page.autofilter(0, 0, len(rows), len(columns) - 1)
    sheet.page.set_landscape()
    sheet.page.repeat_rows(0)
    sheet.page.fit_to_pages(1, 0)


def _write_totals(sheet: _Sheet, counted: Totals) -> None:
    """Stages down, states across; the renewals' own states below; the chart beside."""
    sheet.write_head([_("Stage"), *map(state_words, StageState)], [16, *[12] * len(StageState)])
    for line, (name, states) in enumerate(counted.stages.items(), start=1):
        sheet.write(line, 0, str(name.label))
        for place, count in enumerate(states.values(), start=1):
            sheet.write(line, place, count)
    below = len(counted.stages) + 2
    sheet.page.write_string(below, 0, pgettext("renewal", "State"), sheet.head)
    sheet.page.write_string(below, 1, _("Renewals"), sheet.head)
    for line, (state, count) in enumerate(counted.states.items(), start=below + 1):
        sheet.write(line, 0, str(state.label))
        sheet.write(line, 1, count)
    _draw_stages(sheet)


def _draw_stages(sheet: _Sheet) -> None:
    """One bar a stage, from the table beside it: a change of its numbers changes the chart."""
    chart = sheet.book.add_chart({"type": "bar", "subtype": "stacked"})
    last, name = len(StageName), sheet.page.get_name()
    for place, state in enumerate(StageState, start=1):
        chart.add_series(
            {
                "name": [name, 0, place],
                "categories": [name, 1, 0, last, 0],
                "values": [name, 1, place, last, place],
                "fill": {"color": _COLOURS[state]},
                "gap": 60,
            }
        )
    chart.set_title({"name": _("Renewals by stage")})
    chart.set_y_axis({"reverse": True})  # the first stage on top
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 720, "height": 360})
    sheet.page.insert_chart(0, len(StageState) + 2, chart)


def _as_text(value: Value) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)
