"""Gets a workbook through: read, shown row by row, and written, in portions that each say how far it is.

A page makes the row and rings; a worker does the work. Rung twice, late or never, nothing is done twice and
nothing is lost: who works holds the import for a minute at a time, and whoever comes later goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from itertools import batched, islice
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from agency.bulk import insert_all
from agency.models import User
from agency.tenancy import scope
from companies import uploads
from companies.domain import importing
from companies.domain.cells import shown
from companies.domain.columns import REASON_HEADING, Column, Found, plain
from companies.domain.entries import Entry, Fault, Mistake, Value, read_entries
from companies.domain.importing import Change, Imported, Row, Verdict
from companies.domain.naming import Doubt, Remark
from companies.domain.people import Person
from companies.domain.refusals import WorkbookGone, WorkbookNotUnderstood, WorkbookRefused, stored
from companies.domain.workbook import Cell, Table, read_table
from companies.models import IMPORT_HELD, Import, ImportRow, ImportState

log = structlog.get_logger()

PORTION = 500
SAMPLES = 3
# Workbooks that a person said the columns of, and which are looked at for the same headings.
REMEMBERED = 20
NOTHING_TO_WRITE = (Verdict.UNCHANGED, Verdict.WRONG)
WORKED_ON = (ImportState.READING, ImportState.WRITING)
# A worker that is deployed anew or runs out of memory takes up an import twice; nobody does so often.
TRIES_AT_MOST = 8
# After so many each row is written by itself, so that one that ends its worker takes no others along.
TRIES_TOGETHER = 2
DAYS = (Column.VALID_UNTIL, Column.OLD_POLICY_ENDS)


class GivenUp(RuntimeError):
    """Another worker has gone on with this import: nothing of this one counts any more."""


# --- What people do ---------------------------------------------------------------------------


def begin(filename: str, file: UUID, *, by: User) -> Import:
    """A workbook was sent: a worker shall read it."""
    return Import.objects.create(filename=filename[:200], file=file, made_by=by)


def choose_columns(workbook: Import, chosen: dict[Column, int], *, skips_hidden: bool) -> bool:
    """What stands where, by a person's word; it is read anew. False where it is being written already."""
    kept = {str(column): place for column, place in chosen.items()}
    return _read_again(workbook, chosen=kept, skips_hidden=skips_hidden)


def choose_sheet(workbook: Import, sheet: str) -> bool:
    """Another sheet of the same file; its columns are found anew."""
    return _read_again(workbook, chosen=None, sheet=sheet)


def confirm(workbook: Import) -> bool:
    """Write the right rows. False where the workbook is not ready, or somebody confirmed it already."""
    ready = Import.objects.filter(pk=workbook.pk, state=ImportState.READY)
    if not ready.update(state=ImportState.WRITING, done=0, tries=0, total=to_write(workbook).count()):
        return False
    workbook.rows.filter(verdict__in=NOTHING_TO_WRITE).update(outcome=F("verdict"))
    return True


def _read_again(workbook: Import, **changed: Any) -> bool:
    asked = (ImportState.COLUMNS, ImportState.READY, ImportState.REFUSED)
    found = Import.objects.filter(pk=workbook.pk, state__in=asked)
    return (
        found.update(
            state=ImportState.READING, done=0, total=0, tries=0, refusal=None, held_until=None, **changed
        )
        == 1
    )


def to_write(workbook: Import) -> QuerySet[ImportRow]:
    """The rows that would change something and are not written yet."""
    return workbook.rows.filter(outcome="").exclude(verdict__in=NOTHING_TO_WRITE)


def totals(workbook: Import) -> Counter[Verdict]:
    """How many rows there are of each verdict; once written, of each outcome. One query."""
    field = "outcome" if workbook.state == ImportState.DONE else "verdict"
    counted = workbook.rows.order_by().values_list(field).annotate(Count("pk"))
    return Counter({Verdict(code): number for code, number in counted if code})


# --- What a worker does -----------------------------------------------------------------------


