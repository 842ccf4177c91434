"""The policy year that a page is about."""

from __future__ import annotations

from django.http import QueryDict
from django.utils import timezone


def chosen_year(query: QueryDict) -> int:
    """The policy year in the address, else this one."""
    year = query.get("year", "")
    return int(year) if year.isdecimal() and len(year) == 4 else timezone.localdate().year


def years() -> list[int]:
    """The policy years that companies are queued for: this one and, late in the season, the next."""
    this = timezone.localdate().year
    return [this, this + 1]
