"""One row of a workbook as we read it: what it says of a company, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from companies.domain import cells
from companies.domain.columns import REQUIRED, Column
from companies.domain.fields import LONGEST
from companies.domain.people import COLUMNS as OF_PEOPLE
from companies.domain.people import CellUnreadable, Person, read_people
from companies.domain.workbook import Cell, Table

type Value = str | date | bool


class Fault(StrEnum):
    """One kind of mistake in a row."""

    VALUE_MISSING = "value_missing"
    USCC_WRONG = "uscc_wrong"
    EMAIL_WRONG = "email_wrong"
    MOBILE_WRONG = "mobile_wrong"
    DATE_WRONG = "date_wrong"
    ANSWER_WRONG = "answer_wrong"
    ROUNDED = "rounded"
    TOO_LONG = "too_long"
    COMPANY_TWICE = "company_twice"
    CARD_TWICE = "card_twice"
    CARD_NUMBER_MISSING = "card_number_missing"
    CARD_OF_ANOTHER = "card_of_another"
    NOT_WRITTEN = "not_written"


_WORDS: dict[Fault, Promise] = {
    Fault.VALUE_MISSING: _("%(column)s is empty."),
    Fault.USCC_WRONG: _("%(value)s is not a unified social credit code: check its 18 characters."),
    Fault.EMAIL_WRONG: _("%(value)s is not an e-mail address."),
    Fault.MOBILE_WRONG: _("%(value)s is not a telephone number."),
    Fault.DATE_WRONG: _("%(column)s: %(value)s is not a date. Write it like 2027-03-01."),
    Fault.ANSWER_WRONG: _("%(column)s: %(value)s is neither 是 nor 否."),
    Fault.ROUNDED: _(
        "%(column)s: the workbook stores %(value)s as a number, and its last digits are lost. "
        "Format the column as text and enter it again."
    ),
    Fault.TOO_LONG: _("%(column)s: %(value)s is too long."),
    Fault.COMPANY_TWICE: _("%(value)s stands in row %(row)s already."),
    Fault.CARD_TWICE: _("The card %(value)s stands in row %(row)s already."),
    Fault.CARD_NUMBER_MISSING: _("There are details of a card and no card number."),
    Fault.CARD_OF_ANOTHER: _("The card %(value)s is another company's."),
    Fault.NOT_WRITTEN: _("This row could not be written. Type its cells anew, then import it once more."),
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a row. `str()` is a sentence in the reader's language."""

    fault: Fault
    column: Column
    value: str = ""
    row: int | None = None  # where the same stands already

    def __str__(self) -> str:
        return str(_WORDS[self.fault]) % {
            "column": self.column.heading,
            "value": self.value,
            "row": self.row,
        }