def work(agency: UUID, ident: UUID) -> None:
    """Go on with this import, as far as it goes without a person. Outside of any scope.

    Where another worker holds it, nothing happens.
    """
    with scope(agency):
        workbook = _take(ident)
    if workbook is None:
        return
    with suppress(GivenUp):
        if workbook.tries > TRIES_AT_MOST:
            _give_up(workbook)
        elif workbook.state == ImportState.READING:
            _read_or_refuse(workbook)
        else:
            _write(workbook)


def left_behind() -> list[UUID]:
    """The current agency's imports that a worker should hold and none does."""
    free = Q(held_until__isnull=True) | Q(held_until__lt=Now())
    return list(Import.objects.filter(free, state__in=WORKED_ON).values_list("pk", flat=True))


def _take(ident: UUID) -> Import | None:
    free = Q(held_until__isnull=True) | Q(held_until__lt=Now())
    mine = Import.objects.filter(free, pk=ident, state__in=WORKED_ON)
    if not mine.update(epoch=F("epoch") + 1, tries=F("tries") + 1, held_until=Now() + IMPORT_HELD):
        return None
    return Import.objects.select_related("made_by").get(pk=ident)


def _hold(workbook: Import, **values: Any) -> None:
    """Write down how far it is, and hold it for longer. Raises `GivenUp`."""
    mine = Import.objects.filter(pk=workbook.pk, epoch=workbook.epoch, state=workbook.state)
    if not mine.update(**{"held_until": Now() + IMPORT_HELD} | values):
        raise GivenUp(workbook.pk)


def _end(workbook: Import, state: ImportState, **values: Any) -> None:
    """This part of the work is over: the import is nobody's until a person acts. Raises `GivenUp`."""
    _hold(workbook, state=state, held_until=None, **values)


_NOT_ABOUT_THE_FILE = (GivenUp, OperationalError, InterfaceError)


def _read_or_refuse(workbook: Import) -> None:
    """Whatever in a file nobody foresaw ends its import in words: read again it would fail again."""
    try:
        _read(workbook)
    except _NOT_ABOUT_THE_FILE:
        raise
    except Exception as error:
        # Its text might hold what stands in the file.
        log.error("workbook_not_read", workbook=str(workbook.pk), error=type(error).__name__)
        with scope(workbook.agency_id):
            _end(workbook, ImportState.REFUSED, refusal=stored(WorkbookNotUnderstood()))


def _read(workbook: Import) -> None:
    agency = workbook.agency_id
    try:
        table = _table(workbook)
    except WorkbookRefused as refusal:
        with scope(agency):
            _end(workbook, ImportState.REFUSED, refusal=stored(refusal))
        return
    with scope(agency):
        workbook.rows.all().delete()  # of an earlier reading
        table = _as_remembered(workbook, table)
        _hold(workbook, **_about(table))
        if table.found.missing or table.found.twice:
            _end(workbook, ImportState.COLUMNS)
            return
    if workbook.skips_hidden:
        table = replace(table, lines=[line for line in table.lines if line[0] not in table.hidden])
    lines = dict(table.lines)
    done = 0
    for portion in batched(read_entries(table), PORTION):
        with scope(agency):
            rows = importing.judge(portion)
            kept = [
                _as_row(workbook, row, lines[row.number], is_hidden=row.number in table.hidden)
                for row in rows
            ]
            insert_all(ImportRow, kept)
            done += len(portion)
            _hold(workbook, done=done)
    with scope(agency):
        _end(workbook, ImportState.READY, total=done)


def _write(workbook: Import) -> None:
    portion = PORTION if workbook.tries <= TRIES_TOGETHER else 1
    while True:
        with scope(workbook.agency_id):
            rows = list(to_write(workbook).order_by("number")[:portion])
            if not rows:
                _finish(workbook)
                break
        _write_or_leave_out(workbook, rows)
    with scope(workbook.agency_id):  # only now: whoever dies before leaves it for a day
        uploads.forget(workbook.file, of=workbook.made_by_id)


