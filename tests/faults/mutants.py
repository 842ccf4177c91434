"""The guards of the engine, each taken out: the proofs that the fault tests would notice.

A mutant is applied in a worker that the fault tests started, or in the model driver; `./run
faults --mutants` shows what each does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from portal_driver.contract import Click
from renewals.domain import claiming, intents, settling
from renewals.models import OPEN_INTENT, IntentState, Renewal, Run


def without_looking_first() -> None:
    """A click that was pressed and not read may be pressed again."""
    original = intents._refusal

    def refusal(renewal: Renewal, intent: Any) -> str:
        if intent.state in (IntentState.UNKNOWN, IntentState.ARMED, IntentState.FIRED):
            return ""
        return original(renewal, intent)

    intents._refusal = refusal


def without_the_epoch() -> None:
    """A worker writes whether or not the renewal is still its own."""

    def hold(run: Run) -> Renewal:
        return (
            Renewal.objects.select_for_update(of=("self",))
            .select_related("company", "batch")
            .get(pk=run.renewal_id)
        )

    for module in (claiming, intents, settling):
        module.hold = hold  # type: ignore[attr-defined]


def without_a_second_reading() -> None:
    """One reading that does not show a click's effect counts as proof that it took none."""
    original = intents._missed

    def missed(renewal: Renewal, run: Run, click: Click) -> None:
        long_ago = Now() - timedelta(days=1)
        renewal.intents.filter(click=click, state__in=OPEN_INTENT).update(first_absent_at=long_ago)
        original(renewal, run, click)

    intents._missed = missed


MUTANTS: dict[str, Callable[[], None] | None] = {
    "look first": without_looking_first,
    "second reading": without_a_second_reading,
    "epoch": without_the_epoch,
    # In the driver, or in what calls the engine:
    "gate": None,
    "fence": None,
    "sweep": None,
}
