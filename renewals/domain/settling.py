"""How a run's end decides what the renewal does next."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from portal_driver.contract import Finished, Outcome, Reason
from renewals.domain.claiming import hold
from renewals.domain.clock import database_now
from renewals.domain.guarding import judge
from renewals.domain.intents import leave_open
from renewals.domain.matters import close_matters
from renewals.domain.pins import judge_pin
from renewals.domain.schedule import next_look
from renewals.domain.stages import rest_stages, stage_needs_person
from renewals.domain.story import move
from renewals.models import IntentState, Renewal, Run, State
from renewals.reasons import EngineReason, asks_nobody, is_technical, words

LONGEST_PAUSE_S = 4 * 3600.0
HELD_BACK_S = 15.0


def settle(run: Run, finished: Finished) -> None:
    """Close the run and move the renewal on, in the caller's transaction. Raises `EpochLost`.

    An unread click decides before anything else: the next thing that happens is a look.
    """
    renewal = hold(run)
    run.refresh_from_db(fields=["reason"])
    reason = run.reason or (finished.reason.value if finished.reason else "")
    Run.objects.filter(pk=run.pk).update(ended_at=Now(), outcome=finished.outcome, reason=reason, doing={})
    outcome, reason = _with_the_pins_fate(run, finished.outcome, reason, untouched=finished.pin_untouched)
    _rest(renewal, run, outcome, reason, dict(finished.detail))


def give_up_lost_run(renewal: Renewal) -> None:
    """The lease ran out: its worker is dead or cut off. The renewal is free again.

    The caller holds the row's lock. What was pressed and not read is unknown.
    """
    run = renewal.runs.filter(epoch=renewal.epoch).first()
    outcome, reason = Outcome.LATER, str(EngineReason.WORKER_LOST)
    if run is not None:
        Run.objects.filter(pk=run.pk, ended_at__isnull=True).update(
            ended_at=Now(), outcome=Outcome.LATER, reason=EngineReason.WORKER_LOST, doing={}
        )
        outcome, reason = _with_the_pins_fate(run, outcome, reason, untouched=False)
    # The epoch moves on, so that the old worker, should it wake up, changes nothing.
    Renewal.objects.filter(pk=renewal.pk).update(epoch=F("epoch") + 1)
    _rest(renewal, run, outcome, reason, {})


def _with_the_pins_fate(run: Run, outcome: Outcome, reason: str, *, untouched: bool) -> tuple[Outcome, str]:
    """How the run ended; a card that goes into quarantine with it needs a person, whatever else happened."""
    quarantined = judge_pin(run, reason, untouched=untouched)
    return (Outcome.PERSON_NEEDED, quarantined) if quarantined else (outcome, reason)


def _rest(renewal: Renewal, run: Run | None, outcome: Outcome, reason: str, detail: dict[str, Any]) -> None:
    """Bring the renewal to the state in which it waits for whatever comes next."""
    rest_stages(renewal)
    unread = leave_open(renewal)
    ran_to = outcome
    outcome, reason = _for_who_takes_over(renewal, outcome, reason)
    changes: dict[str, Any] = {"reason": reason, "reason_detail": detail}
    if ran_to == Outcome.SUBMITTED:
        changes["submitted_at"] = renewal.submitted_at or database_now()
    changes["taken_by"] = renewal.taken_by_id if reason == EngineReason.TAKEN_OVER else None
    if _needs_person(outcome, reason) or _patience_is_over(renewal, outcome, reason, unread=bool(unread)):
        stage_needs_person(renewal)
        state, changes["look_at"] = State.ATTENTION, Now() if unread else None
        changes["reason"] = reason or EngineReason.ENGINE_FAILED
    elif unread:
        # A portal that is down is not signed in to each minute, all night.
        pause = pause_s(renewal.setbacks) if outcome == Outcome.LATER else 0.0
        state, changes["look_at"] = State.UNKNOWN, _after(max(settings.SECOND_READING_AFTER_S, pause))
        changes |= {"reason": Reason.OUTCOME_UNKNOWN, "setbacks": F("setbacks") + 1}
    elif outcome == Outcome.COMPLETE:
        state = State.COMPLETE
        changes |= {"look_at": None, "completed_at": Now(), "reason": "", "setbacks": 0}
    elif outcome == Outcome.REFUSED:
        stage_needs_person(renewal)
        state, changes["look_at"] = State.REFUSED, None
    elif outcome == Outcome.SUBMITTED:
        state = State.SUBMITTED
        look_at = next_look(now=database_now(), submitted_at=changes["submitted_at"])
        changes |= {"look_at": look_at, "reason": "", "setbacks": 0}
    elif asks_nobody(reason):
        state = resting_state(renewal)
        changes["look_at"] = _after(HELD_BACK_S) if reason == EngineReason.HELD_BACK else Now()
    else:
        state = resting_state(renewal)
        # A worker that died says nothing about the portal: another goes on at once. A renewal that ends one
        # worker after another waits for longer each time, as for anything else.
        is_first_loss = reason == EngineReason.WORKER_LOST and renewal.setbacks == 0
        pause = 0.0 if is_first_loss else pause_s(renewal.setbacks)
        changes |= {"look_at": _after(pause), "setbacks": F("setbacks") + 1}
    move(
        renewal, state, kind=f"rests_{state}", run=run, detail={"reason": reason, "found": detail}, **changes
    )
    if state in (State.COMPLETE, State.REFUSED):
        close_matters(renewal, by=None, why=state)
    if run is not None:
        judge(run, renewal, outcome=ran_to, reason=reason, expected=str(detail.get("expected", "")))


def _for_who_takes_over(renewal: Renewal, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
    """How the run ended; what would go on by itself waits for the person who wants to do it by hand.

    Also what was submitted: later runs would press what is left of it.
    """
    is_over = outcome in (Outcome.COMPLETE, Outcome.REFUSED)
    if renewal.taken_by_id and not is_over and not _needs_person(outcome, reason):
        return Outcome.PERSON_NEEDED, EngineReason.TAKEN_OVER
    return outcome, reason


def resting_state(renewal: Renewal) -> State:
    """Where a renewal waits that is not running: read from its clicks, not remembered."""
    if renewal.intents.filter(state__in=[IntentState.ARMED, IntentState.FIRED, IntentState.UNKNOWN]).exists():
        return State.UNKNOWN
    return State.SUBMITTED if renewal.submitted_at else State.WAITING


def pause_s(setbacks: int) -> float:
    """How long to wait after so many technical failures in a row, in seconds: doubled each time, jittered."""
    longest = min(settings.RETRY_AFTER_S * 2.0**setbacks, LONGEST_PAUSE_S)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311  # spreads the load, guards nothing


def _needs_person(outcome: Outcome, reason: str) -> bool:
    """Whether only a person can mend it; what time or the next look mends does not count."""
    stopped = outcome in (Outcome.PERSON_NEEDED, Outcome.STOPPED)
    return stopped and reason != EngineReason.LOOK_FIRST and not is_technical(reason)


def _patience_is_over(renewal: Renewal, outcome: Outcome, reason: str, *, unread: bool) -> bool:
    """Whether what time might mend has not mended itself for so long that a person must look."""
    if outcome in (Outcome.SUBMITTED, Outcome.COMPLETE, Outcome.REFUSED) and not unread:
        return False
    code = Reason.OUTCOME_UNKNOWN if unread or not reason else reason
    return not asks_nobody(reason) and renewal.setbacks + 1 >= words(code).patience


def _after(seconds: float) -> Any:
    return Now() + timedelta(seconds=seconds)