def _write_or_leave_out(workbook: Import, rows: list[ImportRow]) -> None:
    """Whatever in a row nobody foresaw keeps that row out and no other: again it would fail again."""
    try:
        with scope(workbook.agency_id):
            written = importing.write([_entry(row) for row in rows], by=workbook.made_by)
            _keep_outcomes(rows, written)
            _hold(workbook, done=F("done") + len(rows))
    except _NOT_ABOUT_THE_FILE:
        raise
    except Exception as error:
        # Its text might hold what stands in the file.
        log.error("rows_not_written", workbook=str(workbook.pk), rows=len(rows), error=type(error).__name__)
        if len(rows) == 1:
            with scope(workbook.agency_id):
                _leave_out(rows[0])
                _hold(workbook, done=F("done") + 1)
        else:
            for row in rows:
                _write_or_leave_out(workbook, [row])


def _leave_out(row: ImportRow) -> None:
    """The row is over, and comes back with the wrong ones."""
    ImportRow.objects.filter(pk=row.pk).update(
        outcome=Verdict.WRONG, mistakes=[*row.mistakes, [str(Fault.NOT_WRITTEN), str(Column.NAME), "", None]]
    )


def _give_up(workbook: Import) -> None:
    """It ended every worker that took it up. What is written stays; the other rows are given back."""
    log.error("import_given_up", workbook=str(workbook.pk), state=workbook.state)
    with scope(workbook.agency_id):
        if workbook.state == ImportState.READING:
            _end(workbook, ImportState.REFUSED, refusal=stored(WorkbookNotUnderstood()))
            return
        for row in to_write(workbook):
            _leave_out(row)
        _finish(workbook)


def _keep_outcomes(rows: list[ImportRow], written: list[Row]) -> None:
    """Most rows became what they were to become: one statement. The few others are written one by one."""
    as_told = {
        row.pk
        for row, one in zip(rows, written, strict=True)
        if (one.verdict, _remarks(one)) == (row.verdict, row.remarks)
    }
    ImportRow.objects.filter(pk__in=as_told).update(outcome=F("verdict"))
    for row, one in zip(rows, written, strict=True):
        if row.pk not in as_told:
            ImportRow.objects.filter(pk=row.pk).update(
                outcome=one.verdict, mistakes=_mistakes(one), remarks=_remarks(one)
            )


def _finish(workbook: Import) -> None:
    """Every right row is written."""
    _end(workbook, ImportState.DONE)
    found = totals(Import.objects.get(pk=workbook.pk))
    imported = Imported(*(found[verdict] for verdict in Verdict))
    importing.record_import(workbook.filename, workbook.sha256, imported, by=workbook.made_by)


def _table(workbook: Import) -> Table:
    """Raises `WorkbookRefused`. The file is taken apart outside of any transaction."""
    chosen = None if workbook.chosen is None else _columns(workbook.chosen)
    with scope(workbook.agency_id):
        try:
            with uploads.kept(workbook.file, of=workbook.made_by_id) as file:
                content = BytesIO(file.read())
        except FileNotFoundError:
            raise WorkbookGone from None
    return read_table(content, workbook.filename, sheet=workbook.sheet, chosen=chosen)


def _as_remembered(workbook: Import, table: Table) -> Table:
    """With what a person said lately of headings like these, where they do not say enough themselves."""
    if workbook.chosen is not None or not (table.found.missing or table.found.twice):
        return table
    earlier = Import.objects.filter(chosen__isnull=False).exclude(pk=workbook.pk)
    headings = tuple(plain(text) for text in table.headings)
    for one in earlier.order_by("-made_at")[:REMEMBERED]:
        if tuple(plain(heading["text"]) for heading in one.headings) == headings:
            return replace(table, found=Found(_columns(one.chosen or {}), ()))
    return table


def _columns(kept: dict[str, int]) -> dict[Column, int]:
    return {Column(column): place for column, place in kept.items()}


def _about(table: Table) -> dict[str, Any]:
    columns = {place: str(column) for column, place in table.found.columns.items()}
    return {
        "sha256": table.sha256,
        "sheet": table.sheet[:40],
        "sheets": [name[:40] for name in table.sheets],
        "hidden": sum(number in table.hidden for number, _cells in table.lines),
        "total": len(table.lines),
        "headings": [
            {"text": text, "samples": _samples(table, place), "column": columns.get(place, "")}
            for place, text in enumerate(table.headings)
        ],
    }


