"""今天: the numbers of one person's day, each the same that its rows show. A fixed number of queries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from companies.models import Card, CardKind, Company, Consent
from renewals.domain.claiming import is_due
from renewals.models import Renewal, State

# Where no company's present policy says when the season ends.
LOOK_AHEAD = timedelta(days=90)


@dataclass(frozen=True)
class Season:
    """A policy year's renewals by state: all, and those that came into it since yesterday."""

    year: int
    counts: Counter[State]
    lately: Counter[State]

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
    rows = list(
        Renewal.objects.order_by("-year")
        .values_list("year", "state")
        .annotate(
            number=Count("pk"),
            lately=Count("pk", filter=Q(state_since__gte=since)),
        )
    )
    year = rows[0][0] if rows else timezone.localdate().year
    found = Season(year, Counter(), Counter())
    for of_year, state, number, lately in rows:
        if of_year == year:
            found.counts[State(state)] = number
            found.lately[State(state)] = lately
    return found


def to_receive(year: int) -> int:
    """How many of a year's applications a run would look at now, were their cards in a reader. One query."""
    return Renewal.objects.filter(is_due(), year=year, state=State.SUBMITTED).count()


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
    certificate that ends before the season does. Two queries.
    """
    ending_before = _season_ends_on()
    held = Company.objects.filter(erased_at__isnull=True)
    consent = Consent.objects.filter(company=OuterRef("pk"), year=year, revoked_at__isnull=True)
    queued = Renewal.objects.filter(company=OuterRef("pk"), year=year).exclude(state=State.CANCELLED)
    cards = Card.objects.filter(
        company=OuterRef("pk"), kind=CardKind.LEGAL_PERSON, valid_until__lt=ending_before
    )
    found = held.annotate(
        no_consent=~Exists(consent) & ~Exists(queued),
        ends=Exists(cards),
    ).aggregate(
        total=Count("pk"),
        without_consent=Count("pk", filter=Q(no_consent=True)),
        ending=Count("pk", filter=Q(ends=True)),
    )
    return Companies(**found, ending_before=ending_before)


def _season_ends_on() -> date:
    """The day on which the last of the present policies ends."""
    today = timezone.localdate()
    running = Company.objects.filter(erased_at__isnull=True, old_policy_ends_on__gte=today)
    last: date | None = running.aggregate(last=Max("old_policy_ends_on"))["last"]
    return last or today + LOOK_AHEAD
