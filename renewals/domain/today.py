"""今天: the numbers of one person's day, each the same that its rows show. A fixed number of queries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from agency.models import Agency
from agency.tenancy import current_scope
from companies.models import Card, CardKind, Company, Consent
from renewals.domain.claiming import is_due
from renewals.models import Renewal, State

# Where no company's present policy says when the season ends.
LOOK_AHEAD = timedelta(days=90)


@dataclass(frozen=True)
class Season:
    """A policy year's renewals by state: all, and those that came into it since yesterday.

    `to_receive` is how many applications a run would look at now, were their cards in a reader.
    """

    year: int
    counts: Counter[State]
    lately: Counter[State]
    to_receive: int = 0

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def over(self) -> int:
        """How many need nothing more."""
        return sum(self.counts[state] for state in (State.COMPLETE, State.REFUSED, State.CANCELLED))

    @property
    def has_begun(self) -> bool:
        """Whether a card was ever put in: something is past waiting."""
        return self.total > self.counts[State.WAITING] + self.counts[State.CANCELLED]


def season(*, since: datetime) -> Season:
    """The newest policy year that has renewals; an empty one of this year where there are none. One query."""
    newest = Renewal.objects.order_by("-year").values("year")[:1]
    of_year = Renewal.objects.filter(year=Subquery(newest))
    rows = list(
        of_year.order_by()
        .values_list("year", "state")
        .annotate(
            number=Count("*"),
            lately=Count("company", filter=Q(state_since__gte=since)),
            to_receive=_number(of_year.filter(is_due(), state=State.SUBMITTED)),
        )
    )
    if not rows:
        return Season(timezone.localdate().year, Counter(), Counter())
    year, *_of_one_state, to_receive = rows[0]
    found = Season(year, Counter(), Counter(), to_receive)
    for _year, state, number, lately, _same in rows:
        found.counts[State(state)] = number
        found.lately[State(state)] = lately
    return found


def since_yesterday() -> datetime:
    """When yesterday began."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


@dataclass(frozen=True)
class Companies:
    """How many companies there are, and of how many something is missing before the season."""

    total: int
    without_consent: int
    ending: int
    ending_before: date


def companies(year: int) -> Companies:
    """The agency's companies: those not queued whose consent for the year is missing, and those with a
    certificate that ends before the season does. One query.
    """
    ends_on = _season_ends_on()
    held = Company.objects.filter(erased_at__isnull=True)
    consent = Consent.objects.filter(company=OuterRef("pk"), year=year, revoked_at__isnull=True)
    queued = Renewal.objects.filter(company=OuterRef("pk"), year=year).exclude(state=State.CANCELLED)
    ending = Card.objects.filter(company=OuterRef("pk"), kind=CardKind.LEGAL_PERSON, valid_until__lt=ends_on)
    # Three counts beside each other: conditions inside of one count are asked company by company.
    counts = Agency.objects.filter(pk=current_scope().agency).values_list(
        _number(held),
        _number(held.filter(~Exists(consent), ~Exists(queued))),
        _number(held.filter(Exists(ending))),
        ends_on,
    )
    return Companies(*counts.get())


def _season_ends_on() -> Coalesce:
    """The day on which the last of the present policies ends, as a part of another query."""
    today = timezone.localdate()
    running = Company.objects.filter(erased_at__isnull=True, old_policy_ends_on__gte=today)
    last = running.order_by("-old_policy_ends_on").values("old_policy_ends_on")[:1]
    return Coalesce(Subquery(last), Value(today + LOOK_AHEAD))


def _number(rows: QuerySet[Any]) -> Coalesce:
    """How many rows there are, as a part of another query."""
    counted = rows.order_by().values("agency").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted), 0)
