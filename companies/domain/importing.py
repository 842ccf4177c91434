"""Brings a workbook of companies in: a preview says what each row would do, then all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.db import models
from django.utils.translation import pgettext_lazy

from agency import audit
from agency.models import Agency, User
from agency.tenancy import current_scope
from companies.domain.columns import Column
from companies.domain.entries import Entry, Fault, Mistake, Value, read_entries
from companies.domain.fields import FIELDS, Record, mask
from companies.domain.refusals import RowsWrong
from companies.domain.targets import Target, known_to
from companies.domain.workbook import read_table
from companies.models import Card, Company, Contact


class Verdict(models.TextChoices):
    """What importing a row would do."""

    NEW = "new", pgettext_lazy("row of a workbook", "New")
    CHANGED = "changed", pgettext_lazy("row of a workbook", "Changed")
    UNCHANGED = "unchanged", pgettext_lazy("row of a workbook", "Unchanged")
    WRONG = "wrong", pgettext_lazy("row of a workbook", "Wrong")


@dataclass(frozen=True)
class Change:
    """One value that would become another; `before` is None or empty where there was none."""

    column: Column
    before: Value | None
    after: Value


@dataclass(frozen=True)
class Row:
    """What one row would do. Of a new company every value is a change; of a wrong row, none."""

    entry: Entry
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def number(self) -> int:
        """The number beside the row in the person's own program."""
        return self.entry.number


@dataclass(frozen=True)
class Sheet:
    """A workbook that was read. The columns under `ignored` headings are not used."""

    filename: str
    sha256: str
    ignored: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def totals(self) -> Counter[Verdict]:
        """How many rows there are of each verdict."""
        return Counter(row.verdict for row in self.rows)


@dataclass(frozen=True)
class Imported:
    """How many companies an import made, changed, and found as they were."""

    new: int
    changed: int
    unchanged: int


def preview(file: BinaryIO, filename: str) -> Sheet:
    """What importing this file into the current agency would do, row by row. Nothing is written.

    Raises `WorkbookRefused` when it cannot be read as a table of companies. An empty cell says
    nothing: what we have stays. Three queries, however many rows.
    """
    table = read_table(file, filename)
    entries = read_entries(table)
    known = known_to(entries)
    rows = tuple(_judge(entry, known.target(entry)) for entry in entries)
    return Sheet(filename, table.sha256, table.ignored, rows)


def import_companies(sheet: Sheet, *, by: User) -> Imported:
    """Write every row, in the caller's transaction; nothing, and `RowsWrong`, when any row is wrong.

    The rows are judged anew: what others wrote since the preview counts. Importing a workbook
    twice changes nothing the second time.
    """
    # One import at a time in an agency: two would make the same new company.
    agency = Agency.objects.select_for_update(no_key=True).get(pk=current_scope().agency)
    entries = [row.entry for row in sheet.rows]
    known = known_to(entries, lock=True)
    targets = [known.target(entry) for entry in entries]
    rows = [_judge(entry, target) for entry, target in zip(entries, targets, strict=True)]
    totals = Counter(row.verdict for row in rows)
    if totals[Verdict.WRONG]:
        raise RowsWrong(totals[Verdict.WRONG])
    _write(rows, targets)
    _let_in_again(targets)
    _record(rows, targets, by=by)
    imported = Imported(totals[Verdict.NEW], totals[Verdict.CHANGED], totals[Verdict.UNCHANGED])
    audit.record(
        "companies_imported",
        agency,
        by=by,
        file=sheet.filename,
        sha256=sheet.sha256,
        new=imported.new,
        changed=imported.changed,
        unchanged=imported.unchanged,
    )
    return imported


def _judge(entry: Entry, target: Target) -> Row:
    mistakes = entry.mistakes
    if target.is_card_of_another:
        mistakes += (Mistake(Fault.CARD_OF_ANOTHER, Column.CARD, entry.card),)
    if mistakes:
        return Row(entry, Verdict.WRONG, mistakes=mistakes)
    changes = tuple(
        Change(column, before, after)
        for column, after in entry.values.items()
        if (before := target.value(column)) != after
    )
    if target.is_new:
        return Row(entry, Verdict.NEW, changes)
    return Row(entry, Verdict.CHANGED if changes else Verdict.UNCHANGED, changes)


def _write(rows: Sequence[Row], targets: Sequence[Target]) -> None:
    """Carry the changes over to the records and save those that changed: one statement a table."""
    changed: dict[type[Record], dict[object, Record]] = {Company: {}, Contact: {}, Card: {}}
    for row, target in zip(rows, targets, strict=True):
        for change in row.changes:
            record, field = target.place(change.column)
            setattr(record, field, change.after)
            changed[type(record)][record.pk] = record
    for model, records in changed.items():
        _save(model, records.values())


def _let_in_again(targets: Sequence[Target]) -> None:
    """A company that had asked for its data to go, and is brought in anew, is a company like others."""
    erased = [target.company.pk for target in targets if target.company.erased_at]
    if erased:
        Company.objects.filter(pk__in=erased).update(erased_at=None, kept_until=None)


def _record(rows: Sequence[Row], targets: Sequence[Target], *, by: User) -> None:
    """In the trail: each company that was made or changed, with what was there before and what is now."""
    for verdict, action in ((Verdict.NEW, "company_made"), (Verdict.CHANGED, "company_changed")):
        judged = (pair for pair in zip(rows, targets, strict=True) if pair[0].verdict == verdict)
        audit.record_each(action, ((target.company, _masked(row.changes)) for row, target in judged), by=by)


def _masked(changes: Iterable[Change]) -> dict[str, dict[str, list[str]]]:
    """Column → before and after. Of what is about a person only as much as tells it from another."""
    return {
        "changes": {
            one.column: [mask(one.column, one.before), mask(one.column, one.after)] for one in changes
        }
    }


def _save(model: type[Record], records: Iterable[Record]) -> None:
    """Insert the new ones and update the others, in one statement."""
    model.objects.bulk_create(
        records,  # type: ignore[arg-type]  # records of this very model
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=list(FIELDS[model].values()),
    )
