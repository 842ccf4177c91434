"""How far the renewals are: the rows of the board and of a batch, and their counts.

Each function asks a fixed number of queries, however many renewals there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    DateTimeField,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Extract, JSONObject, Least, Now
from django.utils import timezone

from agency.models import Agency, User
from agency.tenancy import current_scope
from companies.models import Card
from renewals.domain.clock import database_now
from renewals.domain.pausing import over_renewal, standstill
from renewals.models import Batch, Matter, Pause, Renewal, Run, Stage, StageName, Standstill, State

_ORDER = {name: place for place, name in enumerate(StageName)}


@dataclass(frozen=True)
class Row:
    """One renewal as the board shows it.

    `card` is the one to insert, `run` the one under way, `pause` why it stands still (empty for
    none), `matters` what a person is asked to see to beside it, `last_desk` where it ran last.
    """

    renewal: Renewal
    stages: list[Stage]
    card: Card | None
    run: Run | None
    pause: str = ""
    matters: list[Matter] = field(default_factory=list)
    last_desk: str = ""

    @property
    def in_charge(self) -> User | None:
        """Who looks after it: the assignee, else the staff member in charge of the company."""
        return self.renewal.assignee or self.renewal.company.owner

    @property
    def version(self) -> str:
        """Changes whenever the row does: the page sends it back to learn what is new."""
        return f"{self.renewal.pk}@{self.renewal.changed_at.timestamp():.6f}"


def rows(renewals: QuerySet[Renewal]) -> list[Row]:
    """The board's rows of these renewals, in their order. Three queries."""
    return [
        Row(
            renewal,
            in_order(renewal.all_stages),  # type: ignore[attr-defined]  # prefetched
            next(iter(renewal.company.usual_cards), None),  # type: ignore[attr-defined]  # prefetched
            Run(pk=found.run_pk, doing=found.doing) if found.run_pk else None,
            found.everything or found.pause or "",
            [Matter(reason=reason) for reason in found.asked],
            found.last_desk or "",
        )
        for renewal, found in ((one, _Found(one)) for one in _with_rows(renewals))
    ]


class _Found:
    """What `_with_rows` found beside a renewal, in the same query."""

    def __init__(self, renewal: Renewal) -> None:
        found = vars(renewal)
        self.run_pk: UUID | None = found["run_pk"]
        self.doing: dict[str, Any] = found["doing"] or {}
        self.last_desk: str | None = found["last_desk"]
        self.asked: list[str] = found["asked"]
        self.pause: str | None = found["pause_why"]
        self.everything: str | None = found["everything_why"]


def _with_rows(renewals: QuerySet[Renewal]) -> QuerySet[Renewal]:
    # The vault stays where it is: no page ever holds a sealed PIN.
    cards = Card.objects.defer("sealed_pin").order_by("-valid_until")
    runs = Run.objects.filter(renewal=OuterRef("pk")).order_by("-epoch")
    under_way = runs.filter(ended_at__isnull=True)
    asked = Matter.objects.filter(renewal=OuterRef("pk"), closed_at__isnull=True)
    if renewals.query.is_sliced:
        # Found first, and looked up after: else Postgres joins all that the page leaves out, to sort it.
        order = renewals.query.order_by
        renewals = Renewal.objects.filter(pk__in=renewals.values("pk")).order_by(*order)
    return (
        renewals.select_related("company__owner", "assignee", "batch", "desk", "policy")
        .prefetch_related(
            # As lists: for a manager that knows what was fetched, Django makes a query for each row.
            Prefetch("stages", to_attr="all_stages"),
            Prefetch("company__cards", cards, to_attr="usual_cards"),
        )
        .annotate(
            run_pk=Subquery(under_way.values("pk")[:1]),
            doing=Subquery(under_way.values("doing")[:1]),
            asked=ArraySubquery(asked.order_by("opened_at").values("reason")),
            last_desk=Subquery(runs.values("desk__name")[:1]),
            pause_why=Subquery(over_renewal().order_by("begun_at").values("why")[:1]),
            everything_why=Subquery(standstill().values("why")[:1]),
        )
    )


def in_order(stages: Iterable[Stage]) -> list[Stage]:
    """The stages in the user's order."""
    return sorted(stages, key=lambda stage: _ORDER[StageName(stage.name)])


def latest_year() -> int:
    """The newest policy year that has renewals; this year where there are none."""
    newest: int | None = Renewal.objects.aggregate(newest=Max("year"))["newest"]
    return newest or timezone.localdate().year


def tally(renewals: QuerySet[Renewal]) -> list[tuple[State, str, int]]:
    """How many renewals are in each state, for each reason. One query."""
    grouped = renewals.order_by().values_list("state", "reason").annotate(number=Count("*"))
    return [(State(state), reason, number) for state, reason, number in grouped]


def reasons(renewals: QuerySet[Renewal]) -> list[tuple[str, int]]:
    """Why renewals stopped, most frequent first."""
    stopped = renewals.filter(state__in=[State.ATTENTION, State.REFUSED]).order_by()
    return list(stopped.values_list("reason").annotate(number=Count("pk")).order_by("-number", "reason"))


