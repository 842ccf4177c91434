"""What a person does by hand on the portal: takes a renewal over, and says which stages are done.

A click by hand is a click. It counts as pressed and not read, so that nobody presses it again before
the portal was read; what a person says is never taken for what the portal shows.
"""

from __future__ import annotations

from django.db.models import F
from django.db.models.functions import Least, Now

from agency import audit
from agency.models import User
from portal_driver.contract import Click
from renewals.domain.attention import NotPossibleNow, locked, queue_again, refuse_if_anothers
from renewals.domain.doorbell import ring_for
from renewals.domain.intents import PRESSES_AT_MOST
from renewals.domain.stages import open_stages, rest_stages, stage_needs_person, stage_unknown
from renewals.domain.story import move, tell, touch
from renewals.models import Intent, IntentState, Renewal, StageName, State
from renewals.reasons import EngineReason

OVER = (State.COMPLETE, State.CANCELLED)


def take_over(renewal: Renewal, *, by: User) -> bool:
    """Keep the machine's hands off the renewal: `by` does it on the portal, and is in charge of it.

    False while a run is under way: it stops before its next irreversible click, and what it leaves
    then waits for `by`. `give_back` ends it. Raises `NotPossibleNow` once it is over, and while a
    colleague has it.
    """
    renewal = locked(renewal)
    if renewal.state in OVER:
        raise NotPossibleNow("over")
    refuse_if_anothers(renewal, by=by)
    if renewal.state == State.RUNNING:
        Renewal.objects.filter(pk=renewal.pk).update(taken_by=by, assignee=by)
        tell(renewal, "take_over_asked", by=by)
        audit.record("take_over_asked", renewal, by=by)
        touch(renewal)
        return False
    stage_needs_person(renewal)
    move(
        renewal,
        State.ATTENTION,
        kind="taken_over",
        by=by,
        taken_by=by,
        assignee=by,
        reason=EngineReason.TAKEN_OVER,
        reason_detail={},
        look_at=None,
    )
    return True


def give_back(renewal: Renewal, *, by: User) -> None:
    """Nobody does it by hand any more: the next run reads the portal and does what is left.

    Raises `NotPossibleNow` where nobody has taken it over.
    """
    renewal = locked(renewal)
    if renewal.state != State.ATTENTION or renewal.taken_by_id is None:
        raise NotPossibleNow("not_stopped")
    queue_again(renewal, by=by, why="", kind="retried")


def done_by_hand(renewal: Renewal, upto: StageName, *, by: User, proof: str) -> None:
    """A person did the stages up to this one on the portal; the next run looks before anything else.

    `proof` says where the portal shows it. Raises `NotPossibleNow` while a run is under way, while a
    colleague does it by hand, once it is over, and for a stage that is settled.
    """
    renewal = locked(renewal)
    if renewal.state in OVER:
        raise NotPossibleNow("over")
    refuse_if_anothers(renewal, by=by)
    if renewal.state == State.RUNNING:
        raise NotPossibleNow("running", until=renewal.lease_until)
    still_open = open_stages(renewal)
    if upto not in still_open:
        raise NotPossibleNow("other_stage")
    rest_stages(renewal)
    for stage in still_open[: still_open.index(upto) + 1]:
        _pressed_by_hand(renewal, next(click for click in Click if click.stage.value == stage.value))
    move(
        renewal,
        State.UNKNOWN,
        kind="done_by_hand",
        by=by,
        detail={"stage": upto, "proof": proof},
        look_at=Now(),
        reason="",
        reason_detail={},
        setbacks=0,
        taken_by=None,
    )
    ring_for([renewal.company_id])


def _pressed_by_hand(renewal: Renewal, click: Click) -> None:
    intent, _made = Intent.objects.get_or_create(
        renewal=renewal, click=click, defaults={"agency_id": renewal.agency_id, "epoch": renewal.epoch}
    )
    Intent.objects.filter(pk=intent.pk).exclude(state=IntentState.CONFIRMED).update(
        state=IntentState.UNKNOWN,
        presses=Least(F("presses") + 1, PRESSES_AT_MOST),
        fired_at=Now(),
        settled_at=None,
        first_absent_at=None,
        proof="",
    )
    stage_unknown(renewal, click.stage)
