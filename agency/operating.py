"""What the installation's operator does, as the owner of the database: nobody else makes an agency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connections, transaction

from agency.models import Agency, Membership, Role, User

OWNER = "owner"


class SlugTaken(ValueError):
    """There is an agency with this short name."""


@contextmanager
def inside(agency: UUID) -> Iterator[None]:
    """Work on one agency's rows as the owner, in one transaction: row-level security binds the owner too."""
    with transaction.atomic(OWNER):
        with connections[OWNER].cursor() as cursor:
            cursor.execute("SELECT set_config('app.agency', %s, true)", [str(agency)])
        yield


def make_agency(name: str, slug: str, *, phone: str, admin_email: str, admin_name: str) -> Agency:
    """A new agency with its first admin, who signs in with a code sent by e-mail.

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
    return agency


def agency_named(slug: str) -> Agency:
    """The agency with this short name. Raises `Agency.DoesNotExist`."""
    return Agency.objects.using(OWNER).get(slug=slug)
