"""What a person does with a renewal that stopped: try again, or give it up."""

from __future__ import annotations

from django.db.models.functions import Now

from agency.models import User
from renewals.domain.doorbell import ring_for
from renewals.domain.settling import resting_state
from renewals.domain.stages import rest_stages
from renewals.domain.story import move
from renewals.models import OPEN_INTENT, Renewal, State

RETRIABLE = (State.ATTENTION, State.REFUSED)


class NotPossibleNow(ValueError):
    """The act does not fit the renewal's present state; `code` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def retry(renewal: Renewal, *, by: User, why: str = "") -> None:
    """Put the renewal back in the queue: the next run reads the portal and does what is left.

    Raises `NotPossibleNow` when it does not wait for a person.
    """
    renewal = _locked(renewal)
    if renewal.state not in RETRIABLE:
        raise NotPossibleNow("not_stopped")
    rest_stages(renewal)
    move(
        renewal,
        resting_state(renewal),
        kind="retried",
        by=by,
        detail={"why": why},
        look_at=Now(),
        reason="",
        reason_detail={},
        setbacks=0,
    )
    ring_for([renewal.company_id])


def cancel(renewal: Renewal, *, by: User, why: str) -> None:
    """Give the renewal up. What was done on the portal stays done.

    Raises `NotPossibleNow` while it runs, while a click is not yet read, or once it is over.
    """
    renewal = _locked(renewal)
    if renewal.state in (State.COMPLETE, State.CANCELLED):
        raise NotPossibleNow("over")
    if renewal.state == State.RUNNING:
        raise NotPossibleNow("running")
    if renewal.intents.filter(state__in=OPEN_INTENT).exists():
        raise NotPossibleNow("click_open")
    move(renewal, State.CANCELLED, kind="cancelled", by=by, detail={"why": why}, look_at=None)


def _locked(renewal: Renewal) -> Renewal:
    return Renewal.objects.select_for_update(of=("self",)).get(pk=renewal.pk)
