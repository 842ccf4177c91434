"""Who a person is in which agency, and who may come in at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase

from agency.models import Membership, Role, User
from agency.tenancy import as_user

View = Callable[..., HttpResponseBase]


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up: an agency's admin or staff makes the account."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def membership_of(user: User) -> Membership | None:
    """The person's membership with its agency, or None.

    Somebody who works for several agencies gets the one that he joined first.
    """
    with as_user(user.pk):
        return Membership.across_agencies.filter(user=user).select_related("agency").first()


def role_required(*roles: Role) -> Callable[[View], View]:
    """A view for these roles only: anonymous people sign in first, anybody else gets a 404.

    Deny by default: the page does not say that it exists.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership: Membership | None = getattr(request, "membership", None)
            if membership is None or membership.role not in roles:
                raise Http404
            return view(request, *args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]  # read by the test that walks every URL
        return guarded

    return decorate


staff_only = role_required(Role.ADMIN, Role.STAFF)
admin_only = role_required(Role.ADMIN)
client_only = role_required(Role.CLIENT)
