"""The policy year that a page is about."""

from __future__ import annotations

from django.http import Http404, QueryDict
from django.utils import timezone

from agency.filtering import year_said


def chosen_year(query: QueryDict) -> int:
    """The policy year in the address, else this one. Lists say what they took for no year (`YearFilter`)."""
    return year_said(query.get("year", "")) or timezone.localdate().year


def posted_year(posted: QueryDict) -> int:
    """The policy year that a form is about. Raises `Http404` for none: no act is about a guessed year."""
    if (year := year_said(posted.get("year", ""))) is None:
        raise Http404
    return year


def years() -> list[int]:
    """The policy years that companies are queued for: this one and, late in the season, the next."""
    this = timezone.localdate().year
    return [this, this + 1]
