"""The lists 投保申请 (12) and 保险单 (13): one entry a policy year, and whether the list is all there.

A list is a table, a grid of boxes that only looks like one, or a pile of cards with labelled values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from portal_driver.finding import Cell, Leaf, Rect, Region, Row, View
from portal_driver.pages import Screen
from portal_driver.profile import ListWords, Profile, Words
from portal_driver.words import core, normalise, says, value_after, years_in

# A table that is worth the name; an entry has a number, a state and something more.
_LEAST_CELLS = 3


@dataclass(frozen=True)
class Listed:
    """One entry of a list, this year's: its number, the portal's word for its state, and the rest."""

    number: str
    state: str
    reason: str
    period: str
    region: Region


@dataclass(frozen=True)
class Listing:
    """What a list says of one policy year. Only a complete list can say that there is nothing."""

    view: View
    this_year: Listed | None
    is_complete: bool
    unclear: str = ""
    """An entry whose policy year cannot be told."""


@dataclass(frozen=True)
class _Entry:
    """One entry as it stands: what is behind a label or under a heading, and all of its text."""

    fields: Sequence[tuple[str, str]]
    text: str
    region: Region

    def says(self, words: Words) -> str:
        """The value under the first such heading, or nothing."""
        return next((value for label, value in self.fields if says(label, words)), "")

    def years(self, words: ListWords) -> set[int]:
        """The policy years that the entry may be of: one where it says so or names its insurance period.

        Of a date alone the year is not sure: in its second half people apply for the next one.
        """
        said = {int(year) for year in re.findall(r"20\d\d", self.says(words.year))} or years_in(self.text)
        begins = _first_month(self.says(words.period))
        if said or begins:
            return said or {year for year, _ in begins}
        return {later for year, month in _first_month(self.text) for later in (year, year + (month > 6))}


class ListPage(Screen):
    """A list with one entry a policy year; 12 and 13 say which heading the number stands under."""

    @classmethod
    def number_words(cls, words: ListWords) -> Words:
        """The heading or label of the number."""
        raise NotImplementedError

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return _entries(view, cls.number_words(profile.lists), profile) is not None

    @classmethod
    def listing(cls, view: View, profile: Profile, year: int) -> Listing | None:
        """What the list says of the year, or None where the view shows another page."""
        words = profile.lists
        entries = _entries(view, cls.number_words(words), profile)
        if entries is None:
            return None
        numbered = [entry for entry in entries if _is_number(entry.says(cls.number_words(words)))]
        this_year = [entry for entry in numbered if year in entry.years(words)]
        total = _total(view.text, words.total)
        said_empty = not numbered and bool(view.mentions(words.nothing))
        is_whole = len(numbered) == total if total is not None else bool(numbered) or said_empty
        unclear = [entry.text for entry in numbered if len(entry.years(words)) != 1]
        listed = cls._listed(this_year[0], words) if this_year else None
        is_complete = view.ready and is_whole and len(this_year) <= 1 and not unclear
        return Listing(view, listed, is_complete, next(iter(unclear), ""))

    @classmethod
    def _listed(cls, entry: _Entry, words: ListWords) -> Listed:
        return Listed(
            number=entry.says(cls.number_words(words)),
            state=entry.says(words.state),
            reason=entry.says(words.reason),
            period=entry.says(words.period),
            region=entry.region,
        )


class ApplicationsPage(ListPage):
    """12: 投保申请, the proof that an application exists."""

    name = "applications"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.menu.applications

    @classmethod
    def number_words(cls, words: ListWords) -> Words:
        return words.application_number


class PoliciesPage(ListPage):
    """13: 保险单, the policies that the insurer has issued."""

    name = "policies"

    @staticmethod
    def is_acknowledged(view: View, profile: Profile, number: str) -> bool:
        """Whether the policy with this number reads 已收悉, in the list or on a page or dialog of its own."""
        words = profile.lists
        tables = (*_tables(view, words.policy_number), *_grids(view, words.policy_number))
        entries = [*chain.from_iterable(tables), *_of_cards(view, words.policy_number)]
        its_own = [
            entry for entry in entries if normalise(entry.says(words.policy_number)) == normalise(number)
        ]
        return any(says(entry.says(words.state), words.acknowledged) for entry in its_own)

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.menu.policies

    @classmethod
    def number_words(cls, words: ListWords) -> Words:
        return words.policy_number


def _entries(view: View, number: Words, profile: Profile) -> list[_Entry] | None:
    """The entries of the list in the view, or None where it shows no such list."""
    for tables in (_tables(view, number), _grids(view, number)):
        if tables:
            # A form to search the list has the same words above it, and nothing below them.
            return max(tables, key=lambda entries: sum(_is_number(entry.says(number)) for entry in entries))
    # A page that tells of the one application just made is no list, though it looks like a card.
    if view.mentions(profile.authorizing.finished):
        return None
    return _of_cards(view, number) or None


def _is_number(text: str) -> bool:
    return bool(re.search(r"\d{4}", text))


# --- a table ------------------------------------------------------------------------------------------


def _tables(view: View, number: Words) -> list[list[_Entry]]:
    headings = [row for row in view.rows if _is_heading(row, number)]
    return [
        [_of_row(row, heading) for row in view.rows if _is_below(row, heading)]
        for heading in reversed(headings)
    ]


def _is_heading(row: Row, number: Words) -> bool:
    return len(row.cells) >= _LEAST_CELLS and any(says(cell.text, number) for cell in row.cells)


def _is_below(row: Row, heading: Row) -> bool:
    same_frame = row.document.frame is heading.document.frame
    return same_frame and row.rect.top >= heading.rect.bottom - 1 and len(row.cells) >= _LEAST_CELLS


def _of_row(row: Row, heading: Row) -> _Entry:
    fields = [(head.text, _under(head, row.cells)) for head in heading.cells]
    return _Entry(fields, "\t".join(cell.text for cell in row.cells), Region(row.document, row.rect))


def _under(head: Cell | Leaf, cells: Sequence[Cell | Leaf]) -> str:
    """The text of the cell that shares most of the heading's column."""
    best = max(cells, key=lambda cell: head.rect.shares_column(cell.rect))
    return best.text if head.rect.shares_column(best.rect) > 0 else ""


