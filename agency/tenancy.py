"""Keeps agencies apart: every query of a tenant table runs inside one agency's scope.

Two walls. The managers here raise outside a scope, so that forgetting is loud. Behind them
stands Postgres: row-level security compares each row with the settings that `scope` makes,
for the length of one transaction (see `agency.isolation`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

from django.db import connection, models, transaction

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class Scope:
    """Whose rows are visible now: one agency's; for a client, one company's of them."""

    agency: UUID
    company: UUID | None = None


class OutOfScope(RuntimeError):
    """A tenant table was asked for outside `scope`: a mistake in the program, never the user's."""


_current: ContextVar[Scope | None] = ContextVar("agency_scope", default=None)


def current_scope() -> Scope:
    """The scope that this code runs in. Raises `OutOfScope` where there is none."""
    scope = _current.get()
    if scope is None:
        raise OutOfScope("open `with scope(agency):` before touching an agency's rows")
    return scope


@contextmanager
def scope(agency: UUID, *, company: UUID | None = None) -> Iterator[Scope]:
    """Run a block as one agency (and, for a client, one company), in one transaction.

    An error rolls the block back. Inside a scope of the same agency it is a savepoint; inside
    another agency's it raises `OutOfScope`. Never hold it open across browser work.
    """
    wanted = Scope(agency, company)
    outer = _current.get()
    if outer is not None and outer != wanted:
        raise OutOfScope("one agency's work may not open another agency's scope")
    with transaction.atomic():
        if outer is None:
            _tell_postgres({"app.agency": str(agency), "app.company": str(company or "")})
        token = _current.set(wanted)
        try:
            yield wanted
        finally:
            _current.reset(token)


@contextmanager
def as_user(user: UUID) -> Iterator[None]:
    """Run a block in which a person's own memberships, and nothing else, are visible."""
    with transaction.atomic():
        _tell_postgres({"app.user": str(user)})
        yield


@contextmanager
def as_invited(token_sha256: str) -> Iterator[None]:
    """Run a block in which the invitation with this token, and nothing else, is visible."""
    with transaction.atomic():
        _tell_postgres({"app.invitation": token_sha256})
        yield


def _tell_postgres(settings: dict[str, str]) -> None:
    """Set for this transaction only: a pooled connection never carries it to the next one."""
    each = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {each}", [word for pair in settings.items() for word in pair])


class ScopedManager(models.Manager[M]):
    """Rows of the current agency only; raises `OutOfScope` outside `scope`."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(agency_id=current_scope().agency)

    def create(self, **values: Any) -> M:
        """Create a row of the current agency."""
        return super().create(**{"agency_id": current_scope().agency} | values)


class TenantModel(models.Model):
    """A row that belongs to one agency. Its public id is random and says nothing."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    agency = models.ForeignKey("agency.Agency", models.PROTECT, related_name="+", editable=False)

    objects = ScopedManager[Self]()

    class Meta:
        abstract = True
