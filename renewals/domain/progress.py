"""How far the renewals are: the rows of the board and of a batch, and their counts.

Each function asks a fixed number of queries, however many renewals there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Min, Prefetch, Q, QuerySet
from django.utils import timezone

from agency.models import User
from companies.models import Card
from renewals.domain.clock import database_now
from renewals.domain.pausing import in_force, standstill
from renewals.models import Batch, Matter, Pause, Renewal, Run, Stage, StageName, State

_ORDER = {name: place for place, name in enumerate(StageName)}


@dataclass(frozen=True)
class Row:
    """One renewal as the board shows it.

    `card` is the one to insert, `run` the one under way, `pause` why it stands still (empty for
    none), `matters` what a person is asked to see to beside it.
    """

    renewal: Renewal
    stages: list[Stage]
    card: Card | None
    run: Run | None
    pause: str = ""
    matters: list[Matter] = field(default_factory=list)

    @property
    def in_charge(self) -> User | None:
        """Who looks after it: the assignee, else the staff member in charge of the company."""
        return self.renewal.assignee or self.renewal.company.owner

    @property
    def version(self) -> str:
        """Changes whenever the row does: the page sends it back to learn what is new."""
        return f"{self.renewal.pk}@{self.renewal.changed_at.timestamp():.6f}"


def rows(renewals: QuerySet[Renewal]) -> list[Row]:
    """The board's rows of these renewals, in their order. Seven queries."""
    standing, everything = list(in_force()), standstill().first()
    return [
        Row(
            renewal,
            in_order(renewal.stages.all()),
            next(iter(renewal.company.usual_cards), None),  # type: ignore[attr-defined]  # prefetched
            next(iter(renewal.open_runs), None),  # type: ignore[attr-defined]
            everything.why if everything else _pause_over(renewal, standing),
            renewal.open_matters,  # type: ignore[attr-defined]
        )
        for renewal in _with_rows(renewals)
    ]


def _pause_over(renewal: Renewal, standing: list[Pause]) -> str:
    """What stands still of a renewal, and why, in words; empty for nothing."""
    for pause in standing:
        of_batch = pause.batch_id in (None, renewal.batch_id)
        if pause.desk_id is None and of_batch and pause.stage in ("", renewal.stage):
            return pause.why
    return ""


def _with_rows(renewals: QuerySet[Renewal]) -> QuerySet[Renewal]:
    # The vault stays where it is: no page ever holds a sealed PIN.
    cards = Card.objects.defer("sealed_pin").order_by("-valid_until")
    return renewals.select_related(
        "company__owner", "assignee", "batch", "desk", "policy", "agency"
    ).prefetch_related(
        "stages",
        Prefetch("company__cards", cards, to_attr="usual_cards"),
        Prefetch("matters", Matter.objects.filter(closed_at__isnull=True), to_attr="open_matters"),
        Prefetch("runs", Run.objects.filter(ended_at__isnull=True).order_by("-epoch"), to_attr="open_runs"),
    )


def in_order(stages: Iterable[Stage]) -> list[Stage]:
    """The stages in the user's order."""
    return sorted(stages, key=lambda stage: _ORDER[StageName(stage.name)])


def latest_year() -> int:
    """The newest policy year that has renewals; this year where there are none."""
    newest: int | None = Renewal.objects.aggregate(newest=Max("year"))["newest"]
    return newest or timezone.localdate().year


def years() -> list[int]:
    """The policy years that have renewals, newest first."""
    return list(Renewal.objects.order_by("-year").values_list("year", flat=True).distinct())


def counts(renewals: QuerySet[Renewal]) -> Counter[State]:
    """How many renewals are in each state."""
    by_state = renewals.order_by().values_list("state").annotate(number=Count("pk"))
    return Counter({State(state): number for state, number in by_state})


def reasons(renewals: QuerySet[Renewal]) -> list[tuple[str, int]]:
    """Why renewals stopped, most frequent first."""
    stopped = renewals.filter(state__in=[State.ATTENTION, State.REFUSED]).order_by()
    return list(stopped.values_list("reason").annotate(number=Count("pk")).order_by("-number", "reason"))


def changed(renewals: QuerySet[Renewal], known: dict[UUID, str]) -> list[Row]:
    """Of the rows that a page shows, in the versions that it knows, those that are different now.

    Comparing versions misses nothing: a clock would miss what was committed late.
    """
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