def _samples(table: Table, place: int) -> list[str]:
    """The first few things that stand in a column, for a person to recognise it by."""
    found = (cells[place] for _number, cells in table.lines if place < len(cells))
    texts = (text for cell in found if (text := shown(cell)))
    return list(dict.fromkeys(text[:24] for text in islice(texts, 20)))[:SAMPLES]


# --- Rows as they are kept --------------------------------------------------------------------


def _as_row(workbook: Import, row: Row, line: list[Cell], *, is_hidden: bool) -> ImportRow:
    return ImportRow(
        agency_id=workbook.agency_id,
        workbook=workbook,
        number=row.number,
        name=str(row.entry.values.get(Column.NAME, ""))[:200],
        uscc=row.entry.uscc,
        is_hidden=is_hidden,
        cells=[shown(cell) for cell in line] if row.mistakes else [],
        entry={
            "values": {str(column): _plain(value) for column, value in row.entry.values.items()},
            "others": [[one.name, one.mobile, one.email] for one in row.entry.others],
        },
        verdict=row.verdict,
        changes=[[str(one.column), _plain(one.before), _plain(one.after)] for one in row.changes],
        joining=[[one.name, one.mobile, one.email] for one in row.joining],
        mistakes=_mistakes(row),
        remarks=_remarks(row),
    )


def _entry(row: ImportRow) -> Entry:
    """What the row says, as it was read. Its mistakes are found again where it is judged."""
    values: dict[Column, Value] = {}
    for code, value in row.entry["values"].items():
        column = Column(code)
        values[column] = date.fromisoformat(value) if column in DAYS else value
    return Entry(row.number, values, (), tuple(Person(*one) for one in row.entry["others"]))


def _mistakes(row: Row) -> list[list[Any]]:
    return [[str(one.fault), str(one.column), one.value, one.row] for one in row.mistakes]


def _remarks(row: Row) -> list[list[str]]:
    return [[str(one.doubt), one.value] for one in row.remarks]


def with_remarks(workbook: Import) -> QuerySet[ImportRow]:
    """The rows of which there is something to know although they are taken."""
    return workbook.rows.exclude(remarks=[])


def remarks_of(row: ImportRow) -> list[Remark]:
    """What to know of the row; each is a sentence in the reader's language."""
    return [Remark(Doubt(doubt), value) for doubt, value in row.remarks]


def mistakes_of(row: ImportRow) -> list[Mistake]:
    """What is wrong with the row; each is a sentence in the reader's language."""
    return [
        Mistake(Fault(fault), Column(column), value, number) for fault, column, value, number in row.mistakes
    ]


def changes_of(row: ImportRow) -> list[Change]:
    """What would be different, or was made different."""
    return [Change(Column(column), before, after) for column, before, after in row.changes]


def _plain(value: Value | None) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def wrong_rows(workbook: Import) -> tuple[list[str], Iterator[list[str]]]:
    """The wrong rows as they stood in the file, with the reason before each: headings, and rows."""
    headings = [heading["text"] for heading in workbook.headings]
    wrong = workbook.rows.filter(Q(verdict=Verdict.WRONG) | Q(outcome=Verdict.WRONG)).order_by("number")
    return [REASON_HEADING, *headings], (_given_back(row, workbook.headings) for row in wrong.iterator())


def _given_back(row: ImportRow, headings: list[dict[str, Any]]) -> list[str]:
    """With its cells as they stood in the file; where it had looked right, with what was read from them."""
    why = " ".join(str(mistake) for mistake in mistakes_of(row))
    read = row.entry.get("values", {})
    cells = row.cells or [str(read.get(heading["column"]) or "") for heading in headings]
    return [why, *(cells + [""] * len(headings))[: len(headings)]]


def forget_old() -> int:
    """Take away files and rows of imports that are older than a day: they hold people's data twice.

    What was imported from which file, and how many rows, stays in the audit trail. Returns how many imports.
    """
    old = Import.objects.filter(made_at__lt=Now() - timedelta(seconds=uploads.KEPT_S))
    forgotten = old.exclude(state__in=WORKED_ON)
    for file, person in forgotten.values_list("file", "made_by"):
        uploads.forget(file, of=person)
    return forgotten.delete()[1].get("companies.Import", 0)
