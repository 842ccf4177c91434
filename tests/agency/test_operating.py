"""What the installation's operator does with commands."""

from __future__ import annotations

import getpass
import socket

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from agency import audit
from agency.models import Agency, AuditEntry, Membership, Role, User
from agency.operating import OWNER, agency_named, inside
from agency.people import membership_of
from agency.tenancy import scope
from tests.database import superuser

pytestmark = pytest.mark.usefixtures("committed")
ADMIN = {"admin_email": "Gao@Nanhai.example", "admin_name": "高敏"}


@pytest.fixture
def nanhai(committed: None) -> object:
    call_command("make_agency", "nanhai", "南海外贸服务", **ADMIN)
    yield agency_named("nanhai")
    take_away("nanhai")


def take_away(slug: str) -> None:
    """As the superuser, past the triggers: the trail would not let go of the agency."""
    connections[OWNER].close()
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        admin.execute("SET session_replication_role = replica")
        agency = admin.execute("DELETE FROM agency_agency WHERE slug = %s RETURNING id", [slug]).fetchone()
        for table in ("renewals_desk", "agency_membership", "agency_auditentry", "agency_audithead"):
            admin.execute(f"DELETE FROM {table} WHERE agency_id = %s", agency)  # noqa: S608  # of ours


def told(agency: Agency) -> list[tuple[str, str]]:
    with scope(agency.pk):
        assert audit.verify().findings == ()
        return list(AuditEntry.objects.order_by("number").values_list("action", "actor_name"))


TYPED_BY = f"{getpass.getuser()}@{socket.gethostname()}"


def test_a_new_agency_has_an_admin_who_needs_no_password(nanhai: object) -> None:
    gao = User.objects.get(email="gao@nanhai.example")
    membership = membership_of(gao)
    assert membership is not None
    assert (membership.agency, membership.role) == (nanhai, Role.ADMIN)
    assert not gao.has_usable_password()


def test_a_short_name_is_used_once(nanhai: object) -> None:
    with pytest.raises(CommandError, match="choose another"):
        call_command("make_agency", "nanhai", "另一家", **ADMIN)


def test_somebody_with_an_account_becomes_admin_with_it(committed: None) -> None:
    known = User.objects.create_user("gao@nanhai.example", name="高敏")
    call_command("make_agency", "nanhai", "南海外贸服务", **ADMIN)
    with inside(agency_named("nanhai").pk):
        assert list(Membership.across_agencies.using(OWNER).values_list("user_id", flat=True)) == [known.pk]
    take_away("nanhai")


def test_a_desk_is_made_for_an_agency_and_both_are_told_in_its_trail(nanhai: Agency) -> None:
    call_command("make_desk", "nanhai", "nanhai-1", "1 号读卡台", "ws://127.0.0.1:61232")
    with pytest.raises(CommandError, match="choose another"):
        call_command("make_desk", "nanhai", "nanhai-1", "2 号读卡台", "ws://127.0.0.1:61232")
    assert told(nanhai) == [("agency_made", TYPED_BY), ("desk_made", TYPED_BY)]


@pytest.mark.parametrize(
    ("agency", "control", "said"),
    [("nobody", "ws://127.0.0.1:61232", "no agency"), ("lingnan", "http://127.0.0.1", "no address")],
)
def test_a_desk_with_a_mistake_is_refused(agency: str, control: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("make_desk", agency, "nanhai-2", "2 号读卡台", control)
