"""Work that stands still, and starts again: everything, an agency, a batch, a stage, a desk, one renewal.

A pause is a row, so it survives every restart. It stops new runs at once and a run that is under
way before its next irreversible click; what was pressed is read to its end. After a pause the
work comes back slowly: one run more every `RAMP_STEP_S`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agency import audit
from agency.models import User
from renewals.domain.doorbell import ring_for, ring_for_waiting
from renewals.models import Batch, Desk, Pause, Renewal, Standstill, State

# When as many runs are allowed as anybody has desks, the ramp is over.
RAMP_ENDS_AT = 20


def pause(
    *,
    by: User | None,
    why: str,
    batch: Batch | None = None,
    stage: str = "",
    desk: Desk | None = None,
    renewal: Renewal | None = None,
    found: dict[str, Any] | None = None,
) -> Pause:
    """Let the agency's work, or the named part of it, stand still. What stands still already stays so.

    `by` is None for the circuit breaker, which says what it `found`.
    """
    try:
        with transaction.atomic():
            begun = Pause.objects.create(
                batch=batch, stage=stage, desk=desk, renewal=renewal, why=why, begun_by=by, found=found or {}
            )
    except IntegrityError:
        return Pause.objects.get(batch=batch, stage=stage, desk=desk, renewal=renewal, ended_at__isnull=True)
    audit.record("paused", begun, by=by, why=why, **_named(begun))
    return begun


def resume(begun: Pause, *, by: User | None, why: str) -> bool:
    """End a pause; False when it has ended already.

    A stage that the circuit breaker had stopped is tried by one company first, as at its beginning.
    """
    ended = Pause.objects.filter(pk=begun.pk, ended_at__isnull=True).update(
        ended_at=Now(), ended_by=by, ended_why=why
    )
    if not ended:
        return False
    audit.record("resumed", begun, by=by, why=why, **_named(begun))
    if begun.renewal is not None:
        ring_for([begun.renewal.company_id])
    else:
        ring_for_waiting(begun.batch)
    return True


def in_force(*, batch: Batch | None = None) -> QuerySet[Pause]:
    """The pauses that stand now; of a batch, where one is named."""
    standing = Pause.objects.filter(ended_at__isnull=True).select_related("batch", "desk", "begun_by")
    return standing if batch is None else standing.filter(batch=batch)


def is_paused() -> Q:
    """Renewals that no run may take up, because something about them stands still.

    The circuit breaker does not stop a look at what was pressed and is not yet read.
    """
    over = _over(OuterRef("batch"), OuterRef("stage"), OuterRef("pk"))
    by_person = Q(Exists(over.filter(begun_by__isnull=False))) | Q(Exists(standstill()))
    return by_person | (Q(Exists(over)) & ~Q(state=State.UNKNOWN))


def over_renewal() -> QuerySet[Pause]:
    """The pauses that stand over a renewal in an outer query, also while they let one company try."""
    return Pause.objects.filter(
        Q(batch__isnull=True) | Q(batch=OuterRef("batch")),
        Q(stage="") | Q(stage=OuterRef("stage")),
        Q(renewal__isnull=True) | Q(renewal=OuterRef("pk")),
        ended_at__isnull=True,
        desk__isnull=True,
    )


def why_paused(renewal: Renewal, *, stage: str) -> str:
    """Why this stage of the renewal must not go on now; empty when it may."""
    found = _over(renewal.batch_id, stage, renewal.pk).values_list("why", flat=True).first()
    return found or standstill().values_list("why", flat=True).first() or ""


def is_desk_paused() -> Q:
    """Desks at which no sitting may begin."""
    agency_wide = Pause.objects.filter(
        ended_at__isnull=True, batch__isnull=True, stage="", desk__isnull=True, renewal__isnull=True
    )
    return (
        Q(Exists(Pause.objects.filter(desk=OuterRef("pk"), ended_at__isnull=True)))
        | Q(Exists(agency_wide))
        | Q(Exists(standstill()))
    )


def standstill() -> QuerySet[Standstill]:
    """The installation's standstill, while there is one."""
    return Standstill.objects.filter(ended_at__isnull=True)


def ramp_is_full(renewal: Renewal) -> bool:
    """Whether the work that this renewal belongs to has come back as far as it may by now."""
    ended = _ended_lately(renewal)
    if ended is None:
        return False
    scope, since = ended
    allowed = 1 + int(since.total_seconds() / settings.RAMP_STEP_S)
    if allowed >= RAMP_ENDS_AT:
        return False
    return Renewal.objects.filter(scope, state=State.RUNNING).count() >= allowed


def _over(batch: Any, stage: Any, renewal: Any) -> QuerySet[Pause]:
    """The pauses in force over a renewal at a stage; those of desks stop desks, not renewals."""
    return Pause.objects.filter(
        Q(batch__isnull=True) | Q(batch=batch),
        Q(stage="") | Q(stage=stage),
        Q(renewal__isnull=True) | Q(renewal=renewal),
        Q(probe_at__isnull=True) | Q(probe_at__gt=Now()),
        ended_at__isnull=True,
        desk__isnull=True,
    )


def _ended_lately(renewal: Renewal) -> tuple[Q, timedelta] | None:
    """What was paused around this renewal and has come back last, and how long ago that was."""
    lately = Now() - timedelta(seconds=RAMP_ENDS_AT * settings.RAMP_STEP_S)
    last = (
        Pause.objects.filter(
            Q(batch__isnull=True) | Q(batch=renewal.batch_id),
            Q(stage="") | Q(stage=renewal.stage),
            desk__isnull=True,
            renewal__isnull=True,
            ended_at__gt=lately,
        )
        .annotate(since=Now() - F("ended_at"))
        .order_by("-ended_at")
        .first()
    )
    everything = (
        Standstill.objects.filter(ended_at__gt=lately)
        .annotate(since=Now() - F("ended_at"))
        .order_by("-ended_at")
        .first()
    )
    if everything is not None and (last is None or everything.since < last.since):
        return Q(), everything.since
    if last is None:
        return None
    scope = Q(batch=last.batch_id) if last.batch_id else Q()
    return (scope & Q(stage=last.stage) if last.stage else scope), last.since


def _named(begun: Pause) -> dict[str, str]:
    company = begun.renewal.company.name if begun.renewal else ""
    named = {"batch": begun.batch, "stage": begun.stage, "desk": begun.desk, "company": company}
    return {name: str(what) for name, what in named.items() if what}
