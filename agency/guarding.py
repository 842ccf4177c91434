"""Counts tries to get in, so that guessing does not pay and nobody is locked out by others.

A browser that has signed in to an account before carries a signed cookie and has a count of its own
(OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). All other browsers share one count
for the account, one for their address, and one for the installation. So whoever guesses from
elsewhere stops strangers, and not the person, who also has the code by e-mail and the passkey.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.conf import settings
from django.core import signing
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponseBase

from agency.models import Attempt

_SALT = "agency.guarding.device"
_YEAR_S = 365 * 24 * 3600
_KEPT = timedelta(days=1)
# An address is a household's network, not one of its 2^64 (RFC 6177).
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Limit:
    """So many in so long."""

    amount: int
    within: timedelta


_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)
PASSWORDS = {
    "device": Limit(10, _QUARTER),
    "account": Limit(10, _QUARTER),
    "address": Limit(30, timedelta(minutes=5)),
    "all": Limit(1000, timedelta(minutes=5)),
}
CODES = {
    "device": Limit(5, timedelta(minutes=10)),
    "account": Limit(20, _HOUR),
    "address": Limit(20, timedelta(minutes=10)),
    "pair": Limit(3, timedelta(minutes=10)),
    "all": Limit(1000, timedelta(minutes=10)),
}


class TooManyTries(Exception):
    """Not now, from this browser: the door says what else the person can do."""


def try_password(request: HttpRequest, email: str) -> list[int]:
    """Count a try before the password is looked at. Raises `TooManyTries`.

    Returns what `forgive` takes back when the password was right.
    """
    device = device_of(request, email)
    if device and _has_room(f"password:device:{device}", PASSWORDS["device"]):
        return [_count(f"password:device:{device}")]
    buckets = _shared("password", request, email)
    if not all(_has_room(bucket, PASSWORDS[kind]) for kind, bucket in buckets.items()):
        raise TooManyTries
    return [_count(bucket) for bucket in buckets.values()]


def forgive(tries: list[int]) -> None:
    """The password was right: these tries do not count."""
    Attempt.objects.filter(pk__in=tries).delete()


def ask_for_code(request: HttpRequest, email: str) -> None:
    """Count a code that is to be sent. Raises `TooManyTries`.

    A flood of requests for one account does not keep its owner out: an address that has asked for
    nothing within the hour gets its code all the same.
    """
    device = device_of(request, email)
    if device and _has_room(f"code:device:{device}", CODES["device"]):
        _count(f"code:device:{device}")
        return
    buckets = _shared("code", request, email)
    buckets["pair"] = _bucket("code", "pair", f"{_address(request)} {email.lower()}")
    has_room = {kind: _has_room(bucket, CODES[kind]) for kind, bucket in buckets.items()}
    is_new_here = _has_room(buckets["pair"], Limit(1, _HOUR))
    if not all(has_room.values()) and not (
        has_room["all"] and has_room["address"] and has_room["pair"] and is_new_here
    ):
        raise TooManyTries
    for bucket in buckets.values():
        _count(bucket)


def device_of(request: HttpRequest, email: str) -> str | None:
    """The name of this browser, where it has signed in to this account before."""
    try:
        name, account = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_YEAR_S
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(name) if account == _digest(email.lower()) else None


def remember_device(response: HttpResponseBase, email: str) -> None:
    """Let this browser be known to the account: somebody has just signed in with it."""
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([token_urlsafe(12), _digest(email.lower())], salt=_SALT),
        max_age=_YEAR_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_old_attempts() -> int:
    """Delete what no limit looks at any more; returns how many."""
    return Attempt.objects.filter(at__lt=Now() - _KEPT).delete()[0]


def _shared(what: str, request: HttpRequest, email: str) -> dict[str, str]:
    """The counts that an unknown browser shares, by their kind."""
    return {
        "account": _bucket(what, "account", email.lower()),
        "address": _bucket(what, "address", _address(request)),
        "all": f"{what}:all",
    }


def _bucket(what: str, kind: str, whose: str) -> str:
    return f"{what}:{kind}:{_digest(whose)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def _address(request: HttpRequest) -> str:
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)


def _has_room(bucket: str, limit: Limit) -> bool:
    return Attempt.objects.filter(bucket=bucket, at__gt=Now() - limit.within).count() < limit.amount


def _count(bucket: str) -> int:
    return Attempt.objects.create(bucket=bucket).pk
