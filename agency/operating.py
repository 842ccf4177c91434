"""What the installation's operator does: makes agencies, looks after health, and goes in with a reason.

The web reaches what it needs through the named functions of migration 0005, each of which asks
whether the person is an operator; commands work as the owner of the database.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import connection, connections, transaction
from django.http import HttpRequest

from agency import audit
from agency.models import Agency, Membership, Operator, Role, User
from agency.people import is_operator
from agency.tenancy import as_user, scope

OWNER = "owner"
VISIT = "operator_visit"
VISIT_LASTS_S = 3600
REASON_AT_LEAST = 8


class SlugTaken(ValueError):
    """There is an agency with this short name."""


@dataclass(frozen=True)
class AgencyHealth:
    """An agency from outside: how much there is, and when something last happened. No names, no data.

    `invitation_failed_at` is when the invitation of its first admin was found to reach nobody; only while
    nobody is in.
    """

    id: UUID
    name: str
    slug: str
    people: int
    companies: int
    last_act_at: datetime | None
    invitation_failed_at: datetime | None


@contextmanager
def inside(agency: UUID) -> Iterator[None]:
    """Work on one agency's rows as the owner, in one transaction: row-level security binds the owner too."""
    with transaction.atomic(OWNER):
        with connections[OWNER].cursor() as cursor:
            cursor.execute("SELECT set_config('app.agency', %s, true)", [str(agency)])
        yield


def make_agency(name: str, slug: str, *, phone: str, admin_email: str, admin_name: str) -> Agency:
    """A new agency with its first admin, who signs in with a code sent by e-mail. As the owner.

    Somebody who has an account already becomes this agency's admin with it. Raises `SlugTaken`.
    """
    if Agency.objects.using(OWNER).filter(slug=slug).exists():
        raise SlugTaken(slug)
    agency = Agency(name=name, slug=slug, phone=phone)
    with inside(agency.pk):
        agency.save(using=OWNER, force_insert=True)
        people = User.objects.db_manager(OWNER)
        admin = people.filter(email=admin_email.lower()).first() or people.create_user(
            admin_email, name=admin_name
        )
        Membership(agency=agency, user=admin, role=Role.ADMIN).save(using=OWNER)
        audit.record_as_owner("agency_made", agency, agency=agency.pk, slug=slug)
    return agency


def make_operator(email: str, name: str) -> User:
    """Somebody who runs the installation. As the owner: the web cannot make one."""
    with transaction.atomic(OWNER):
        people = User.objects.db_manager(OWNER)
        user = people.filter(email=email.lower()).first() or people.create_user(email, name=name)
        Operator.objects.using(OWNER).get_or_create(user=user)
    return user


def agency_named(slug: str) -> Agency:
    """The agency with this short name. Raises `Agency.DoesNotExist`."""
    return Agency.objects.using(OWNER).get(slug=slug)


def every_agency() -> list[tuple[UUID, str]]:
    """(id, short name) of all agencies, for commands that go through each in its own scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, slug FROM every_agency()")
        return list(cursor.fetchall())


def agency_id(slug: str) -> UUID | None:
    """The id of the agency with this short name, for commands that work in its scope; None without one."""
    return next((ident for ident, short in every_agency() if short == slug), None)


def add_agency(name: str, slug: str, *, phone: str, by: User) -> UUID:
    """A new agency without people, made from a page. Raises `SlugTaken`."""
    rows = ask("SELECT operator_makes_agency(%s, %s, %s, %s)", [uuid4(), name, slug, phone], by=by)
    if rows[0][0] is None:
        raise SlugTaken(slug)
    agency: UUID = rows[0][0]
    with scope(agency):
        audit.record("agency_made", Agency(pk=agency, name=name), by=by, slug=slug)
    return agency


def agencies(*, by: User) -> list[AgencyHealth]:
    """Every agency, with counts."""
    return [AgencyHealth(*row) for row in ask("SELECT * FROM operator_sees_agencies()", [], by=by)]


def ask(query: str, parameters: Sequence[UUID | str], *, by: User) -> list[tuple[Any, ...]]:
    """Call a function for operators. Raises `PermissionDenied` for anybody else, as Postgres does too."""
    if not is_operator(by.pk):
        raise PermissionDenied
    with as_user(by.pk), connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


# --- A visit ----------------------------------------------------------------------------------


def enter(request: HttpRequest, agency: UUID, *, reason: str) -> None:
    """The operator goes into an agency for an hour, to look and not to act; its admins read why."""
    by: User = request.user  # type: ignore[assignment]  # operators only
    with scope(agency):
        audit.record("operator_entered", Agency.objects.get(pk=agency), by=by, reason=reason)
    request.session[VISIT] = {"agency": str(agency), "until": int(time.time()) + VISIT_LASTS_S}


def leave(request: HttpRequest) -> None:
    """The operator goes out again."""
    visit = request.session.pop(VISIT, None)
    if visit:
        with scope(UUID(visit["agency"])):
            audit.record(
                "operator_left",
                Agency.objects.get(pk=visit["agency"]),
                by=request.user,  # type: ignore[arg-type]
            )


def visit_of(request: HttpRequest) -> Membership | None:
    """What a visiting operator counts as: an admin who only looks; None without a visit."""
    visit = request.session.get(VISIT)
    if not visit or visit["until"] < time.time() or not is_operator(request.user.pk):  # type: ignore[arg-type]
        return None
    with scope(UUID(visit["agency"])):
        agency = Agency.objects.get(pk=visit["agency"])
    membership = Membership(agency=agency, user=request.user, role=Role.ADMIN)  # type: ignore[misc]
    membership.is_visit = True  # type: ignore[attr-defined]  # read by templates
    return membership


_LEAVING = ("account_logout", "language")


def record_visit(request: HttpRequest, membership: Membership) -> None:
    """Each page that a visiting operator opens is told in the trail. Raises `PermissionDenied` for an act."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    if not hasattr(membership, "is_visit") or name.startswith(_LEAVING):
        return
    if request.method not in ("GET", "HEAD"):
        raise PermissionDenied
    audit.record("operator_looked", membership.agency, by=membership.user, page=name, address_of=request.path)
