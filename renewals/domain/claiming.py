"""Who works on a renewal: claim, epoch and lease.

A worker holds a renewal while the lease runs and the epoch is the one that it claimed. Every
write of a run goes through `hold`, so that a worker which was stopped for longer than its lease
and wakes up again changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.db.models import F, Q
from django.db.models.functions import Now

from companies.models import Card
from renewals.domain.story import move
from renewals.models import CLAIMABLE, Desk, Renewal, Run, State

LEASE = timedelta(seconds=90)
# Three heartbeats fit into a lease, so that one lost heartbeat ends nothing.
HEARTBEAT_S = 15.0


class EpochLost(RuntimeError):
    """The renewal is no longer this run's: somebody else took it, or it was ended."""


def is_due() -> Q:
    """Renewals that a run may take up now."""
    return Q(state__in=CLAIMABLE) & (Q(look_at__isnull=True) | Q(look_at__lte=Now())) & ~paused()


def paused() -> Q:
    """Renewals that somebody has put on hold: their batch or their agency."""
    return Q(batch__paused_at__isnull=False) | Q(agency__paused_at__isnull=False)


def claim_for_card(card: Card, *, desk: Desk, worker: str, profile: str) -> Run | None:
    """Take the most urgent due renewal of the card's company; None when there is none.

    Of two callers at the same moment one gets the renewal, the other None.
    """
    renewal = (
        Renewal.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(is_due(), company_id=card.company_id)
        .order_by("-priority", "due_on", "queued_at")
        .first()
    )
    if renewal is None:
        return None
    move(
        renewal,
        State.RUNNING,
        kind="claimed",
        detail={"desk": desk.name},
        desk=desk,
        epoch=F("epoch") + 1,
        lease_until=Now() + LEASE,
    )
    return Run.objects.create(renewal=renewal, desk=desk, epoch=renewal.epoch, worker=worker, profile=profile)


def hold(run: Run) -> Renewal:
    """Lock the run's renewal for this transaction. Raises `EpochLost` when it is no longer the run's."""
    renewal = (
        Renewal.objects.select_for_update(of=("self",))
        .filter(pk=run.renewal_id, epoch=run.epoch, state=State.RUNNING)
        .select_related("company")
        .first()
    )
    if renewal is None:
        raise EpochLost(f"renewal {run.renewal_id} is not held at epoch {run.epoch}")
    return renewal


def renew_lease(run: Run) -> bool:
    """The heartbeat: hold the renewal for another lease. False when it is no longer the run's."""
    held = Renewal.objects.filter(
        pk=run.renewal_id, epoch=run.epoch, state=State.RUNNING, lease_until__gt=Now()
    )
    return held.update(lease_until=Now() + LEASE) == 1


def begin_sitting(desk: Desk) -> bool:
    """Take the desk for one sitting; False while another worker has it. Sets `desk.sitting`."""
    sitting = uuid4()
    free = Desk.objects.filter(Q(sitting__isnull=True) | Q(sitting_until__lt=Now()), pk=desk.pk)
    if free.update(sitting=sitting, sitting_until=Now() + LEASE, notice="") == 0:
        return False
    desk.sitting = sitting
    return True


def keep_sitting(desk: Desk) -> bool:
    """The sitting's heartbeat. False when the desk was taken over."""
    mine = Desk.objects.filter(pk=desk.pk, sitting=desk.sitting)
    return mine.update(sitting_until=Now() + LEASE, seen_at=Now()) == 1


def end_sitting(desk: Desk, *, notice: str) -> None:
    """Free the desk and leave a notice for the person at the reader; nothing if it was taken over."""
    Desk.objects.filter(pk=desk.pk, sitting=desk.sitting).update(
        sitting=None, sitting_until=None, notice=notice
    )
