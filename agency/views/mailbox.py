"""The demo's mailbox: the mails of this machine's demo, so that a newcomer can click an invitation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN_AT_MOST = 40
# Django's file backend writes a line of dashes behind each mail.
_BETWEEN = re.compile(rb"^-{79}$", re.MULTILINE)
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Mail:
    """One mail: its text in pieces, where a link is a piece of its own."""

    to: str
    subject: str
    at: datetime
    pieces: list[tuple[bool, str]]


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """The newest mails; on any installation but a demo there is no such page."""
    if not settings.DEMO:
        raise Http404
    return render(request, "agency/mailbox.html", {"mails": _newest(_folder())})


def _folder() -> Path:
    return Path(settings.MAILERS["default"]["OPTIONS"]["file_path"])  # type: ignore[index]


def _newest(folder: Path) -> list[Mail]:
    files = sorted(folder.glob("*.log"), reverse=True) if folder.is_dir() else []
    raw = [part for file in files for part in reversed(_BETWEEN.split(file.read_bytes())) if part.strip()]
    mails = [_mail(part.lstrip()) for part in raw[:SHOWN_AT_MOST]]
    return sorted(mails, key=lambda mail: mail.at, reverse=True)


def _mail(raw: bytes) -> Mail:
    parsed = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)  # noqa: S101  # what this policy makes
    text = parsed.get_content()
    return Mail(
        to=str(parsed["To"]),
        subject=str(parsed["Subject"]),
        at=_moment(str(parsed["Date"])),
        pieces=_pieces(text),
    )


def _moment(text: str) -> datetime:
    """A mail's date; "-0000" means UTC, of a sender that does not say where it is (RFC 5322, 3.3)."""
    at = parsedate_to_datetime(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _pieces(text: str) -> list[tuple[bool, str]]:
    pieces, end = [], 0
    for link in _LINK.finditer(text):
        pieces += [(False, text[end : link.start()]), (True, link[0])]
        end = link.end()
    return [*pieces, (False, text[end:])]
