"""Sends mails about signing in beside the request, so that no page waits for a mail server.

A mail that is lost with its process costs the person another click on 重新发送. Invitations and asks are not
lost: a worker sends them (`agency.posting`, `companies.domain.asking`).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from django.core.mail import EmailMessage
from django.db import transaction

log = structlog.get_logger()
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_under_way: set[Future[None]] = set()


def send(message: EmailMessage) -> None:
    """Send once the current transaction is committed; a failure is logged, without addresses."""
    transaction.on_commit(lambda: _submit(message))


def settle() -> None:
    """Return when every mail that was handed over is sent, or has failed."""
    wait(list(_under_way))


def _submit(message: EmailMessage) -> None:
    future = _pool.submit(_send, message)
    _under_way.add(future)
    future.add_done_callback(_under_way.discard)


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception as error:  # whatever the mail server did: the person can ask again
        log.error("mail_was_not_sent", error=type(error).__name__)
