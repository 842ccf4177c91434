"""What tests of people and their sign-in share: mail as it was sent, and a signed-in browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from agency import mailing
from agency.models import User
from agency.tasks import tend_invitations
from tests.database import OTHER_AGENCY, OUR_AGENCY

type Mails = Callable[[], AbstractContextManager[list[EmailMessage]]]

__all__ = ["OTHER_AGENCY", "OUR_AGENCY", "Mails"]


@pytest.fixture
def mails(django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]) -> Mails:
    """`with mails() as sent:` what was sent by the end of the block stands in `sent`."""

    @contextmanager
    def catch() -> Iterator[list[EmailMessage]]:
        sent: list[EmailMessage] = []
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            yield sent
        mailing.settle()
        tend_invitations()
        sent.extend(mail.outbox[before:])

    return catch


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A browser in which this person has just signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
