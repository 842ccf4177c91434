"""今天: what needs me, what comes next, and how far are we? Each number opens its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agency.people import staff_only
from renewals.domain import inbox, rehearsing
from renewals.domain import today as day
from renewals.domain.desks import next_cards
from renewals.domain.pausing import in_force
from renewals.models import State

CARDS_SHOWN = 5
# What ran since yesterday is told by where it came to.
_TOLD = (State.COMPLETE, State.SUBMITTED, State.UNKNOWN, State.ATTENTION, State.REFUSED)


@dataclass(frozen=True)
class Number:
    """How many are in a state: a door to the board."""

    state: State
    number: int


@require_safe
@staff_only
def today(request: HttpRequest) -> HttpResponse:
    """The day of who asks. Before the first run nothing is shown but the next thing to do."""
    return render(request, "renewals/today.html", _day(request))


@require_safe
@staff_only
def numbers(request: HttpRequest) -> HttpResponse:
    """The numbers as they are now, for a page that stays open; nothing before the first run."""
    context = _day(request)
    return (
        HttpResponse(status=204)
        if context["first"]
        else render(request, "renewals/today.html#numbers", context)
    )


def _day(request: HttpRequest) -> dict[str, Any]:
    since = day.since_yesterday()
    season = day.season(since=since)
    companies = day.companies(season.year)
    context = _first_hour(season, companies) | {"day": timezone.localdate()}
    if not context["first"]:
        context |= _running(request, season, since=since.date().isoformat()) | _next_cards()
    return context


def first_hour() -> dict[str, Any]:
    """For a page that has nothing to show: what a new agency does next (`first`), and what is said of it.

    `first` is empty once a card was put in. Three queries at most.
    """
    season = day.season(since=day.since_yesterday())
    return _first_hour(season, day.companies(season.year))


def _first_hour(season: day.Season, companies: day.Companies) -> dict[str, Any]:
    first = _first_step(season, companies)
    context: dict[str, Any] = {"season": season, "companies": companies, "first": first}
    if first == "queue":
        context["rehearsal"] = rehearsing.latest()
    return context | _next_cards() if first == "card" else context


def _next_cards() -> dict[str, Any]:
    cards, number = next_cards(CARDS_SHOWN)
    return {"cards": cards, "cards_number": number}


def _first_step(season: day.Season, companies: day.Companies) -> str:
    """What a new agency does next; empty once the first card was put in."""
    if not companies.total:
        return "import"
    if not season.total:
        return "queue"
    return "" if season.has_begun else "card"


def _running(request: HttpRequest, season: day.Season, *, since: str) -> dict[str, Any]:
    """What a season that has begun asks of this person."""
    waiting = inbox.counts()
    return {
        "mine": sum(n for (_code, who), n in waiting.items() if who == request.user.pk),
        "nobodys": sum(n for (_code, who), n in waiting.items() if who is None),
        "everybodys": waiting.total(),
        "to_receive": season.to_receive,
        "unknown": season.counts[State.UNKNOWN],
        "lately": [Number(state, season.lately[state]) for state in _TOLD if season.lately[state]],
        "since": since,
        "progress": [Number(state, season.counts[state]) for state in State if season.counts[state]],
        "pauses": list(in_force()),
    }
