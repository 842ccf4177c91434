"""Who a person is in which agency, and who may come in at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from agency.models import Membership, Operator, Role, User
from agency.tenancy import as_user

View = Callable[..., HttpResponseBase]
# Who works with many companies' data must show a second factor.
ROLES_WITH_FACTOR = (Role.ADMIN, Role.STAFF)


class Refused(Http404):
    """The person is known, and this is not his: a 404 that the audit trail tells of."""


def memberships_of(user: User) -> list[Membership]:
    """The person's memberships that are in force, with their agencies, in the order of joining."""
    with as_user(user.pk):
        return list(_in_force(user).select_related("agency").order_by("joined_at", "pk"))


def membership_of(user: User, *, preferred: str | None = None) -> Membership | None:
    """The person's membership with its agency, or None.

    Somebody who works for several agencies gets the preferred one, or the one that he joined first.
    """
    mine = memberships_of(user)
    wanted = [one for one in mine if str(one.agency_id) == preferred]
    return next(iter(wanted or mine), None)


def needs_second_factor(user: User) -> bool:
    """Whether any role of this person's asks for a second factor."""
    with as_user(user.pk):
        works = _in_force(user).filter(role__in=ROLES_WITH_FACTOR).exists()
    return works or is_operator(user.pk)


def is_operator(user: UUID) -> bool:
    """Whether this person runs the installation."""
    return Operator.objects.filter(user_id=user).exists()


def _in_force(user: User) -> QuerySet[Membership]:
    return Membership.across_agencies.filter(user=user, ended_at__isnull=True)


def colleagues() -> QuerySet[User]:
    """The admins and staff who work at the current agency today."""
    return _people(staff_memberships().filter(ended_at__isnull=True))


def colleagues_ever(request: HttpRequest | None = None) -> QuerySet[User]:
    """Also those who have left: what they were in charge of is to be found. Filters pass their request."""
    return _people(staff_memberships())


def staff_memberships() -> QuerySet[Membership]:
    """Of all who are, or were, admins and staff of the current agency; `ended_at` says who has left."""
    return Membership.objects.filter(role__in=[Role.ADMIN, Role.STAFF])


def _people(memberships: QuerySet[Membership]) -> QuerySet[User]:
    return User.objects.filter(pk__in=memberships.values("user_id")).order_by("name")


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
                raise Refused
            return view(request, *args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]  # read by the test that walks every URL
        return guarded

    return decorate


staff_only = role_required(Role.ADMIN, Role.STAFF)
admin_only = role_required(Role.ADMIN)
client_only = role_required(Role.CLIENT)


def operator_of(request: HttpRequest) -> User:
    """Who asks, in a view for operators only."""
    assert isinstance(request.user, User)  # noqa: S101  # the view lets nobody else in
    return request.user


def operator_only(view: View) -> View:
    """A view for who runs the installation; anybody else gets a 404."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_operator(request.user.pk):
            raise Refused
        return view(request, *args, **kwargs)

    return guarded
