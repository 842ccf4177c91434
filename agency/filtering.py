"""What the address of a list may ask for. What it says and nobody understands is told, not passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import Field, Select
from django.http import Http404
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agency.moments import full_day

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


@dataclass(frozen=True)
class SetFilter:
    """A filter that is set: what its chip says, and what the address loses where it is taken away."""

    words: str
    without: dict[str, None]


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of a list. A list shows what it makes of the rest and says what it left out.

    Files and acts are about what was asked for or about nothing (`refuse_nonsense`).
    """

    # What a narrow screen folds away (`_filters.html`), beside the year, which every list has.
    folded: tuple[str, ...] = ()

    @cached_property
    def set_ones(self) -> list[SetFilter]:
        """Which of the folded filters are set, as somebody reads it who does not see their fields."""
        self.is_valid()  # only then there is anything understood
        fields, understood = self.form.fields, self.form.cleaned_data
        return [
            SetFilter(_in_words(fields[name], self.data[name], understood[name]), {name: None})
            for name in self.folded
            if understood.get(name) not in fields[name].empty_values
        ]

    @property
    def cleared(self) -> dict[str, None]:
        """What the address loses where all filters are taken away; empty where none is asked for."""
        return {name: None for name in ("q", *self.folded) if self.data.get(name)}

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


def _in_words(field: Field, said: str, value: object) -> str:
    """What is chosen, as a select shows it; else the filter's label and what was written."""
    if isinstance(value, Model):
        return str(value)
    if value is True:
        return str(field.label)
    if isinstance(field.widget, Select):
        # Not the choices themselves: asked whether there are any, some of django-filter's do not know.
        offered: Iterator[tuple[object, object]] = flatten_choices(iter(field.widget.choices))
        return next((str(shown) for code, shown in offered if str(code) == said), str(field.label))
    return f"{field.label} {full_day(value) if isinstance(value, date) else value}"
