"""What people did to a batch: queued it, paused it, put renewals back, handed them on. One line an act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.db.models.fields.json import KT

from renewals.models import Batch, Event, Pause

LINES_AT_MOST = 100


@dataclass(frozen=True)
class LogLine:
    """One act: who did it when, to how many renewals (0 where it was to the batch itself), and why.

    `kind` is an action of the audit trail. `who` is empty where the machine acted by itself.
    """

    at: datetime
    who: str
    kind: str
    renewals: int = 0
    why: str = ""
    stage: str = ""


def batch_log(batch: Batch) -> list[LogLine]:
    """What people did to the batch and its renewals, newest first. Two queries."""
    lines = [*_acts(batch), *_pauses(batch)]
    made_by = batch.made_by.name if batch.made_by else ""
    lines.append(LogLine(batch.made_at, made_by, "batch_queued"))
    return sorted(lines, key=lambda line: line.at, reverse=True)[:LINES_AT_MOST]


def _acts(batch: Batch) -> list[LogLine]:
    """Acts on renewals: what was done to many at once has one moment, that of its transaction."""
    by_people = Event.objects.filter(renewal__batch=batch).exclude(actor_name="").exclude(kind="queued")
    acts = (
        by_people.order_by()
        .values_list("at", "actor_name", "kind", KT("detail__why"))
        .annotate(number=Count("renewal", distinct=True))
        .order_by("-at")[:LINES_AT_MOST]
    )
    return [LogLine(at, who, kind, number, why or "") for at, who, kind, why, number in acts]


def _pauses(batch: Batch) -> list[LogLine]:
    lines = []
    for pause in Pause.objects.filter(batch=batch).select_related("begun_by", "ended_by"):
        stage = str(pause.get_stage_display())
        begun_by = pause.begun_by.name if pause.begun_by else ""
        lines.append(LogLine(pause.begun_at, begun_by, "paused", why=pause.why, stage=stage))
        if pause.ended_at is not None:
            ended_by = pause.ended_by.name if pause.ended_by else ""
            lines.append(LogLine(pause.ended_at, ended_by, "resumed", why=pause.ended_why, stage=stage))
    return lines
