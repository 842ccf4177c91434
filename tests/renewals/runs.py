"""A run in the middle of its work, as the tests of the engine need it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Armed, Click, Finished, Outcome, Reading, Reason, Standing
from renewals.domain import claiming, intents, settling
from renewals.models import Desk, Intent, Renewal, Run

DIGEST = "d" * 64


def claim(card: Card, desk: Desk) -> Run:
    """Claim the card's company's renewal, which must be due."""
    with scope(card.agency_id):
        run = claiming.claim_for_card(card, desk=desk, worker="test", profile="2024")
    assert run is not None
    return run


def press(run: Run, click: Click = Click.CONFIRM) -> None:
    """Arm and fire a click; nobody has read its effect yet."""
    with scope(run.agency_id):
        assert isinstance(intents.arm(run, click, page_sha256=DIGEST), Armed)
        intents.fired(run, click, request_sha256=DIGEST)


def read(run: Run, standings: dict[Click, Standing], **numbers: str) -> None:
    """A complete reading of the portal."""
    with scope(run.agency_id):
        intents.read(run, Reading(standings, **numbers))


def finish(run: Run, outcome: Outcome, reason: Reason | None = None) -> Renewal:
    """End the run; returns the renewal as it rests."""
    with scope(run.agency_id):
        settling.settle(run, Finished(outcome, reason))
        return Renewal.objects.get(pk=run.renewal_id)


def make_due(renewal: Renewal) -> None:
    """Let the time of the next look have come."""
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(look_at=Now() - timedelta(seconds=1))


def let_time_pass(renewal: Renewal, seconds: float) -> None:
    """Move the moments that the engine compares into the past."""
    back = timedelta(seconds=seconds)
    with scope(renewal.agency_id):
        seen_missing = Intent.objects.filter(renewal=renewal, first_absent_at__isnull=False)
        seen_missing.update(first_absent_at=F("first_absent_at") - back)
    make_due(renewal)


def state_of(renewal: Renewal, click: Click = Click.CONFIRM) -> str:
    """The state of the click's intent."""
    with scope(renewal.agency_id):
        return Intent.objects.get(renewal=renewal, click=click).state


def stages_of(renewal: Renewal) -> dict[str, str]:
    """Stage by stage, as the board shows them."""
    with scope(renewal.agency_id):
        return dict(renewal.stages.values_list("name", "state"))
