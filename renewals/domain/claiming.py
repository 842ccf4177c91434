"""Who works on a renewal: claim, epoch and lease.

A worker holds a renewal while the lease runs and the epoch is the one that it claimed. Every
write of a run goes through `hold`, so that a worker which was stopped for longer than its lease
and wakes up again changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from companies.models import Card
from renewals.domain.guarding import must_wait_to_begin
from renewals.domain.pausing import RAMP_ENDS_AT, is_desk_paused, is_paused
from renewals.domain.story import move
from renewals.models import CLAIMABLE, Desk, Renewal, Run, State
from renewals.reasons import EngineReason

# With a sweep each minute, work that a dead worker held is taken up again within two.
LEASE = timedelta(seconds=60)
# Three heartbeats fit into a lease, so that one lost heartbeat ends nothing.
HEARTBEAT_S = 15.0

# A card that cannot be read is in the reader because a person says so, and for one sitting only: another
# may be in by the next, and a PIN on a wrong card costs a try. A worker that died ended its sitting, too.
_CARD_UNLESS_SAID = Case(When(reads_cards=False, then=Value("")), default=F("card_number"))
_CARD_UNLESS_SAID_BEFORE = Case(
    When(reads_cards=False, sitting__isnull=False, then=Value("")), default=F("card_number")
)

# All other desks of the agency wait from the claim to its commit: a raw query set would spend half a
# millisecond of that on building one run. What else a run has is read when it is asked for.
_OF_A_RUN = ("id", "agency_id", "renewal_id", "desk_id", "epoch", "worker", "profile", "began_at")
_CLAIM = f"SELECT {', '.join(_OF_A_RUN)} FROM renewals_claim(%s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608


class EpochLost(RuntimeError):
    """The renewal is no longer this run's: somebody else took it, or it was ended."""


def is_due() -> Q:
    """Renewals that a run may take up now."""
    return Q(state__in=CLAIMABLE) & (Q(look_at__isnull=True) | Q(look_at__lte=Now())) & ~is_paused()


def is_worth_a_run() -> Q:
    """Renewals that a run takes up while their card is in a reader: due, or a look that is due soon.

    So a card that lies in the reader now is not asked for again an hour later. A look that failed, or was
    held back, is not made early: its pause would be none while the card lies there, and each look signs in.
    """
    soon = Q(state=State.SUBMITTED, setbacks=0, look_at__lte=Now() + _soon())
    return is_due() | (soon & ~Q(reason=EngineReason.HELD_BACK) & ~is_paused())


def _soon() -> timedelta:
    return timedelta(seconds=min(settings.LOOK_AFTER_S, settings.LOOK_LATE_AFTER_S) / 4)


def claim_for_card(card: Card, *, desk: Desk, worker: str, profile: str) -> Run | None:
    """Take the most urgent due renewal of the card's company; None when there is none to take now.

    Of two callers at the same moment one gets the renewal, the other None.
    """
    run = _claim_unhindered(card, desk=desk, worker=worker, profile=profile)
    return run or _claim_guarded(card, desk=desk, worker=worker, profile=profile)


def _claim_unhindered(card: Card, *, desk: Desk, worker: str, profile: str) -> Run | None:
    """The claim in one statement, where no pause, ramp or unproven stage has a say; None where one might."""
    ramp = timedelta(seconds=RAMP_ENDS_AT * settings.RAMP_STEP_S)
    asked: list[Any] = [card.agency_id, card.company_id, desk.pk, worker, profile, LEASE, _soon(), ramp]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, asked)
        row = cursor.fetchone()
    return Run.from_db(connection.alias, _OF_A_RUN, row) if row else None


def _claim_guarded(card: Card, *, desk: Desk, worker: str, profile: str) -> Run | None:
    """The claim where something may stand in its way: looks at each renewal and decides."""
    renewal = next((one for one in _takeable(card) if not must_wait_to_begin(one)), None)
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


def _takeable(card: Card) -> QuerySet[Renewal]:
    """The due renewals of the card's company, most urgent first, locked."""
    return (
        Renewal.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(is_worth_a_run(), company_id=card.company_id)
        .select_related("batch")
        .order_by("-priority", "due_on", "queued_at")
    )


def note_late_write(run: Run) -> None:
    """Count what a run tried to write after it had lost its renewal; nothing of it was written."""
    Run.objects.filter(pk=run.pk).update(late_writes=F("late_writes") + 1)


def hold(run: Run) -> Renewal:
    """Lock the run's renewal for this transaction. Raises `EpochLost` when it is no longer the run's."""
    renewal = (
        Renewal.objects.select_for_update(of=("self",))
        .filter(pk=run.renewal_id, epoch=run.epoch, state=State.RUNNING)
        .select_related("company", "batch")
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
    """Take the desk for one sitting; False while another worker has it or it is paused.

    Sets `desk.sitting`, and `desk.card_number` as it is now.
    """
    sitting = uuid4()
    nobody_sits = Q(sitting__isnull=True) | Q(sitting_until__lt=Now())
    free = Desk.objects.filter(nobody_sits, ~is_desk_paused(), pk=desk.pk)
    taken = free.update(
        sitting=sitting, sitting_until=Now() + LEASE, notice="", card_number=_CARD_UNLESS_SAID_BEFORE
    )
    if taken == 0:
        return False
    desk.refresh_from_db(fields=["sitting", "card_number"])
    return desk.sitting == sitting


def keep_sitting(desk: Desk) -> bool:
    """The sitting's heartbeat. False when the desk was taken over."""
    mine = Desk.objects.filter(pk=desk.pk, sitting=desk.sitting)
    return mine.update(sitting_until=Now() + LEASE, seen_at=Now()) == 1


def may_go_on(desk: Desk) -> bool:
    """Whether the sitting may take up one renewal more: the desk is still its own and was not paused."""
    return keep_sitting(desk) and Desk.objects.filter(~is_desk_paused(), pk=desk.pk).exists()


def end_sitting(desk: Desk, *, notice: str) -> None:
    """Free the desk and leave a notice for the person at the reader; nothing if it was taken over."""
    Desk.objects.filter(pk=desk.pk, sitting=desk.sitting).update(
        sitting=None, sitting_until=None, notice=notice, card_number=_CARD_UNLESS_SAID
    )