# Longer than any transaction that writes renewals: what it commits late is still seen.
_LATE = timedelta(seconds=60)


def pulse(since: str = "") -> str:
    """Changes whenever a renewal or a pause of the agency does. One query, however many renewals.

    Pass what it was before: it looks at what has been written since the moment that it begins with. A
    pulse that comes back as it was passed means that nothing is new.
    """
    known = _moment(since.partition("~")[0])
    newest = Renewal.objects.order_by("-changed_at").values("changed_at")[:1]
    # Whatever is older than a transaction can be is settled: most polls then have no row to read.
    settled = Least(Subquery(newest), Now() - Value(_LATE))
    from_here = Value(known, DateTimeField()) if known else settled
    written = Renewal.objects.filter(changed_at__gt=from_here).order_by().values("agency")
    moments = {"begun": Max("begun_at"), "ended": Max("ended_at")}
    beats = Agency.objects.filter(pk=current_scope().agency).values_list(
        from_here,
        Subquery(written.values(beat=JSONObject(n=Count("*"), t=_total("changed_at")))),
        Subquery(Pause.objects.order_by().values("agency").values(beat=JSONObject(**moments))),
        Subquery(
            Standstill.objects.order_by("-begun_at").values(beat=JSONObject(b="begun_at", e="ended_at"))[:1]
        ),
    )
    moment, of_renewals, *of_pauses = beats.get()
    return "~".join([moment.isoformat(), _digest(of_renewals), _digest(of_pauses)])


def same_pauses(one: str, other: str) -> bool:
    """Whether nothing was paused or resumed between two pulses."""
    return one.rpartition("~")[2] == other.rpartition("~")[2]


def _digest(beat: object) -> str:
    return sha256(repr(beat).encode()).hexdigest()[:16]


def _total(column: str) -> Cast:
    """The sum of moments, as text: a number would lose the last digits on its way."""
    return Cast(Sum(Extract(column, "epoch")), TextField())


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def changed(renewals: QuerySet[Renewal], known: dict[UUID, str], *, everything: bool = False) -> list[Row]:
    """Of the rows that a page shows, in the versions that it knows, those that are different now.

    Comparing versions misses nothing: a clock would miss what was committed late. `everything` is for
    what no row's version tells, such as a pause.
    """
    if everything and known:
        return rows(renewals.filter(pk__in=known))
    now = renewals.filter(pk__in=known).values_list("pk", "changed_at")
    differing = [pk for pk, changed_at in now if known[pk] != f"{changed_at.timestamp():.6f}"]
    return rows(renewals.filter(pk__in=differing)) if differing else []


@dataclass(frozen=True)
class BatchProgress:
    """A batch, and how many of its renewals are in each state."""

    batch: Batch
    counts: Counter[State]

    @property
    def queued(self) -> int:
        return self.counts.total()

    @property
    def not_ready(self) -> int:
        """How many of the companies asked for were not queued."""
        return self.batch.asked - self.queued

    @property
    def by_state(self) -> list[tuple[State, int]]:
        """The states that occur, in the order of a renewal's life."""
        return [(state, self.counts[state]) for state in State if self.counts[state]]

    @property
    def at_rest(self) -> int:
        """How many are over: complete, refused or cancelled."""
        return sum(self.counts[state] for state in (State.COMPLETE, State.REFUSED, State.CANCELLED))


@dataclass(frozen=True)
class Pace:
    """How fast a batch goes: runs that ended for good in the last hour, and when the rest will have run.

    Counts each renewal once, when its application is in; what waits for the insurer is past that.
    """

    last_hour: int
    left: int
    ends_at: datetime | None


def pace(batch: Batch) -> Pace:
    """The batch's pace, from rows alone. One query, and the clock.

    No forecast while nothing was submitted in the last hour: then nobody knows.
    """
    now = database_now()
    found = Renewal.objects.filter(batch=batch).aggregate(
        first=Min("submitted_at", filter=Q(submitted_at__gte=now - timedelta(hours=1))),
        lately=Count("pk", filter=Q(submitted_at__gte=now - timedelta(hours=1))),
        left=Count("pk", filter=Q(state__in=[State.WAITING, State.RUNNING, State.UNKNOWN])),
    )
    if not found["lately"] or not found["left"]:
        return Pace(found["lately"], found["left"], None)
    took = max(now - found["first"], timedelta(seconds=1))
    return Pace(found["lately"], found["left"], now + took / found["lately"] * found["left"])


def batches(chosen: Iterable[Batch]) -> list[BatchProgress]:
    """The progress of these batches. One query."""
    chosen = list(chosen)
    found: dict[UUID, Counter[State]] = {batch.pk: Counter() for batch in chosen}
    grouped = Renewal.objects.filter(batch__in=chosen).values_list("batch_id", "state")
    for batch_id, state, number in grouped.annotate(number=Count("pk")):
        if batch_id is not None:
            found[batch_id][State(state)] = number
    return [BatchProgress(batch, found[batch.pk]) for batch in chosen]
