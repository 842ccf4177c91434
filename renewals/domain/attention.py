"""What a person does with renewals: try again, one stage again; close it, or give up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Least, Now

from agency import audit
from agency.models import User
from portal_driver.contract import Click
from renewals.domain.doorbell import ring_for
from renewals.domain.matters import close_matters
from renewals.domain.settling import resting_state
from renewals.domain.stages import rest_stages
from renewals.domain.story import move
from renewals.models import OPEN_INTENT, IntentState, Renewal, StageName, State
from renewals.reasons import EngineReason

RETRIABLE = (State.ATTENTION, State.REFUSED)


class NotPossibleNow(ValueError):
    """The act does not fit the renewal's present state; `code` says why, `until` when it may fit, and `who`
    is the colleague in whose way it would be.
    """

    def __init__(self, code: str, *, until: datetime | None = None, who: str = "") -> None:
        self.code = code
        self.until = until
        self.who = who
        super().__init__(code)


def retry(renewal: Renewal, *, by: User, why: str = "") -> None:
    """Put the renewal back in the queue: the next run reads the portal and does what is left.

    Raises `NotPossibleNow` when it does not wait for a person, and while somebody does it by hand: two
    would press (`by_hand.give_back` ends that).
    """
    renewal = locked(renewal)
    if renewal.state not in RETRIABLE:
        raise NotPossibleNow("not_stopped")
    if renewal.taken_by is not None:
        raise NotPossibleNow("taken_over", who=renewal.taken_by.name)
    queue_again(renewal, by=by, why=why, kind="retried")


def retry_stage(renewal: Renewal, stage: StageName, *, by: User, why: str, as_of: int | None = None) -> None:
    """Do a stage from its start: a person has seen on the portal that its click took no effect.

    The click's intent is settled as absent on the person's word, and may be pressed once more, also
    after two presses. The next run still reads the portal first, and presses nothing that is done.
    `as_of` is the epoch that the person saw before he looked: a run since then may have pressed again.
    Raises `NotPossibleNow` while a run is under way, where there was one since `as_of`, while somebody
    does it by hand, and for a stage that is settled or that is not the renewal's present one.
    """
    renewal = locked(renewal)
    if renewal.state not in (*RETRIABLE, State.UNKNOWN):
        raise NotPossibleNow("running" if renewal.state == State.RUNNING else "not_stopped")
    if renewal.stage != stage:
        raise NotPossibleNow("other_stage")
    if renewal.taken_by is not None:
        raise NotPossibleNow("taken_over", who=renewal.taken_by.name)
    if as_of not in (None, renewal.epoch):
        raise NotPossibleNow("ran_since")
    renewal.intents.filter(click__in=[click for click in Click if click.stage.value == stage.value]).exclude(
        state=IntentState.CONFIRMED
    ).update(state=IntentState.ABSENT, settled_at=Now(), presses=Least("presses", 1), proof="")
    audit.record("stage_retried", renewal, by=by, stage=stage, why=why)
    queue_again(renewal, by=by, why=why, kind="stage_retried")


def cancel(renewal: Renewal, *, by: User, why: str) -> None:
    """Give the renewal up. What was done on the portal stays done.

    Raises `NotPossibleNow` while it runs, while a click is not yet read, while a colleague does it by
    hand, or once it is over; where it is known when that will have been settled, `until` says so.
    """
    renewal = locked(renewal)
    refuse_if_anothers(renewal, by=by)
    _refuse_while_open(renewal)
    rest_stages(renewal)
    move(renewal, State.CANCELLED, kind="cancelled", by=by, detail={"why": why}, look_at=None, taken_by=None)
    close_matters(renewal, by=by, why=why)


def refuse(renewal: Renewal, *, by: User, why: str) -> None:
    """Close what stopped as refused: portal, insurer or company said no, and nobody tries again this year.

    A later `retry` takes it up again. Raises `NotPossibleNow` when it does not wait for a person, while
    a colleague does it by hand, and while a click is not yet read.
    """
    renewal = locked(renewal)
    if renewal.state not in RETRIABLE:
        raise NotPossibleNow("not_stopped")
    refuse_if_anothers(renewal, by=by)
    _refuse_while_open(renewal)
    move(
        renewal,
        State.REFUSED,
        kind="closed_as_refused",
        by=by,
        detail={"why": why},
        reason=EngineReason.CLOSED_AS_REFUSED,
        look_at=None,
        taken_by=None,
    )
    close_matters(renewal, by=by, why=why)


def _refuse_while_open(renewal: Renewal) -> None:
    """Raise `NotPossibleNow` for what is over, runs, or has a click that is not yet read."""
    if renewal.state in (State.COMPLETE, State.CANCELLED):
        raise NotPossibleNow("over")
    if renewal.state == State.RUNNING:
        raise NotPossibleNow("running", until=renewal.lease_until)
    if renewal.intents.filter(state__in=OPEN_INTENT).exists():
        raise NotPossibleNow("click_open", until=_read_at(renewal))


def refuse_if_anothers(renewal: Renewal, *, by: User) -> None:
    """Raise `NotPossibleNow` for what a colleague does by hand: he may be on the portal this moment.

    Anybody can give it back (`by_hand.give_back`); it is then no surprise to either.
    """
    if renewal.taken_by is not None and renewal.taken_by != by:
        raise NotPossibleNow("taken_over", who=renewal.taken_by.name)


def locked(renewal: Renewal) -> Renewal:
    """The renewal as it is now, its row held until the transaction ends."""
    return Renewal.objects.select_for_update(of=("self",)).get(pk=renewal.pk)


def queue_again(renewal: Renewal, *, by: User, why: str, kind: str) -> None:
    """Let a run take up a locked renewal that waited for a person; nobody does it by hand any more."""
    rest_stages(renewal)
    move(
        renewal,
        resting_state(renewal),
        kind=kind,
        by=by,
        detail={"why": why},
        look_at=Now(),
        reason="",
        reason_detail={},
        setbacks=0,
        taken_by=None,
    )
    ring_for([renewal.company_id])


def _read_at(renewal: Renewal) -> datetime | None:
    """When an open click can be read: at the next look, or after the second reading that must agree."""
    missed = renewal.intents.filter(state__in=OPEN_INTENT).aggregate(first=Max("first_absent_at"))["first"]
    moments = [renewal.look_at]
    if missed is not None:
        moments.append(missed + timedelta(seconds=settings.SECOND_READING_AFTER_S))
    known = [moment for moment in moments if moment is not None]
    return max(known) if known else None
