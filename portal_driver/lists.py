"""The lists 投保申请 (12) and 保险单 (13): one row a policy year, and whether the list is all there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal_driver.finding import Row, View
from portal_driver.pages import Screen
from portal_driver.profile import ListWords, Profile, Words
from portal_driver.words import normalise, says


@dataclass(frozen=True)
class Listed:
    """One row of a list, this year's: its number, the portal's word for its state, and the rest."""

    number: str
    state: str
    reason: str
    period: str
    row: Row


@dataclass(frozen=True)
class Listing:
    """What a list says of one policy year. Only a complete list can say that there is nothing."""

    view: View
    this_year: Listed | None
    is_complete: bool


class ListPage(Screen):
    """A list with one row a policy year; 12 and 13 say which column holds the number."""

    @classmethod
    def number_words(cls, words: ListWords) -> Words:
        """The heading of the column that holds the number."""
        raise NotImplementedError

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return _heading(view, cls.number_words(profile.lists)) is not None

    @classmethod
    def listing(cls, view: View, profile: Profile, year: int) -> Listing | None:
        """What the list says of the year, or None where the view shows another page."""
        words = profile.lists
        heading = _heading(view, cls.number_words(words))
        if heading is None:
            return None
        rows = [row for row in view.rows if _belongs(row, heading)]
        numbers = [row for row in rows if _cell(row, heading, cls.number_words(words))]
        this_year = [row for row in numbers if str(year) in _cell(row, heading, words.year)]
        total = _total(view.text, words.total)
        said_empty = not numbers and bool(view.mentions(words.nothing))
        complete = view.ready and (
            len(numbers) == total if total is not None else bool(numbers) or said_empty
        )
        listed = [cls._listed(row, heading, words) for row in this_year]
        return Listing(view, listed[0] if listed else None, complete and len(listed) <= 1)

    @classmethod
    def _listed(cls, row: Row, heading: Row, words: ListWords) -> Listed:
        return Listed(
            number=_cell(row, heading, cls.number_words(words)),
            state=_cell(row, heading, words.state),
            reason=_cell(row, heading, words.reason),
            period=_cell(row, heading, words.period),
            row=row,
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

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.menu.policies

    @classmethod
    def number_words(cls, words: ListWords) -> Words:
        return words.policy_number


def _heading(view: View, number: Words) -> Row | None:
    for row in view.rows:
        if len(row.cells) > 2 and any(says(cell, number) for cell in row.cells):
            return row
    return None


def _belongs(row: Row, heading: Row) -> bool:
    is_below = row.frame is heading.frame and row.index > heading.index
    return is_below and len(row.cells) == len(heading.cells)


def _cell(row: Row, heading: Row, words: Words) -> str:
    for said, head in zip(row.cells, heading.cells, strict=True):
        if says(head, words):
            return said
    return ""


def _total(text: str, patterns: Words) -> int | None:
    """The number of entries that the page itself counts, or None where it does not."""
    for pattern in patterns:
        counted = re.search(re.escape(normalise(pattern)).replace(r"\#", r"(\d+)"), normalise(text))
        if counted:
            return int(counted.group(1))
    return None
