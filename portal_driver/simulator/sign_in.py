"""Signing in as CAS does it: a challenge, the card's signature of it, a one-use ticket, a session."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .world import Refused, World

_CHALLENGE_LASTS = timedelta(minutes=5)
_TICKET_LASTS = timedelta(seconds=60)


@dataclass(frozen=True)
class Challenge:
    """What the login page must send back, with `random` signed by the card."""

    lt: str
    execution: str
    random: str
    cookie: str
    made_at: datetime


@dataclass(frozen=True)
class SignedForm:
    """What the login page posts."""

    card_number: str
    certificate: str
    signature: str
    random: str
    lt: str
    execution: str
    cookie: str


@dataclass
class Session:
    """One sign-in of one company on the business system."""

    uscc: str
    seen_at: datetime
    has_ended: bool = False
    form_opened_at: datetime | None = None
    has_read_form: bool = False
    draft: dict[str, str] = field(default_factory=dict)

    def open_form(self, now: datetime, draft: dict[str, str]) -> None:
        """The 续转申请单 is on the screen from now on; an earlier reading that was broken off is void.

        `draft` is what was typed before, where opening the form leaves the page that it was typed on.
        """
        self.form_opened_at = now
        self.draft = draft or self.draft

    def close_form(self, now: datetime, *, read_seconds: float) -> None:
        """The 续转申请单 was closed. Raises `Refused` when it was not open for long enough (6)."""
        opened_at, self.form_opened_at = self.form_opened_at, None
        if opened_at is None:
            raise Refused("请先打开续转申请单")
        if now - opened_at < timedelta(seconds=read_seconds):
            raise Refused(f"续转申请单须阅读满 {read_seconds:g} 秒")
        self.has_read_form = True


class SignIns:
    """The challenges, tickets and sessions that are out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.forget_all()

    def forget_all(self) -> None:
        """Sign everybody out."""
        self._challenges: dict[str, Challenge] = {}
        self._tickets: dict[str, tuple[str, datetime]] = {}
        self._sessions: dict[str, Session] = {}

    def challenge(self, cookie: str) -> Challenge:
        """A challenge for the browser that holds this cookie."""
        challenge = Challenge(
            lt=f"LT-{secrets.token_hex(12)}",
            execution=f"e{secrets.randbelow(9) + 1}s1",
            random=secrets.token_hex(16),
            cookie=cookie,
            made_at=self._world.clock(),
        )
        self._challenges[challenge.lt] = challenge
        return challenge

    def ticket(self, form: SignedForm) -> str:
        """A ticket for the business system. Raises `Refused` in the portal's words.

        A challenge is good for one try. An expired certificate is refused only here, after the PIN was used.
        """
        now = self._world.clock()
        challenge = self._challenges.pop(form.lt, None)
        if challenge is None or now - challenge.made_at > _CHALLENGE_LASTS or not _belongs(form, challenge):
            raise Refused("登录页面已过期，请刷新后重新登录")
        card = self._world.cards.get(form.card_number)
        if card is None or card.company.card.certificate != form.certificate:
            raise Refused("该卡未在单一窗口注册")
        if not card.has_signed(challenge.random, form.signature):
            raise Refused("验签失败，请重新登录")
        if card.company.card.valid_until < now.date():
            raise Refused("该卡证书已过期，请到电子口岸制卡中心办理延期")
        ticket = f"ST-{secrets.token_hex(16)}"
        self._tickets[ticket] = (card.company.uscc, now)
        return ticket

    def open_session(self, ticket: str) -> str | None:
        """The new session's cookie; None when the ticket was used or is too old."""
        uscc, made_at = self._tickets.pop(ticket, ("", self._world.clock()))
        now = self._world.clock()
        if not uscc or now - made_at > _TICKET_LASTS:
            return None
        self._world.account(uscc).sign_ins += 1
        cookie = secrets.token_hex(16)
        self._sessions[cookie] = Session(uscc, seen_at=now)
        return cookie

    def session(self, cookie: str | None) -> Session | None:
        """The session of this cookie, also one that has ended: its requests are still counted."""
        session = self._sessions.get(cookie or "")
        if session is None:
            return None
        now = self._world.clock()
        if now - session.seen_at > timedelta(seconds=self._world.settings.session_s):
            session.has_ended = True
        session.seen_at = now
        return session


def _belongs(form: SignedForm, challenge: Challenge) -> bool:
    return (form.random, form.execution, form.cookie) == (
        challenge.random,
        challenge.execution,
        challenge.cookie,
    )
