"""Mails of ours, in the language of whoever has them sent; subject and body are templates."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from agency.models import Invitation


def our_address(request: HttpRequest) -> str:
    """Our address as the person has it, for links in mails: a worker makes them, and has none."""
    return request.build_absolute_uri("/").rstrip("/")


def invitation(invited: Invitation, token: str) -> EmailMessage:
    """The invitation with its link, for an invitation with its agency, its company, and who invites."""
    context = {
        "invitation": invited,
        "agency": invited.agency,
        "by": invited.invited_by,
        "link": f"{invited.origin}{reverse('invitation', args=[token])}",
    }
    return _letter("agency/email/invitation", invited.email, context)


def ask(to: str, *, origin: str, token: str, **about: Any) -> EmailMessage:
    """What a company is asked to bring in order; the link is an invitation's, or leads to its own page.

    `origin` is `our_address` for who asks.
    """
    way = reverse("invitation", args=[token]) if token else reverse("home")
    return _letter("agency/email/ask", to, {"link": f"{origin}{way}", "is_new": bool(token)} | about)


def _letter(template: str, to: str, context: dict[str, Any]) -> EmailMessage:
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    return EmailMessage(subject, render_to_string(f"{template}_message.txt", context), to=[to])
