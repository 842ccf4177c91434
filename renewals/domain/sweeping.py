"""The sweep: each minute it repairs what a lost message, a dead worker or a dead broker left behind.

It may run twice at once or not at all for a while: each repair looks again under the row's lock.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from agency.tenancy import scope
from companies.models import Card
from renewals.domain import across
from renewals.domain.claiming import is_due
from renewals.domain.doorbell import ring
from renewals.domain.settling import give_up_lost_run
from renewals.models import Desk, Renewal, State

log = structlog.get_logger()


def sweep() -> None:
    """End the leases that ran out, then ring the desks whose card has work."""
    for agency, renewal in across.expired_leases():
        end_lease(agency, renewal)
    for agency, desk in across.desks_with_a_card():
        ring_if_due(agency, desk)


def end_lease(agency: UUID, renewal_id: UUID) -> None:
    """Free a renewal whose worker fell silent; nothing if it has spoken in the meantime."""
    with scope(agency):
        renewal = (
            Renewal.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=renewal_id, state=State.RUNNING, lease_until__lt=Now())
            .first()
        )
        if renewal is not None:
            log.warning("lease_ran_out", renewal=str(renewal.pk), epoch=renewal.epoch)
            give_up_lost_run(renewal)


def ring_if_due(agency: UUID, desk_id: UUID) -> None:
    """Ring a desk when something waits for the card in its reader."""
    with scope(agency):
        waiting = Renewal.objects.filter(is_due(), company__cards__number=OuterRef("card_number"))
        usable = Card.objects.filter(number=OuterRef("card_number"), quarantined_at__isnull=True)
        desk = Desk.objects.filter(Exists(waiting), Exists(usable), pk=desk_id).first()
        if desk is not None:
            ring(desk)
