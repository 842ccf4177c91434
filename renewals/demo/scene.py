"""What the demo begins with: an agency, its people, its companies and desks, and one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import connections, transaction
from django.utils import timezone

from agency.emptying import delete_rows
from agency.models import Membership, Role, User
from agency.tenancy import scope
from companies.domain.importing import import_companies, preview
from companies.models import Company
from companies.sample import SampleCompany, fill_vault, record_consents, write_workbook
from renewals.domain.queueing import Queued, queue_companies
from renewals.models import Desk

AGENCY = UUID("5eed0000-0000-4000-8000-000000000001")
AGENCY_NAME = "岭南外贸综合服务（演示）"
# Known to everybody who reads this file: the demo listens on this machine alone.
PASSWORD = "xubao-demo-2026"  # noqa: S105
PEOPLE = (
    ("mei@demo.example", "王美", Role.STAFF),
    ("lin@demo.example", "林岚", Role.ADMIN),
    ("chen@demo.example", "陈先生", Role.CLIENT),
)


@dataclass(frozen=True)
class Scene:
    """The demo's agency with its desks, and what became of its workbook."""

    agency: UUID
    desks: list[Desk]
    queued: Queued


def forget_last_demo() -> None:
    """Remove the demo's agency and all its rows; nothing of any other agency.

    As the owner: nobody else may take the audit trail's guard away, and it is back at once.
    """
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT id FROM agency_agency WHERE rehearsal_of_id = %s", [AGENCY])
        theirs = [twin for (twin,) in cursor.fetchall()] + [AGENCY]
        cursor.execute("ALTER TABLE agency_auditentry DISABLE TRIGGER append_only")
        for agency in theirs:
            cursor.execute("SELECT set_config('app.agency', %s, true)", [str(agency)])
            delete_rows(cursor, agency)
        # Foreign keys wait for the end of the transaction; a trigger cannot change before they are checked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE agency_auditentry ENABLE TRIGGER append_only")
        cursor.execute("DELETE FROM agency_agency WHERE id = ANY(%s)", [theirs])
        cursor.execute(
            "INSERT INTO agency_agency (id, name, slug, phone) VALUES (%s, %s, 'demo', '020-37198050')",
            [AGENCY, AGENCY_NAME],
        )


def set_the_scene(season: Sequence[SampleCompany], *, controls: Sequence[str], year: int) -> Scene:
    """Import the season's workbook, record consents and PINs, and queue every company as one batch."""
    with scope(AGENCY):
        staff = _people()
        workbook = BytesIO()
        write_workbook(season, workbook)
        workbook.seek(0)
        import_companies(preview(workbook, "客户名单.xlsx"), by=staff)
        record_consents(season, year=year, by=staff)
        fill_vault(season, by=staff)
        _give_the_client_a_company(season[0].uscc)
        desks = _desks(controls)
        queued = queue_companies(
            Company.objects.values_list("pk", flat=True),
            year=year,
            name=f"{year} 年第一批（{timezone.localdate():%m月%d日}）",
            by=staff,
        )
    return Scene(AGENCY, desks, queued)


def _people() -> User:
    """The demo's people; returns the staff member."""
    secret = make_password(PASSWORD)
    for email, name, role in PEOPLE:
        user, _made = User.objects.update_or_create(
            email=email, defaults={"name": name, "password": secret}, create_defaults=None
        )
        if role != Role.CLIENT:
            Membership.objects.create(user=user, role=role)
    return User.objects.get(email=PEOPLE[0][0])


def _give_the_client_a_company(uscc: str) -> None:
    Membership.objects.create(
        user=User.objects.get(email=PEOPLE[2][0]), role=Role.CLIENT, company=Company.objects.get(uscc=uscc)
    )


def _desks(controls: Sequence[str]) -> list[Desk]:
    return [
        Desk.objects.create(
            id=uuid5(AGENCY, f"desk {number}"),
            name=f"{number} 号读卡台",
            code=f"demo-{number}",
            control=control,
        )
        for number, control in enumerate(controls, start=1)
    ]
