"""Sends invitations by mail.

A page writes down that one is due, and rings; a worker makes its link and sends it. Rung twice, late or
never, each mail goes out: an invitation whose mail has not gone is due, and the clock looks for such.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models.functions import Now
from django.utils import translation

from agency import bell, inviting, letters
from agency.models import Invitation
from agency.tenancy import scope

log = structlog.get_logger()

# A mail that did not go out is tried again after so long; no mail server is asked for longer.
AGAIN_AFTER = timedelta(minutes=5)


def post(invitation: Invitation, *, origin: str) -> None:
    """Have a worker send the invitation, once the current transaction is committed.

    In the present language, with a link to our address as `origin` ("https://…") says it.
    """
    Invitation.objects.filter(pk=invitation.pk).update(
        due_at=Now(), language=translation.get_language() or "", origin=origin
    )
    bell.ring([bell.Ring("agency.tasks.send_invitations", (invitation.agency_id,))])


def send_due(agency: UUID) -> int:
    """Send the mails of the agency's invitations that are due; how many went out. Outside of any scope.

    A mail that went out just before its worker died goes out once more, and then the link of the first
    is dead: better twice than never.
    """
    with scope(agency):
        due = inviting.open_invitations().filter(due_at__lte=Now())
        idents = list(due.order_by("due_at").values_list("pk", flat=True))
    return sum(_send(agency, ident) for ident in idents)


def _send(agency: UUID, ident: UUID) -> bool:
    """False where another worker has it, it was used or taken back, or the mail server refuses."""
    with scope(agency):
        due = inviting.open_invitations().filter(pk=ident, due_at__lte=Now())
        if not due.update(due_at=Now() + AGAIN_AFTER):
            return False
        invitation = Invitation.objects.select_related("agency", "company", "invited_by").get(pk=ident)
        token = inviting.renew_link(invitation)
    try:
        with translation.override(invitation.language or None):
            letters.invitation(invitation, token).send()
    except Exception as error:  # whatever the mail server did: it stays due, and keeps no other back
        log.error("invitation_was_not_sent", invitation=str(ident), error=type(error).__name__)
        return False
    with scope(agency):
        # Where somebody has pressed 重新发送 meanwhile this link is dead, and the next mail still due.
        inviting.with_link(token).update(due_at=None)
    return True
