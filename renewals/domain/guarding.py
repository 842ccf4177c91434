"""Guards a batch against a portal that changed: one company first, and a stop at the third failure.

*Canary*: in each batch a stage is tried by one company; the others follow once it got through.
*Circuit breaker*: the same failure at the same point for three companies in a row, none getting
through in between, pauses that stage of the batch. Where time may mend it, one company tries
again later and its success ends the pause; where a page changed, a person ends it.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from portal_driver.contract import Click, Outcome
from renewals.domain.doorbell import ring_for_waiting
from renewals.domain.pausing import pause, ramp_is_full, resume
from renewals.models import (
    Batch,
    Intent,
    IntentState,
    Pause,
    Renewal,
    Run,
    Stage,
    StageName,
    StageState,
    State,
)
from renewals.reasons import Kind, words

IN_A_ROW = 3
PROBE_PAUSE_AT_MOST_S = 3600.0
_LOOKED_AT = 20  # runs: enough to find three companies among those that were tried more than once


def must_wait_to_begin(renewal: Renewal) -> bool:
    """Whether a run would come too early: another company of the batch tries its stage first, or the
    work comes back slowly after a pause.

    Looks at applications in review do not wait: nobody gets through the last stage for days. Of two
    callers at the same moment the second sees what the first has decided.
    """
    if renewal.stage != StageName.RECEIPT and _is_unproven(renewal, renewal.stage):
        others = Renewal.objects.filter(batch=renewal.batch_id, stage=renewal.stage, state=State.RUNNING)
        if others.exclude(pk=renewal.pk).exists():
            return True
    return ramp_is_full(renewal)


def must_wait_to_press(renewal: Renewal, click: Click) -> bool:
    """Whether another company of the batch is just pressing this, and is the first to do so."""
    if not _is_unproven(renewal, click.stage):
        return False
    pressing = Intent.objects.filter(
        renewal__batch=renewal.batch_id,
        renewal__state=State.RUNNING,
        click=click,
        state__in=[IntentState.ARMED, IntentState.FIRED],
    )
    return pressing.exclude(renewal=renewal.pk).exists()


def prove(renewal: Renewal, stage: str) -> None:
    """A company got through this stage: the others of its batch may follow."""
    if renewal.batch_id is None:
        return
    first = Batch.objects.filter(~Q(proven__contains=[stage]), pk=renewal.batch_id).update(
        proven=Func(F("proven"), Value(stage), function="array_append")
    )
    if first:
        _end_probe(renewal, stage)
        ring_for_waiting(Batch(pk=renewal.batch_id, agency_id=renewal.agency_id))


def judge(run: Run, renewal: Renewal, *, outcome: Outcome, reason: str, expected: str) -> Pause | None:
    """What a run's end means for its batch; returns the pause if it tripped the breaker.

    Called when the renewal rests, in the transaction in which it does.
    """
    point = f"{reason} {expected}".strip()[:200] if reason and words(reason).breaks else ""
    Run.objects.filter(pk=run.pk).update(stage=renewal.stage, point=point)
    if renewal.batch is None or renewal.stage == "":
        return None
    if renewal.stage not in renewal.batch.proven:
        ring_for_waiting(renewal.batch)
    if point and _in_a_row(renewal, point) >= IN_A_ROW:
        return _trip(run, renewal, reason=reason, expected=expected)
    if outcome in (Outcome.SUBMITTED, Outcome.COMPLETE):
        _end_probe(renewal, renewal.stage)
    return None


def _is_unproven(renewal: Renewal, stage: str) -> bool:
    """Whether no company of the batch got through this stage. Holds the batch until the transaction ends."""
    if renewal.batch is None or stage in ("", *renewal.batch.proven):
        return False
    _queue_up(renewal.batch)
    renewal.batch.refresh_from_db(fields=["proven"])
    return stage not in renewal.batch.proven


def _queue_up(batch: Batch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [str(batch.pk)])


def _in_a_row(renewal: Renewal, point: str) -> int:
    """How many companies of the batch failed at this point, one after another, up to now."""
    runs = Run.objects.filter(
        renewal__batch=renewal.batch_id, stage=renewal.stage, ended_at__isnull=False
    ).order_by("-ended_at", "-epoch")[:_LOOKED_AT]
    companies, since = set(), None
    for run in runs:
        if run.point != point:
            break
        companies.add(run.renewal_id)
        since = run.ended_at
        if len(companies) == IN_A_ROW:
            break
    got_through = Stage.objects.filter(
        renewal__batch=renewal.batch_id, name=renewal.stage, state=StageState.DONE, ended_at__gt=since
    )
    return 0 if since and got_through.exists() else len(companies)


def _trip(run: Run, renewal: Renewal, *, reason: str, expected: str) -> Pause:
    batch = renewal.batch
    assert batch is not None  # noqa: S101  # the caller has looked
    found = {"reason": reason, "expected": expected, "renewal": str(renewal.pk), "run": str(run.pk)}
    begun = pause(by=None, why=str(words(reason).what), batch=batch, stage=renewal.stage, found=found)
    # One company first again, once the stage is tried again.
    Batch.objects.filter(pk=batch.pk).update(
        proven=Func(F("proven"), Value(renewal.stage), function="array_remove")
    )
    if words(reason).kind != Kind.BUSINESS:
        probes = int(begun.found.get("probes", 0))
        later = timedelta(seconds=min(settings.PROBE_AFTER_S * 2.0**probes, PROBE_PAUSE_AT_MOST_S))
        Pause.objects.filter(pk=begun.pk, begun_by__isnull=True).update(
            probe_at=Now() + later, found=found | {"probes": probes + 1}
        )
    return begun


def _end_probe(renewal: Renewal, stage: str) -> None:
    """A company got through: a pause that only waited for that is over."""
    waiting = Pause.objects.filter(
        batch=renewal.batch_id, stage=stage, ended_at__isnull=True, begun_by__isnull=True, probe_at__lte=Now()
    )
    for begun in waiting:
        resume(begun, by=None, why="a company got through")
