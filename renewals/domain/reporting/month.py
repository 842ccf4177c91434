"""Which renewals a month moved, as rows and as totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone

from renewals.models import Renewal, Stage, StageName, StageState, State
from renewals.reasons import words


@dataclass(frozen=True)
class StageCell:
    """One stage of a row: its state, and when it ended, or began where it has not ended."""

    state: StageState
    at: datetime | None


@dataclass(frozen=True)
class MonthRow:
    """One renewal, as it stands now. Moments are in the installation's time zone."""

    year: int
    company: str
    uscc: str
    batch: str
    queued_by: str
    queued_at: datetime
    stages: dict[StageName, StageCell]
    state: State
    reason: str  # code of renewals.reasons, or empty
    submitted_at: datetime | None
    completed_at: datetime | None
    application_number: str
    policy_number: str
    valid_from: date | None
    valid_to: date | None

    @property
    def reason_words(self) -> str:
        """Why it stopped, in the reader's language; empty where nothing is wrong."""
        return str(words(self.reason).what) if self.reason else ""


@dataclass(frozen=True)
class Totals:
    """How many rows stand where: each stage by its state, and the renewals by theirs. Zeros are there."""

    stages: dict[StageName, dict[StageState, int]]
    states: dict[State, int]


def month_rows(year: int, month: int) -> list[MonthRow]:
    """The current agency's renewals that this month moved, by company name.

    Those that were queued, submitted or completed in it, and those whose last change of state fell
    into it (such as coming to rest for a person, or being cancelled). A renewal that waited through
    the whole month is not among them. Each row tells how the renewal stands now, not at the month's
    end. Two queries. Months are the installation's (Asia/Shanghai), not UTC's. Raises `ValueError`
    for a month that the calendar does not have.
    """
    renewals = (
        Renewal.objects.filter(_moved_in(year, month))
        .select_related("company", "batch__made_by", "policy")
        .prefetch_related("stages")
        .order_by("company__name", "year", "queued_at")
    )
    return [_row(renewal) for renewal in renewals]


def totals(rows: Sequence[MonthRow]) -> Totals:
    """The rows counted by stage and state."""
    stages = Counter((name, cell.state) for row in rows for name, cell in row.stages.items())
    states = Counter(row.state for row in rows)
    return Totals(
        {name: {state: stages[name, state] for state in StageState} for name in StageName},
        {state: states[state] for state in State},
    )


def _moved_in(year: int, month: int) -> Q:
    zone = timezone.get_default_timezone()
    begin = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    moved = Q()
    for moment in ("queued_at", "submitted_at", "completed_at", "state_since"):
        moved |= Q(**{f"{moment}__gte": begin, f"{moment}__lt": end})
    return moved


def _row(renewal: Renewal) -> MonthRow:
    policy = getattr(renewal, "policy", None)
    made_by = renewal.batch.made_by if renewal.batch else None
    return MonthRow(
        year=renewal.year,
        company=renewal.company.name,
        uscc=renewal.company.uscc,
        batch=renewal.batch.name if renewal.batch else "",
        queued_by=made_by.name if made_by else "",
        queued_at=timezone.localtime(renewal.queued_at),
        stages=_stages(renewal.stages.all()),
        state=State(renewal.state),
        reason=renewal.reason,
        submitted_at=_local(renewal.submitted_at),
        completed_at=_local(renewal.completed_at),
        application_number=renewal.application_number,
        policy_number=policy.number if policy else "",
        valid_from=policy.valid_from if policy else None,
        valid_to=policy.valid_to if policy else None,
    )


def _stages(stages: Iterable[Stage]) -> dict[StageName, StageCell]:
    """In the order of the stages, whatever order the rows came in."""
    by_name = {stage.name: stage for stage in stages}
    return {name: _cell(by_name[name]) for name in StageName}


def _cell(stage: Stage) -> StageCell:
    return StageCell(StageState(stage.state), _local(stage.ended_at or stage.began_at))


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment) if moment else None
