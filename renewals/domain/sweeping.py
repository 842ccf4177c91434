"""The sweep: each minute it repairs what a lost message, a dead worker or a dead broker left behind.

It may run twice at once or not at all for a while: one works at a time, and each repair looks
again under the row's lock.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from agency.tenancy import scope
from renewals.domain import across
from renewals.domain.claiming import is_due
from renewals.domain.desks import usable_cards
from renewals.domain.doorbell import ring
from renewals.domain.matters import close_matters, open_matter
from renewals.domain.settling import give_up_lost_run
from renewals.models import Desk, Renewal, State
from renewals.reasons import EngineReason

log = structlog.get_logger()

# No look is ever put off for longer: the longest Chinese holiday, a weekend, and a day.
LATEST_LOOK_S = 14 * 24 * 3600.0
# So lately must a renewal have changed that a sweep compares it with its stages; the clock has all compared.
COMPARED_WITHIN = timedelta(hours=1)


def sweep() -> bool:
    """End leases that ran out, ask for persons, ring the desks whose card has work.

    False when another sweep is at work. Logs an error for a renewal that has no next step, and for one that
    changed within the last hour and contradicts its stages.
    """
    with across.alone() as is_alone:
        if not is_alone:
            return False
        for agency, renewal in across.expired_leases():
            end_lease(agency, renewal)
        ask_for_persons()
        for agency, desk in across.desks_with_a_card():
            ring_if_due(agency, desk)
        alert()
        alert_of_stages(changed_within=COMPARED_WITHIN)
        return True


def end_lease(agency: UUID, renewal_id: UUID) -> None:
    """Free a renewal whose worker fell silent; nothing if it has spoken in the meantime."""
    with scope(agency):
        renewal = (
            Renewal.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=renewal_id, state=State.RUNNING, lease_until__lt=Now())
            .select_related("batch")
            .first()
        )
        if renewal is not None:
            log.warning("lease_ran_out", renewal=str(renewal.pk), epoch=renewal.epoch)
            give_up_lost_run(renewal)


def ask_for_persons() -> None:
    """Open matters where no card is usable or a policy is late; close them where a card is usable again."""
    today = timezone.localdate()
    for agency, renewal in across.without_a_card(today):
        _ask(agency, renewal, EngineReason.CARD_UNUSABLE)
    for agency, renewal in across.with_a_card_again(today):
        with scope(agency):
            close_matters(
                Renewal.objects.get(pk=renewal), by=None, why="usable", reason=EngineReason.CARD_UNUSABLE
            )
    for agency, renewal in across.overdue(today + timedelta(days=settings.OVERDUE_BEFORE_DAYS)):
        _ask(agency, renewal, EngineReason.POLICY_OVERDUE)


def _ask(agency: UUID, renewal_id: UUID, reason: EngineReason) -> None:
    with scope(agency):
        renewal = (
            Renewal.objects.select_for_update(of=("self",))
            .filter(pk=renewal_id)
            .exclude(state__in=[State.COMPLETE, State.REFUSED, State.CANCELLED])
            .first()
        )
        if renewal is not None:
            open_matter(renewal, reason)


def ring_if_due(agency: UUID, desk_id: UUID) -> None:
    """Ring a desk when something waits for the card in its reader."""
    with scope(agency):
        waiting = Renewal.objects.filter(is_due(), company__cards__number=OuterRef("card_number"))
        usable = usable_cards().filter(number=OuterRef("card_number"))
        desk = Desk.objects.filter(Exists(waiting), Exists(usable), pk=desk_id).first()
        if desk is not None:
            ring(desk)


def alert() -> int:
    """How many renewals have no next step and no open matter: an error in the log if there is one."""
    lost = across.without_a_next_step(timezone.localdate(), latest_look_s=LATEST_LOOK_S)
    if lost:
        log.error("renewals_without_a_next_step", number=len(lost), renewals=[str(pk) for _, pk in lost[:20]])
    return len(lost)


def alert_of_stages(*, changed_within: timedelta | None = None) -> int:
    """How many renewals contradict their stages, of all or of what changed lately: an error in the log if
    there is one.
    """
    found = across.at_odds_with_its_stages(changed_within=changed_within)
    if found:
        log.error(
            "renewals_at_odds_with_their_stages",
            number=len(found),
            renewals=[str(pk) for _, pk in found[:20]],
        )
    return len(found)
