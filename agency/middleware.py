"""Runs each view inside the scope of the agency that the person works for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import BadRequest
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse

from agency import audit, guarding, operating, rehearsing, signing_in
from agency.models import Membership, User
from agency.people import membership_of
from agency.tenancy import scope

View = Callable[..., HttpResponseBase]
# The agency that somebody with several has chosen.
CHOSEN_AGENCY = "agency"


class AgencyScopeMiddleware:
    """Sets `request.membership`, and opens its scope around the view and its template.

    The role is read anew at each request, so that a change acts at once. Somebody without a
    membership gets None, and no scope: what the view may show then, it must not need one for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with audit.from_address(request.META.get("REMOTE_ADDR")):
            response = self.get_response(request)
        if getattr(request, "too_many", False):
            response.status_code = 429
        if email := getattr(request, "signed_in_as", ""):
            guarding.remember_device(response, email)
        if _is_signed_in(request):
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", _NOTHING)
        if request.method == "POST" and _name(request) == "account_logout":
            # Nothing of the person's stays in a browser that somebody else sits down at.
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        if _holds_nul(request):
            raise BadRequest("NUL in a text")
        membership = _membership(request)
        request.membership = membership  # type: ignore[attr-defined]  # ours, read by every view
        if (turned_away := signing_in.turn_away(request, membership)) is not None:
            return turned_away
        if membership is None or _name(request).startswith(_OWN):
            return None
        membership = request.membership = rehearsing.in_the_twin(request, membership)  # type: ignore[attr-defined]
        if (turned_away := rehearsing.turn_away(request, membership)) is not None:
            return turned_away
        try:
            return _in_scope(request, membership, lambda: view(request, *args, **kwargs))
        except Http404:
            _record_refusal(request, membership)
            raise


# None of the browser's devices is ours to ask for, but the passkey's.
_NOTHING = ", ".join(f"{name}=()" for name in ("camera", "geolocation", "microphone", "payment", "usb"))


# A person's own pages: about him and not about one agency's rows.
_OWN = ("account_", "mfa_", "usersessions_", "invitation", "choose_agency", "language", "health", "mailbox")


def _holds_nul(request: HttpRequest) -> bool:
    """Whether a text holds the one character that no keyboard types and Postgres stores in none."""
    lists = [*request.GET.lists(), *request.POST.lists()]
    return any("\0" in text for _name, texts in lists for text in texts)


def _is_signed_in(request: HttpRequest) -> bool:
    try:
        return request.user.is_authenticated
    except DatabaseError:
        return False  # the page says that something is wrong; it must reach the person


def _name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _membership(request: HttpRequest) -> Membership | None:
    if not isinstance(request.user, User) or _name(request).startswith("operator:"):
        return None  # the operator's pages are about all agencies, and inside of none
    visit = operating.visit_of(request)
    return visit or membership_of(request.user, preferred=request.session.get(CHOSEN_AGENCY))


def _in_scope(
    request: HttpRequest, membership: Membership, view: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """The view's answer, rendered before the scope closes. No cache keeps an agency's data."""
    with scope(membership.agency_id, company=membership.company_id):
        operating.record_visit(request, membership)
        response = view()
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _record_refusal(request: HttpRequest, membership: Membership) -> None:
    """What the person asked for is not his, or not there: told in the trail, and kept by no rollback."""
    with scope(membership.agency_id, company=membership.company_id):
        audit.record(
            "refused",
            membership.agency,
            by=membership.user,
            page=_name(request),
            method=request.method,
            role=membership.role,
        )
