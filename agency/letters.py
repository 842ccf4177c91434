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
    _send("agency/email/invitation", invitation.email, context, of=agency)


def send_ask(request: HttpRequest, to: str, *, agency: Agency, token: str, **about: Any) -> None:
    """What a company is asked to bring in order; the link is an invitation's, or leads to its own page."""
    way = reverse("invitation", args=[token]) if token else reverse("home")
    context = {
        "agency": agency,
        "by": request.user,
        "link": request.build_absolute_uri(way),
        "is_new": bool(token),
    }
    _send("agency/email/ask", to, context | about, of=agency)


def _send(template: str, to: str, context: dict[str, Any], *, of: Agency) -> None:
    if of.is_rehearsal:
        return  # whoever got it would take it for real
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    mailing.send(EmailMessage(subject, render_to_string(f"{template}_message.txt", context), to=[to]))
