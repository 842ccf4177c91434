"""Mails of ours, in the language of whoever has them sent; subject and body are templates."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from agency import mailing
from agency.models import Agency, Invitation


def send_invitation(request: HttpRequest, invitation: Invitation, token: str, *, agency: Agency) -> None:
    """The invitation with its link, once what wrote it down is committed."""
    context = {
        "invitation": invitation,
        "agency": agency,
        "by": request.user,
        "link": request.build_absolute_uri(reverse("invitation", args=[token])),
    }
    mailing.send(_letter("agency/email/invitation", invitation.email, context))


def ask(to: str, *, origin: str, token: str, **about: Any) -> EmailMessage:
    """What a company is asked to bring in order; the link is an invitation's, or leads to its own page.

    `origin` is our address as the person had it who asks: the mail is made by a worker, which has none.
    """
    way = reverse("invitation", args=[token]) if token else reverse("home")
    return _letter("agency/email/ask", to, {"link": f"{origin}{way}", "is_new": bool(token)} | about)


def _letter(template: str, to: str, context: dict[str, Any]) -> EmailMessage:
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    return EmailMessage(subject, render_to_string(f"{template}_message.txt", context), to=[to])
