"""What is worth a second look at who sits there: only shortly after a sign-in.

The vault's PIN, roles, the agency's exports, resuming an installation that was paused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

View = Callable[..., HttpResponseBase]
PROVED_AT = "proved_at"


def prove(request: HttpRequest) -> None:
    """The person has just shown who he is."""
    request.session[PROVED_AT] = int(time.time())


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person showed who he is a short while ago."""
    since = time.time() - request.session.get(PROVED_AT, 0)
    return bool(0 <= since < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def fresh_sign_in(view: View) -> View:
    """A view only for who has signed in a short while ago; others do so first and come back.

    What a form sent is not kept in between (it may be a PIN): the person sends it again.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if is_fresh(request) else prove_first(request)

    return guarded


def prove_first(request: HttpRequest) -> HttpResponseRedirect:
    """To the password or the second factor; who has neither signs in again, with a code."""
    if request.method == "POST":
        messages.warning(request, _("Nothing was changed yet: confirm that it is you, then send it again."))
    there = urlencode({"next": _page_of(request)})
    ways = get_adapter().get_reauthentication_methods(request.user)
    if not ways:
        logout(request)
        return HttpResponseRedirect(f"{reverse('account_request_login_code')}?{there}")
    return HttpResponseRedirect(f"{ways[0]['url']}?{there}")


def _page_of(request: HttpRequest) -> str:
    """Where the person was: this page, or the page that a form came from."""
    if request.method != "POST":
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return reverse("home")
