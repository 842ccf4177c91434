"""今天: the numbers of one person's day, each the same that its rows show. A fixed number of queries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from agency.models import Agency
from agency.tenancy import current_scope
from companies.models import Card, CardKind, Company, Consent
from renewals.models import CLAIMABLE, Renewal, State

# Where no company's present policy says when the season ends.
LOOK_AHEAD = timedelta(days=90)
# A look whose time has come, or work that waits for nothing but its card.
IS_DUE = Q(state__in=CLAIMABLE) & (Q(look_at__isnull=True) | Q(look_at__lte=Now()))


@dataclass(frozen=True)
class Season:
    """A policy year's renewals by state: all, those that came into it since yesterday, those that are due."""

    year: int
    counts: Counter[State]
    lately: Counter[State]
    due: Counter[State]

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
    rows = list(
        Renewal.objects.filter(year=Subquery(newest))
        .order_by()
        .values_list("year", "state")
        .annotate(
            number=Count("*"),
            lately=Count("company", filter=Q(state_since__gte=since)),
            due=Count("company", filter=IS_DUE),
        )
    )
    year = rows[0][0] if rows else timezone.localdate().year
    found = Season(year, Counter(), Counter(), Counter())
    for _year, state, number, lately, due in rows:
        found.counts[State(state)] = number
        found.lately[State(state)] = lately
        found.due[State(state)] = due
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


def _number(rows: QuerySet[Company]) -> Coalesce:
    """How many rows there are, as a part of another query."""
    counted = rows.order_by().values("agency").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted), 0)
