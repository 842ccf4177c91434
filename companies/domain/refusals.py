"""Why a whole workbook is refused. Each refusal says in the reader's language what to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


class WorkbookRefused(Exception):
    """Nothing of the file was used. `str()` is a sentence for the person who sent it."""


class NotAWorkbook(WorkbookRefused):
    """Neither a workbook nor a table of text."""

    def __str__(self) -> str:
        return _("This file is not a workbook. Save it as .xlsx, .xls or .csv and send it again.")


class WorkbookLocked(WorkbookRefused):
    """It opens only with a password."""

    def __str__(self) -> str:
        return _("This workbook opens only with a password. Save it without one and send it again.")


class WorkbookTooLarge(WorkbookRefused):
    """More than is read at once."""

    def __str__(self) -> str:
        return _(
            "This workbook is too large: at most 10 MB, 20,000 rows, 200 columns and 500,000 cells are read. "
            "Delete what is not needed, or split it."
        )


class RowUnreadable(WorkbookRefused):
    """A row of text that is no row of a table: nobody knows where its cells end."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row

    def __str__(self) -> str:
        return _(
            "Row %(row)s cannot be read: a quotation mark in it has no partner, or one cell is longer than "
            "32,767 characters. Open the file in Excel or WPS, put this row right, save it as .xlsx and send "
            "it again."
        ) % {"row": self.row}


class WorkbookUnsafe(WorkbookRefused):
    """It holds what no spreadsheet program writes: entities, or names that lead out of it."""

    def __str__(self) -> str:
        return _(
            "This workbook holds parts that could do harm, so nothing of it was read. Open it in Excel or "
            "WPS, save it under a new name, and send that."
        )


class WorkbookGone(WorkbookRefused):
    """It was sent too long ago, or somebody else's act has used it up."""

    def __str__(self) -> str:
        return _("This file is not kept any more. Send it again.")


class WorkbookNotUnderstood(WorkbookRefused):
    """Something in it that nobody foresaw stopped us."""

    def __str__(self) -> str:
        return _("Something in this file stops us. Save it anew in Excel as .xlsx, then send it again.")


class WorkbookEmpty(WorkbookRefused):
    """No company is in it."""

    def __str__(self) -> str:
        return _("This workbook has no rows. Write one company a row under the headings.")


class ColumnMissing(WorkbookRefused):
    """A column without which a company cannot be known. `accepted` maps it to the headings we know."""

    def __init__(self, accepted: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(accepted)
        self.accepted = accepted

    def __str__(self) -> str:
        return " ".join(
            _("There is no column %(column)s. Accepted headings: %(accepted)s.")
            % {"column": column, "accepted": "、".join(headings)}
            for column, headings in self.accepted.items()
        )


class ColumnTwice(WorkbookRefused):
    """Two columns say the same thing, and only a person knows which is right."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)
        self.first, self.second = first, second

    def __str__(self) -> str:
        return _("The columns %(first)s and %(second)s mean the same. Delete one of them.") % {
            "first": self.first,
            "second": self.second,
        }


class PinInWorkbook(WorkbookRefused):
    """A column of PINs: it was not read."""

    def __init__(self, heading: str) -> None:
        super().__init__(heading)
        self.heading = heading

    def __str__(self) -> str:
        return _(
            "The column %(heading)s looks like PINs. Nothing was read. Delete it from the workbook: PINs are "
            "typed at the desk or stored on the card's page, and never sent in a file."
        ) % {"heading": self.heading}


def stored(refusal: WorkbookRefused) -> dict[str, Any]:
    """The refusal as a row keeps it, to be said later in whatever language the reader has."""
    return {"kind": type(refusal).__name__, "about": list(refusal.args)}


def restored(kept: Mapping[str, Any]) -> WorkbookRefused:
    """The refusal that was kept."""
    kinds = {kind.__name__: kind for kind in WorkbookRefused.__subclasses__()}
    return kinds[kept["kind"]](*kept["about"])
