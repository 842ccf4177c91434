"""Runs each view inside the scope of the agency that the person works for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse

from agency.models import Membership, User
from agency.people import membership_of
from agency.tenancy import scope

View = Callable[..., HttpResponseBase]


class AgencyScopeMiddleware:
    """Sets `request.membership`, and opens its scope around the view and its template.

    The role is read anew at each request, so that a change acts at once. Somebody without a
    membership gets None, and no scope: what the view may show then, it must not need one for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        membership = membership_of(request.user) if isinstance(request.user, User) else None
        request.membership = membership  # type: ignore[attr-defined]  # ours, read by every view
        if membership is None:
            return None
        return _in_scope(membership, lambda: view(request, *args, **kwargs))


def _in_scope(membership: Membership, view: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The view's answer, rendered before the scope closes. No cache keeps an agency's data."""
    with scope(membership.agency_id, company=membership.company_id):
        response = view()
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        response.headers.setdefault("Cache-Control", "no-store")
        return response
