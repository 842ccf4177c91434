"""Sends invitations by mail: a page writes down that one is due, a worker makes its link (`outbox.py`)."""

from __future__ import annotations

from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import translation

from agency import bell, inviting, letters
from agency.models import Invitation
from agency.outbox import Outbox


def post(invitation: Invitation, *, origin: str) -> None:
    """Have a worker send the invitation, once the current transaction is committed.

    In the present language, with a link to our address as `origin` ("https://…") says it.
    """
    Invitation.objects.filter(pk=invitation.pk).update(
        due_at=Now(),
        mail_tries=0,
        mail_failed_at=None,
        language=translation.get_language() or "",
        origin=origin,
    )
    bell.ring([bell.Ring("agency.tasks.send_invitations", (invitation.agency_id,))])


def send_due(agency: UUID) -> int:
    """Send the mails of the agency's invitations that are due; how many went out. Outside of any scope."""
    return _OUTBOX.send_due(agency)


def _invitations() -> QuerySet[Invitation]:
    return inviting.open_invitations().select_related("agency")


def _mails(invitation: Invitation) -> list[EmailMessage]:
    """The invitation with a new link; none where it was used or taken back a moment ago."""
    token = inviting.renew_link(invitation)
    return [letters.invitation(invitation, token)] if token else []


def _told(invitation: Invitation) -> tuple[Invitation, dict[str, str]]:
    return invitation, inviting.told_of(invitation)


_OUTBOX = Outbox(_invitations, _mails, _told)
