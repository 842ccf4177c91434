"""What the address of a list may ask for. What it says and nobody understands is told, not passed over."""

from __future__ import annotations

import re
from typing import TypeVar

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

Row = TypeVar("Row", bound=Model)

# Each word costs a look at every row, and nobody remembers more of what he is looking for.
TEXT_AT_MOST, WORDS_AT_MOST = 100, 8
# Nothing of ours happened in another century.
_YEAR = re.compile("20[0-9]{2}")


def few_words(text: str) -> None:
    """Raise `ValidationError` for more words than a search looks for."""
    if len(text.split()) > WORDS_AT_MOST:
        words = ngettext("Search for %(n)d word at most.", "Search for %(n)d words at most.", WORDS_AT_MOST)
        raise ValidationError(words % {"n": WORDS_AT_MOST})


def year_said(text: str) -> int | None:
    """The policy year that this text names; None where it names none."""
    return int(text) if _YEAR.fullmatch(text) else None


def some_year(text: str) -> None:
    """Raise `ValidationError` for what is no year."""
    if year_said(text) is None:
        raise ValidationError(_("“%(text)s” is no year. Write four digits, such as 2026.") % {"text": text})


class SearchFilter(django_filters.CharFilter):  # type: ignore[misc]  # django-filter has no types
    """A few words to search for, of a length that somebody types."""

    def __init__(self, **more: object) -> None:
        super().__init__(max_length=TEXT_AT_MOST, validators=[few_words], **more)


class YearFilter(django_filters.CharFilter):  # type: ignore[misc]
    """The policy year of the list, which the view has chosen (`year_said`): here what is none is told."""

    def __init__(self) -> None:
        super().__init__(
            method="of_year", label=gettext_lazy("Policy year"), strip=False, validators=[some_year]
        )


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of a list. A list shows what it makes of the rest and says what it left out.

    Files and acts are about what was asked for or about nothing (`refuse_nonsense`).
    """

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """What the address says and nobody understands: the filter's label, and why."""
        form = self.form
        return [
            (str(form.fields[name].label), str(error))
            for name, errors in form.errors.items()
            for error in errors
        ]

    def of_year(self, rows: QuerySet[Row], _name: str, _value: str) -> QuerySet[Row]:
        """The view asks for one year's rows already."""
        return rows

    def refuse_nonsense(self) -> None:
        """Raise `Http404` where something of the filters was not understood: without it all rows would do."""
        if not self.is_valid():
            raise Http404
