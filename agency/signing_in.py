"""Signing in: what allauth asks us, how long a sign-in lasts, and what is asked for after it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import authentication_step_completed, password_changed, password_set
from allauth.account.signals import user_logged_in as signed_in_through_a_page
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agency import audit, freshness, guarding, mailing
from agency.factors import STRONG
from agency.models import Agency, Membership, User
from agency.people import memberships_of, needs_second_factor
from agency.tenancy import scope

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# "once": this sign-in is the one without a second factor; "now": nothing else works until there is one.
FACTOR_DUE = "factor_due"
_SEEN_EVERY_S = 60
# What somebody may open who has to add a second factor first.
_ON_THE_WAY = ("mfa_", "account_logout", "account_reauthenticate", "language", "health", "usersessions_")


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up: an agency's admin or staff makes the account."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": gettext_lazy(
            "Too many tries, here or by others for this address. Sign in with a code by e-mail or with "
            "your passkey, or try again in 15 minutes."
        )
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return super().get_client_ip(request) if request.META.get("REMOTE_ADDR") else "0.0.0.0"  # noqa: S104

    def is_reauthentication_required(self, *, app: str, **_more: Any) -> bool:
        return not freshness.is_fresh(self.request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            self._tries = guarding.try_password(request, credentials.get("email") or "")
        except guarding.TooManyTries:
            request.too_many = True  # type: ignore[attr-defined]  # read by the middleware
            raise self.validation_error("too_many_login_attempts") from None

    def _rollback_login_failed_rl_usage(self) -> None:
        """The password was right. What allauth calls at this place."""
        guarding.forgive(self._tries)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        record_failure(credentials.get("email") or "", how="password")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sent after the answer: how long a mail server takes tells nobody who is known here."""
        message = self.render_mail(template_prefix, email, {"request": self.request} | context)
        mailing.send(message)


def record_failure(email: str, *, how: str) -> None:
    """In the trail of each agency that the person works for.

    For an address that nobody has, the same work is done and taken back, so that time tells nothing.
    """
    user = User.objects.filter(email=email.lower()).first()
    agencies = [one.agency_id for one in memberships_of(user or User(pk=uuid4()))]
    with transaction.atomic():
        for agency in agencies or [uuid4()]:
            with scope(agency):
                audit.record("sign_in_failed", user or User(pk=uuid4()), by=None, how=how)
        if not agencies:
            transaction.set_rollback(True)


def _factor_refused(sender: Any, user: User, authenticator: Authenticator, **_more: Any) -> None:
    record_failure(user.email, how=authenticator.type)


# --- The session ------------------------------------------------------------------------------


def _began(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    now = int(time.time())
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = now
    freshness.prove(request)
    guarding.forget_old_attempts()
    _list_session(request, user)
    request.signed_in_as = user.email  # type: ignore[attr-defined]  # read by the middleware
    for membership in memberships_of(user):
        with scope(membership.agency_id):
            audit.record("signed_in", user, by=user, how=_how(request))


def _list_session(request: HttpRequest, user: User) -> None:
    """Every sign-in is on the person's list, whichever door it came through, so that it can be ended."""
    if not request.session.session_key:
        request.session.save()  # somebody else was signed in here, and that session was thrown away
    about = {
        "user": user,
        "ip": request.META.get("REMOTE_ADDR") or "0.0.0.0",  # noqa: S104  # not known
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:200],
    }
    UserSession.objects.update_or_create(session_key=request.session.session_key, defaults=about)


def ask_for_factor(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    """After each sign-in through a page: who needs a second factor and has none gets in this once."""
    request.session.pop(FACTOR_DUE, None)
    if needs_second_factor(user) and not _has_factor(user):
        request.session[FACTOR_DUE] = _use_grace(user)


def _how(request: HttpRequest) -> list[str]:
    """What the person showed: a password, a code, a second factor."""
    records = request.session.get("account_authentication_methods", [])
    return [record.get("type") or record["method"] for record in records]


def _has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=STRONG).exists())


