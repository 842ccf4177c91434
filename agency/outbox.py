"""Mails that stand in rows until a worker has sent them.

A page writes down that a row's mail is due, and rings; a worker makes the mail and sends it. Rung twice, late
or never, each mail goes out: a row whose mail has not gone is due, and the clock looks for such. Where it
cannot go out at all, that ends, and the row says so to whoever looks at it, and the audit trail for good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import translation

from agency import audit
from agency.models import Outgoing
from agency.tenancy import scope

log = structlog.get_logger()

# A mail that did not go out is tried again after so long, and then after twice as long each time: three
# and a half days in all, so that a mail server may be away from Friday to Monday.
FIRST_PAUSE = timedelta(minutes=5)
TRIES = 11
# From here on a mail server's answer is for ever (RFC 5321 4.2.1).
_FOR_EVER = 500


@dataclass(frozen=True)
class Outbox[Row: Outgoing]:
    """Rows of one kind: which they are, what mails one of them becomes, and on what and with which detail the
    trail tells that one could not be delivered. All are asked in a scope.
    """

    rows: Callable[[], QuerySet[Row]]
    mails: Callable[[Row], list[EmailMessage]]
    told: Callable[[Row], tuple[Any, dict[str, Any]]]

    def send_due(self, agency: UUID) -> int:
        """Send the mails that are due in the agency; of how many rows they went out. Outside of any scope.

        A mail that went out just before its worker died goes out once more, and then the link of the
        first is dead: better twice than never.
        """
        with scope(agency):
            due = self.rows().filter(due_at__lte=Now()).order_by("due_at")
            idents = list(due.values_list("pk", flat=True))
        return sum(self._send(agency, ident) for ident in idents)

    def _send(self, agency: UUID, ident: UUID) -> bool:
        """False where another worker has it, nobody can be written to, or the mail server refuses."""
        with scope(agency):
            row = self._take(ident)
        if row is None:
            return False
        try:
            with scope(agency), translation.override(row.language or None):
                mails = self.mails(row)
            arrived = [_deliver(mail) for mail in mails]
        except Exception as error:  # whatever the mail server did: it stays due, and keeps no other back
            log.error("mail_was_not_sent", row=str(ident), tries=row.mail_tries, error=type(error).__name__)
            if row.mail_tries >= TRIES:
                self._settle(agency, row, has_failed=True)
            return False
        self._settle(agency, row, has_failed=not arrived or not all(arrived))
        return any(arrived)

    def _take(self, ident: UUID) -> Row | None:
        """The row, which no other worker has now; due again after a pause, should this one die."""
        due = self.rows().filter(pk=ident, due_at__lte=Now())
        row = due.first()
        if row is None:
            return None
        again = Now() + FIRST_PAUSE * 2**row.mail_tries
        if not due.update(due_at=again, mail_tries=row.mail_tries + 1):
            return None
        row.refresh_from_db(fields=["due_at", "mail_tries"])
        return row

    def _settle(self, agency: UUID, row: Row, *, has_failed: bool) -> None:
        """Nothing is due any more, unless somebody has asked for another mail meanwhile."""
        with scope(agency):
            as_taken = self.rows().filter(pk=row.pk, due_at=row.due_at)
            settled = as_taken.update(due_at=None, mail_failed_at=Now() if has_failed else None)
            if settled and has_failed:
                on, detail = self.told(row)
                audit.record("mail_undelivered", on, by=None, **detail)


def _deliver(mail: EmailMessage) -> bool:
    """Send the mail. False where its address refuses for ever; raises what time may mend."""
    try:
        mail.send()
    except SMTPRecipientsRefused as refusal:
        if any(code < _FOR_EVER for code, _said in refusal.recipients.values()):
            raise
        log.warning("address_refuses_mail", codes=[code for code, _said in refusal.recipients.values()])
        return False
    return True