# --- a grid of boxes that only looks like a table -------------------------------------------------------


def _grids(view: View, number: Words) -> list[list[_Entry]]:
    headings = [leaf for leaf in view.leaves if says(leaf.text, number)]
    lines = [(leaf, _level_with(leaf, view)) for leaf in reversed(headings)]
    return [
        [_of_line(below, line) for below in _lines_below(leaf, view)]
        for leaf, line in lines
        if len(line) >= _LEAST_CELLS and not _has_value(leaf, line)
    ]


def _has_value(label: Leaf, line: list[Leaf]) -> bool:
    """Whether the words are the label of a value beside them rather than the heading of a column."""
    behind = [leaf for leaf in line if leaf.rect.left > label.rect.left]
    return bool(behind) and _is_number(behind[0].text)


def _level_with(one: Leaf, view: View) -> list[Leaf]:
    return [leaf for leaf in view.leaves if _same_frame(leaf, one) and leaf.rect.is_level_with(one.rect)]


def _lines_below(heading: Leaf, view: View) -> Iterator[list[Leaf]]:
    for leaf in view.leaves:
        is_number = heading.rect.shares_column(leaf.rect) > 0 and _is_number(leaf.text)
        if _same_frame(leaf, heading) and leaf.rect.top >= heading.rect.bottom - 1 and is_number:
            line = _level_with(leaf, view)
            if len(line) >= _LEAST_CELLS:
                yield line


def _of_line(line: list[Leaf], heading: list[Leaf]) -> _Entry:
    fields = [(head.text, _under(head, line)) for head in heading]
    band = Rect(
        min(leaf.rect.left for leaf in line),
        min(leaf.rect.top for leaf in line),
        max(leaf.rect.right for leaf in line),
        max(leaf.rect.bottom for leaf in line),
    )
    return _Entry(fields, "\t".join(leaf.text for leaf in line), Region(line[0].document, band))


def _same_frame(one: Leaf, other: Leaf) -> bool:
    return one.document.frame is other.document.frame


# --- cards ----------------------------------------------------------------------------------------------


def _of_cards(view: View, number: Words) -> list[_Entry]:
    """Each number's label begins a card, which reaches to the next one's."""
    starts = [place for place, leaf in enumerate(view.leaves) if _labels_number(view.leaves, place, number)]
    return [_of_card(view.leaves[start:end]) for start, end in pairwise([*starts, len(view.leaves)])]


def _labels_number(leaves: Sequence[Leaf], place: int, number: Words) -> bool:
    behind = value_after("\n".join(leaf.text for leaf in leaves[place : place + 2]), number)
    starts_here = any(core(leaves[place].text).startswith(core(word)) for word in number)
    return starts_here and _is_number(behind)


def _of_card(leaves: Sequence[Leaf]) -> _Entry:
    here = [leaf for leaf in leaves if _same_frame(leaf, leaves[0])]
    text = "\n".join(leaf.text for leaf in here)
    region = Region(here[0].document, first=here[0].order, last=here[-1].order + 1)
    return _Entry(list(_labelled(here)), text, region)


def _labelled(leaves: Sequence[Leaf]) -> Iterator[tuple[str, str]]:
    """Each label with its value: on the same line behind a colon, or in the next run of text."""
    for place, leaf in enumerate(leaves):
        label, colon, value = leaf.text.replace("：", ":").partition(":")
        if colon and value.strip():
            yield label, value.strip()
        elif place + 1 < len(leaves):
            yield label, leaves[place + 1].text


def _first_month(text: str) -> set[tuple[int, int]]:
    """Year and month of the first date in a text, if it holds one."""
    first = re.search(r"(20\d\d)[-./年]\s?(\d{1,2})", text)
    return {(int(first.group(1)), int(first.group(2)))} if first else set()


def _total(text: str, patterns: Words) -> int | None:
    """The number of entries that the page itself counts, or None where it does not."""
    for pattern in patterns:
        counted = re.search(re.escape(normalise(pattern)).replace(r"\#", r"(\d+)"), normalise(text))
        if counted:
            return int(counted.group(1))
    return None
