"""Whom a workbook puts in charge: a colleague by name or e-mail address, or nobody and a remark why.

Such a remark alone keeps no row out: all else in the row counts.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agency.models import User
from agency.people import colleagues

# Of what stands in the cell, as much as a remark repeats.
_SHOWN = 20


class Doubt(StrEnum):
    """Why nobody is put in charge."""

    NO_COLLEAGUE = "no_colleague"
    SEVERAL_COLLEAGUES = "several_colleagues"


_WORDS: dict[Doubt, Promise] = {
    Doubt.NO_COLLEAGUE: _(
        "%(value)s is nobody's name or e-mail address here. This row changes nothing about who is in charge."
    ),
    Doubt.SEVERAL_COLLEAGUES: _(
        "Several colleagues are called %(value)s: write the e-mail address instead. This row changes nothing "
        "about who is in charge."
    ),
}


@dataclass(frozen=True)
class Remark:
    """What a person should know of a row that is taken all the same. `str()` is in the reader's language."""

    doubt: Doubt
    value: str

    def __str__(self) -> str:
        return str(_WORDS[self.doubt]) % {"value": self.value}


@dataclass(frozen=True)
class Colleagues:
    """The people of an agency by what a workbook may call them."""

    called: Mapping[str, Sequence[User]]

    def named(self, words: str) -> tuple[User | None, tuple[Remark, ...]]:
        """The one colleague of this name or address; else why nobody. Words that say nothing name nobody."""
        if not words:
            return None, ()
        found = self.called.get(_bare(words), ())
        if len(found) == 1:
            return found[0], ()
        doubt = Doubt.SEVERAL_COLLEAGUES if found else Doubt.NO_COLLEAGUE
        return None, (Remark(doubt, words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"),)


def colleagues_here() -> Colleagues:
    """The admins and staff who work at the current agency today. One query."""
    called: dict[str, list[User]] = defaultdict(list)
    for person in colleagues():
        for words in {_bare(person.name), _bare(person.email)}:
            called[words].append(person)
    return Colleagues(dict(called))


def _bare(words: str) -> str:
    """Names and addresses are the same whatever their spaces, full-width signs and capitals."""
    return "".join(unicodedata.normalize("NFKC", words).split()).casefold()