def _use_grace(user: User) -> str:
    """One sign-in without a second factor; in the demo each one."""
    if settings.DEMO:
        return "once"
    used = User.objects.filter(pk=user.pk, grace_used_at__isnull=True).update(grace_used_at=timezone.now())
    return "once" if used else "now"


def _proved(sender: Any, request: HttpRequest, **more: Any) -> None:
    if more.get("reauthenticated"):
        freshness.prove(request)


def _factor_changed(sender: Any, request: HttpRequest, user: User, **more: Any) -> None:
    """Added, removed, or codes made anew: told in the trail; and who had to add one is free."""
    if _has_factor(user):
        request.session.pop(FACTOR_DUE, None)
    action = {
        id(authenticator_added): "factor_added",
        id(authenticator_removed): "factor_removed",
        id(authenticator_reset): "recovery_codes_made",
    }[id(more["signal"])]
    for membership in memberships_of(user):
        with scope(membership.agency_id):
            audit.record(action, user, by=user, kind=more["authenticator"].type)


def _password_changed(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    for membership in memberships_of(user):
        with scope(membership.agency_id):
            audit.record("password_changed", user, by=user)


def _ended(sender: Any, request: HttpRequest, user: User | None, **_more: Any) -> None:
    if user is None:
        return
    for membership in memberships_of(user):
        with scope(membership.agency_id):
            audit.record("signed_out", user, by=user)


def connect() -> None:
    """Listen to what Django and allauth tell of sign-ins."""
    user_logged_in.connect(_began, dispatch_uid="xubao")
    signed_in_through_a_page.connect(ask_for_factor, dispatch_uid="xubao")
    user_logged_out.connect(_ended, dispatch_uid="xubao")
    for changed in (password_changed, password_set):
        changed.connect(_password_changed, dispatch_uid="xubao")
    authentication_step_completed.connect(_proved, dispatch_uid="xubao")
    authentication_failed.connect(_factor_refused, dispatch_uid="xubao")
    for signal in (authenticator_added, authenticator_removed, authenticator_reset):
        signal.connect(_factor_changed, dispatch_uid="xubao")


class OwnSessions(DefaultUserSessionsAdapter):  # type: ignore[misc]  # allauth has no types
    """What a person ends on the list of his sign-ins."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        ended, user = list(sessions), self.request.user
        super().end_sessions(ended)
        for membership in memberships_of(user):
            with scope(membership.agency_id):
                audit.record("own_sessions_ended", user, by=user, count=len(ended))


def end_sessions(user: User) -> int:
    """Sign the person out everywhere; returns how many sessions there were."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)


def turn_away(request: HttpRequest, membership: Membership | None) -> HttpResponse | None:
    """The answer to somebody whose sign-in is over, or who has to add a second factor first; else None."""
    if not request.user.is_authenticated:
        return None
    name = request.resolver_match.view_name if request.resolver_match else ""
    agency = membership.agency if membership else None
    if _is_over(request, agency):
        logout(request)
        messages.info(request, _("You were signed out, because nobody had moved for a while. Sign in again."))
        there = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
        return HttpResponseRedirect(f"{reverse('account_login')}?{there}")
    if name not in settings.POLLED_PAGES:
        _seen(request)
    if request.session.get(FACTOR_DUE) != "now" or name.startswith(_ON_THE_WAY):
        return None
    if _has_factor(request.user):
        del request.session[FACTOR_DUE]
        return None
    return HttpResponseRedirect(reverse("mfa_index"))


def _is_over(request: HttpRequest, agency: Agency | None) -> bool:
    now, session = time.time(), request.session
    idle_s = 60 * (agency.idle_minutes if agency else Agency._meta.get_field("idle_minutes").default)
    is_old = now - session.get(SIGNED_IN_AT, now) >= settings.SESSION_ENDS_AFTER_S
    return bool(is_old or now - session.get(SEEN_AT, now) >= idle_s)


def _seen(request: HttpRequest) -> None:
    """Written once a minute at most: each time is a write to the database."""
    now = int(time.time())
    if now - request.session.get(SEEN_AT, 0) < _SEEN_EVERY_S:
        return
    request.session.setdefault(SIGNED_IN_AT, now)
    request.session[SEEN_AT] = now
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())
