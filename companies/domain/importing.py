"""Brings companies in from a workbook: what each row would do, and then each right row is written.

A row is written whole or not at all; a wrong one keeps nobody else's out. What a person sees of it, and
how ten thousand rows are got through, is in `imports`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.db import models
from django.utils.translation import pgettext_lazy

from agency import audit
from agency.bulk import forget_plans, insert_all
from agency.models import Agency, User
from agency.tenancy import current_scope
from companies.domain.columns import Column
from companies.domain.entries import Entry, Fault, Mistake, Value, read_entries
from companies.domain.fields import FIELDS, Record, mask
from companies.domain.naming import Remark
from companies.domain.people import Person
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
    """What one row would do. Of a new company every value is a change; of a wrong row, none.

    `joining` are contacts beside the first one whom we do not know yet. `remarks` keep no row out.
    """

    entry: Entry
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    joining: tuple[Person, ...] = ()
    remarks: tuple[Remark, ...] = ()

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
    """How many companies an import made, changed, and found as they were; how many rows were wrong."""

    new: int
    changed: int
    unchanged: int
    wrong: int = 0


def preview(file: BinaryIO, filename: str) -> Sheet:
    """What importing this file into the current agency would do, row by row. Nothing is written.

    Raises `WorkbookRefused` when it cannot be read as a table of companies. An empty cell says
    nothing: what we have stays. Four queries at most, however many rows.
    """
    table = read_table(file, filename)
    table.found.require()
    rows = judge(read_entries(table))
    return Sheet(filename, table.sha256, table.ignored, tuple(rows))


def import_companies(sheet: Sheet, *, by: User) -> Imported:
    """Write every right row, in the caller's transaction; the wrong ones are counted and left out.

    The rows are judged anew: what others wrote since the preview counts. Importing a workbook
    twice changes nothing the second time.
    """
    rows = write([row.entry for row in sheet.rows], by=by)
    totals = Counter(row.verdict for row in rows)
    imported = Imported(*(totals[verdict] for verdict in Verdict))
    record_import(sheet.filename, sheet.sha256, imported, by=by)
    return imported


def judge(entries: Sequence[Entry]) -> list[Row]:
    """What each row would do, by what the current agency has. Four queries at most."""
    known = known_to(entries)
    return [_judge(entry, known.target(entry)) for entry in entries]


def write(entries: Sequence[Entry], *, by: User) -> list[Row]:
    """Judge the rows anew and write those that are right; returns what became of each.

    In the caller's transaction, and one import at a time in an agency: two would make the same new company.
    """
    Agency.objects.select_for_update(no_key=True).get(pk=current_scope().agency)
    forget_plans()
    known = known_to(entries, lock=True)
    targets = [known.target(entry) for entry in entries]
    rows = [_judge(entry, target) for entry, target in zip(entries, targets, strict=True)]
    pairs = [pair for pair in zip(rows, targets, strict=True) if pair[0].verdict != Verdict.WRONG]
    _write(pairs)
    _let_in_again(target for _row, target in pairs)
    _record(pairs, by=by)
    return rows


def record_import(filename: str, sha256: str, imported: Imported, *, by: User) -> None:
    """In the trail: which file was brought in, and what came of it."""
    audit.record(
        "companies_imported",
        Agency(pk=current_scope().agency),
        by=by,
        file=filename,
        sha256=sha256,
        new=imported.new,
        changed=imported.changed,
        unchanged=imported.unchanged,
        wrong=imported.wrong,
    )


def _judge(entry: Entry, target: Target) -> Row:
    mistakes = entry.mistakes
    if target.is_card_of_another:
        mistakes += (Mistake(Fault.CARD_OF_ANOTHER, Column.CARD, entry.card),)
    if mistakes:
        return Row(entry, Verdict.WRONG, mistakes=mistakes, remarks=target.remarks)
    entry = _first_as_we_have_it(entry, target)
    changes = tuple(_changes(entry, target))
    joining = tuple(one for one in entry.others if not _is_known(one, target.others))
    if target.is_new:
        return Row(entry, Verdict.NEW, changes, joining=joining, remarks=target.remarks)
    verdict = Verdict.CHANGED if changes or joining else Verdict.UNCHANGED
    return Row(entry, verdict, changes, joining=joining, remarks=target.remarks)


def _changes(entry: Entry, target: Target) -> Iterator[Change]:
    """What the row would make different; of who is in charge, his name before and after."""
    for column, after in entry.values.items():
        if column != Column.OWNER and (before := target.value(column)) != after:
            yield Change(column, before, after)
    owner, colleague = target.company.owner, target.colleague
    if colleague and colleague != owner:
        yield Change(Column.OWNER, owner.name if owner else "", colleague.name)


def _first_as_we_have_it(entry: Entry, target: Target) -> Entry:
    """Of two people in a cell, the one who is our primary contact already stays that."""
    if entry.others:
        for person in entry.people:
            if _is_known(person, [target.contact]):
                return entry.beginning_with(person)
    return entry


def _is_known(person: Person, contacts: Iterable[Contact]) -> bool:
    return any(person.is_same(one.name, one.mobile, one.email) for one in contacts)


def _write(pairs: Sequence[tuple[Row, Target]]) -> None:
    """Carry the changes over to the records and save those that changed: two statements a table."""
    changed: dict[type[Record], dict[object, Record]] = {Company: {}, Contact: {}, Card: {}}
    for row, target in pairs:
        for change in row.changes:
            record, field = target.place(change.column)
            setattr(record, field, target.colleague if change.column == Column.OWNER else change.after)
            changed[type(record)][record.pk] = record
        for person in row.joining:
            joined = Contact(
                agency_id=target.company.agency_id,
                company=target.company,
                name=person.name,
                mobile=person.mobile,
                email=person.email,
                is_primary=False,
            )
            changed[Contact][joined.pk] = joined
    for model, records in changed.items():
        _save(model, records.values())


def _let_in_again(targets: Iterable[Target]) -> None:
    """A company that had asked for its data to go, and is brought in anew, is a company like others."""
    erased = [target.company.pk for target in targets if target.company.erased_at]
    if erased:
        Company.objects.filter(pk__in=erased).update(erased_at=None, kept_until=None)


def _record(pairs: Sequence[tuple[Row, Target]], *, by: User) -> None:
    """In the trail: each company that was made or changed, with what was there before and what is now."""
    for verdict, action in ((Verdict.NEW, "company_made"), (Verdict.CHANGED, "company_changed")):
        judged = (pair for pair in pairs if pair[0].verdict == verdict)
        audit.record_each(action, ((target.company, _masked(row)) for row, target in judged), by=by)


def _masked(row: Row) -> dict[str, dict[str, list[str]]]:
    """Column → before and after. Of what is about a person only as much as tells it from another."""
    changes = {
        str(one.column): [mask(one.column, one.before), mask(one.column, one.after)] for one in row.changes
    }
    if row.joining:
        joined = "、".join(mask(Column.CONTACT, person.name) for person in row.joining)
        changes["contact+"] = ["", joined]
    return {"changes": changes}


def _save(model: type[Record], records: Iterable[Record]) -> None:
    """Insert the new ones and update the others: a statement for each."""
    new: list[Record] = []
    ours: list[Record] = []
    for record in records:
        (new if record._state.adding else ours).append(record)
    insert_all(model, new)
    fields = [*FIELDS[model].values(), *(["initials"] if model is Company else [])]
    model.objects.bulk_create(
        ours,  # type: ignore[arg-type]  # records of this very model
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=fields,
    )
