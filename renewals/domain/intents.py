"""The irreversible clicks: written down before they are pressed, settled only by reading.

    PLANNED → ARMED → FIRED → CONFIRMED
                 └──────┴──→ UNKNOWN → CONFIRMED (a reading shows the effect)
                                     → ABSENT    (two complete readings, apart in time, do not)

Nobody presses from ARMED, FIRED or UNKNOWN. From ABSENT one more press is allowed; a click that
was pressed twice goes to a person.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from agency import audit
from companies.models import Consent
from portal_driver.contract import Armed, Click, NotArmed, Reading, Standing
from renewals.domain.claiming import hold
from renewals.domain.guarding import must_wait_to_press
from renewals.domain.keeping import policy_received
from renewals.domain.pausing import why_paused
from renewals.domain.stages import finish_stage, skip_stage
from renewals.domain.story import tell
from renewals.models import OPEN_INTENT, Intent, IntentState, Renewal, Run
from renewals.reasons import EngineReason

PRESSES_AT_MOST = 2


def arm(run: Run, click: Click, *, page_sha256: str) -> Armed | NotArmed:
    """Write the intent down and allow one press, or say why not.

    The caller must commit before it passes `Armed` on. Raises `EpochLost`.
    """
    renewal = hold(run)
    intent, _made = Intent.objects.select_for_update().get_or_create(
        renewal=renewal, click=click, defaults={"agency_id": renewal.agency_id, "epoch": run.epoch}
    )
    if refusal := _refusal(renewal, intent):
        Run.objects.filter(pk=run.pk).update(reason=refusal)
        tell(renewal, "not_armed", run=run, click=click, reason=refusal)
        return NotArmed(click, why=refusal)
    Intent.objects.filter(pk=intent.pk).update(
        state=IntentState.ARMED,
        epoch=run.epoch,
        presses=F("presses") + 1,
        armed_at=Now(),
        first_absent_at=None,
        page_sha256=page_sha256,
    )
    tell(renewal, "armed", run=run, click=click)
    audit.record("armed", renewal, by=None, click=click, epoch=run.epoch)
    return Armed(click)


def waits_for_another(run: Run, click: Click) -> bool:
    """Whether another company of the batch tries this stage first. Raises `EpochLost`."""
    return must_wait_to_press(hold(run), click)


def _refusal(renewal: Renewal, intent: Intent) -> str:
    """Why this click must not be pressed now; empty when it may."""
    click = Click(intent.click)
    if intent.state in OPEN_INTENT:
        return EngineReason.LOOK_FIRST
    if intent.state == IntentState.CONFIRMED:
        return EngineReason.ALREADY_CONFIRMED
    if intent.presses >= PRESSES_AT_MOST:
        return EngineReason.PRESSED_TWICE
    if renewal.taken_by_id:
        return EngineReason.TAKEN_OVER
    if why_paused(renewal, stage=click.stage):
        return EngineReason.PAUSED
    if must_wait_to_press(renewal, click):
        return EngineReason.HELD_BACK
    if not Consent.objects.filter(
        company=renewal.company, year=renewal.year, revoked_at__isnull=True
    ).exists():
        return EngineReason.CONSENT_MISSING
    return ""


def fired(run: Run, click: Click, *, request_sha256: str) -> None:
    """The request left. Raises `EpochLost`."""
    renewal = hold(run)
    renewal.intents.filter(click=click, state=IntentState.ARMED, epoch=run.epoch).update(
        state=IntentState.FIRED, fired_at=Now(), request_sha256=request_sha256
    )
    tell(renewal, "fired", run=run, click=click)


def confirmed(run: Run, click: Click, *, proof: str) -> None:
    """The portal showed the effect right away. Raises `EpochLost`."""
    renewal = hold(run)
    _confirm(renewal, run, click, proof=proof)


def read(run: Run, reading: Reading) -> None:
    """Settle the clicks that this complete reading tells about. Raises `EpochLost`.

    Done shows at once. Not done counts only when two readings agree that lie apart in time:
    the portal's list may lag.
    """
    renewal = hold(run)
    if reading.application and reading.application != renewal.application_number:
        Renewal.objects.filter(pk=renewal.pk).update(application_number=reading.application)
        tell(
            renewal, "application_seen", run=run, number=reading.application, state=reading.application_state
        )
    for click, standing in reading.standings.items():
        if standing == Standing.DONE:
            _confirm(renewal, run, click, proof=reading.application or reading.policy)
        elif standing == Standing.SKIPPED:
            _passed_over(renewal, run, click, proof=reading.application)
        elif standing == Standing.NOT_DONE:
            _missed(renewal, run, click)


def _confirm(renewal: Renewal, run: Run, click: Click, *, proof: str) -> None:
    settled = renewal.intents.filter(click=click, state__in=[*OPEN_INTENT, IntentState.ABSENT]).update(
        state=IntentState.CONFIRMED, settled_at=Now(), proof=proof
    )
    newly_done = finish_stage(renewal, click.stage)
    if click == Click.RECEIPT:
        policy_received(renewal)
    if settled or newly_done:
        kind = "confirmed" if settled else "done_elsewhere"
        tell(renewal, kind, run=run, click=click, proof=proof)
        audit.record(kind, renewal, by=None, click=click, proof=proof)


def _passed_over(renewal: Renewal, run: Run, click: Click, *, proof: str) -> None:
    """The portal is past this step. Where we had pressed it ourselves, that shows that it took effect."""
    if renewal.intents.filter(click=click, presses__gt=0).exists():
        _confirm(renewal, run, click, proof=proof)
    else:
        skip_stage(renewal, click.stage)


def _missed(renewal: Renewal, run: Run, click: Click) -> None:
    """A complete reading does not show the click's effect."""
    open_ones = renewal.intents.filter(click=click, state__in=OPEN_INTENT)
    apart = timedelta(seconds=settings.SECOND_READING_AFTER_S)
    absent = open_ones.filter(first_absent_at__lte=Now() - apart).update(
        state=IntentState.ABSENT, settled_at=Now()
    )
    if absent:
        tell(renewal, "absent", run=run, click=click)
        audit.record("absent", renewal, by=None, click=click)
    elif open_ones.filter(first_absent_at__isnull=True).update(first_absent_at=Now()):
        tell(renewal, "missed_once", run=run, click=click)


def leave_open(renewal: Renewal) -> list[Click]:
    """The run ended: what was armed or fired and never read is unknown from now on.

    Returns all clicks of the renewal that are unknown.
    """
    hanging = renewal.intents.filter(state__in=[IntentState.ARMED, IntentState.FIRED])
    hanging.update(state=IntentState.UNKNOWN)
    still_open = renewal.intents.filter(state__in=OPEN_INTENT)
    return [Click(click) for click in still_open.values_list("click", flat=True)]