@dataclass(frozen=True)
class Entry:
    """A row: its number in the workbook, what was read (empty cells are left out), what could not be.

    `values` speak of the first contact; `others` are those that the row names beside it.
    """

    number: int
    values: dict[Column, Value]
    mistakes: tuple[Mistake, ...]
    others: tuple[Person, ...] = ()

    @property
    def uscc(self) -> str:
        return str(self.values.get(Column.USCC, ""))

    @property
    def card(self) -> str:
        return str(self.values.get(Column.CARD, ""))

    @property
    def owner(self) -> str:
        """Who is in charge, in the row's own words."""
        return str(self.values.get(Column.OWNER, ""))

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody whom the row names, in its order."""
        first = Person(**{field: str(self.values.get(column, "")) for column, field in _PERSON.items()})
        return (first, *self.others) if first != Person() else self.others

    def beginning_with(self, person: Person) -> Entry:
        """The same row with another of its people as the first one."""
        rest = tuple(one for one in self.people if one != person)
        values = {column: value for column, value in self.values.items() if column not in OF_PEOPLE}
        return replace(self, values=values | _of_person(person), others=rest)


_PERSON = {Column.CONTACT: "name", Column.MOBILE: "mobile", Column.EMAIL: "email"}


def _of_person(person: Person) -> dict[Column, Value]:
    return {column: said for column, field in _PERSON.items() if (said := getattr(person, field))}


def _uscc(cell: Cell) -> str:
    number = cells.code(cell).upper()
    if not uscc.is_valid(number):
        raise cells.Unreadable
    return number


# How each column is read, and what it means when it cannot be.
_READERS: dict[Column, tuple[Callable[[Cell], Value], Fault]] = {
    Column.USCC: (_uscc, Fault.USCC_WRONG),
    Column.VALID_UNTIL: (cells.day, Fault.DATE_WRONG),
    Column.OLD_POLICY_ENDS: (cells.day, Fault.DATE_WRONG),
    Column.AUTHORIZED_BEFORE: (cells.yes_or_no, Fault.ANSWER_WRONG),
    Column.OWNER: (cells.shown, Fault.ROUNDED),  # whatever it says, it keeps no row out
    Column.CARD: (cells.code, Fault.ROUNDED),
    Column.CERTIFICATE: (cells.code, Fault.ROUNDED),
}
_AS_TEXT = (cells.text, Fault.ROUNDED)
_PEOPLE_FAULTS = {Column.MOBILE: Fault.MOBILE_WRONG, Column.EMAIL: Fault.EMAIL_WRONG}
CARD_DETAILS = (Column.CERTIFICATE, Column.HOLDER, Column.VALID_UNTIL, Column.DRAWER)


def read_entries(table: Table) -> list[Entry]:
    """Every row of the table, with the mistakes that the file alone shows."""
    seen_companies: dict[str, int] = {}
    seen_cards: dict[str, int] = {}
    entries = []
    for number, line in table.lines:
        entry = _read(number, line, table.found.columns)
        mistakes = [*entry.mistakes, *_gaps(entry), *_repeats(entry, seen_companies, seen_cards)]
        entries.append(replace(entry, mistakes=tuple(mistakes)))
    return entries


def _read(number: int, line: list[Cell], columns: dict[Column, int]) -> Entry:
    row = {
        column: cell
        for column, place in columns.items()
        if place < len(line) and cells.shown(cell := line[place])
    }
    values: dict[Column, Value] = {}
    mistakes = []
    for column in (column for column in row if column not in OF_PEOPLE):
        read, fault = _READERS.get(column, _AS_TEXT)
        try:
            values[column] = read(row[column])
        except cells.Rounded:
            mistakes.append(Mistake(Fault.ROUNDED, column, cells.shown(row[column])))
        except cells.Unreadable:
            mistakes.append(Mistake(fault, column, cells.shown(row[column])))
    people: list[Person] = []
    try:
        people = read_people(row)
    except CellUnreadable as one:
        fault = Fault.ROUNDED if one.rounded else _PEOPLE_FAULTS[one.column]
        mistakes.append(Mistake(fault, one.column, cells.shown(one.cell)))
    values |= _of_person(people[0]) if people else {}
    mistakes += _too_long(values)
    return Entry(number, values, tuple(mistakes), tuple(people[1:]))


def _too_long(values: dict[Column, Value]) -> Iterator[Mistake]:
    for column, value in values.items():
        if isinstance(value, str) and len(value) > LONGEST.get(column, len(value)):
            yield Mistake(Fault.TOO_LONG, column, f"{value[:20]}…")


def _gaps(entry: Entry) -> Iterator[Mistake]:
    """What must be there and is not. A cell that could not be read has its mistake already."""
    unread = {mistake.column for mistake in entry.mistakes}
    for column in REQUIRED:
        if column not in entry.values and column not in unread:
            yield Mistake(Fault.VALUE_MISSING, column)
    if not entry.card and Column.CARD not in unread and any(c in entry.values for c in CARD_DETAILS):
        yield Mistake(Fault.CARD_NUMBER_MISSING, Column.CARD)


def _repeats(entry: Entry, companies: dict[str, int], cards: dict[str, int]) -> Iterator[Mistake]:
    """What an earlier row said; `companies` and `cards` remember the rows."""
    if entry.uscc and (row := companies.setdefault(entry.uscc, entry.number)) != entry.number:
        yield Mistake(Fault.COMPANY_TWICE, Column.USCC, entry.uscc, row)
    if entry.card and (row := cards.setdefault(entry.card, entry.number)) != entry.number:
        yield Mistake(Fault.CARD_TWICE, Column.CARD, entry.card, row)
