"""Many new rows in one statement: the same rows as one by one, behind the same walls."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, ProgrammingError, transaction
from django.utils import timezone

from agency.bulk import forget_plans, insert_all, insert_like
from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from companies.models import Card, Company, Consent, Contact, Import, ImportRow
from tests.cast import YEAR, uscc_for
from tests.database import OUR_AGENCY, check_keys, rows_read, superuser

MANY = 1000
ODD = "引号\" 反斜杠\\ 换行\n表情😀 '); DROP TABLE companies_company; --"


def new_company(agency: Agency, number: int, **values: object) -> Company:
    return Company(agency_id=agency.pk, name=f"第{number}号公司", uscc=uscc_for(number), **values)


def test_values_of_every_kind_arrive_as_they_were(agency: Agency) -> None:
    ends = date(2027, 2, 28)
    company = new_company(agency, 1, note=ODD, tags=["重点", 'a,"b"'], old_policy_ends_on=ends)
    given_at = timezone.now()
    consent = Consent(
        agency_id=agency.pk,
        company=company,
        year=YEAR,
        wording_version="1",
        wording_sha256="0" * 64,
        how="click",
        given_by="王",
        given_at=given_at,
        address="2001:db8::1",
    )
    with scope(agency.pk):
        insert_all(Company, [company])
        insert_all(Consent, [consent])
        found, kept = Company.objects.get(), Consent.objects.get()
    assert (found.pk, found.note, found.tags, found.old_policy_ends_on) == (
        company.pk,
        ODD,
        ["重点", 'a,"b"'],
        ends,
    )
    assert (found.authorized_before, found.initials) == (None, "d1hgs")
    assert (kept.company_id, kept.given_at, kept.address) == (company.pk, given_at, "2001:db8::1")
    assert not company._state.adding


def test_rows_like_a_pattern_differ_in_the_columns_that_are_given(agency: Agency, mei: User) -> None:
    said = {"说": ODD, "数": [1, None]}
    pattern = AuditEntry(
        agency_id=agency.pk,
        actor=mei,
        actor_name=ODD[:80],
        address="2001:db8::1",
        action="tried",
        detail=said,
    )
    with scope(agency.pk):
        insert_like(pattern, object_id=["a", ODD[:20], "c"], object_type=["x", "y", "z"])
        made = list(AuditEntry.objects.filter(action="tried").order_by("number"))
    assert [(one.object_id, one.object_type) for one in made] == [("a", "x"), (ODD[:20], "y"), ("c", "z")]
    assert {(one.actor_name, one.address, one.actor_id) for one in made} == {
        (ODD[:80], "2001:db8::1", mei.pk)
    }
    assert [one.detail for one in made] == [said] * 3
    assert len({one.pk for one in made}) == 3
    assert all(one.at for one in made)


def test_json_arrives_as_it_was(agency: Agency, mei: User) -> None:
    said = [ODD, 1, 2.5, True, None, {"列": ["前", "后"]}]
    with scope(agency.pk):
        workbook = Import.objects.create(filename="客户.xlsx", file=UUID(int=1), made_by=mei)
        insert_all(
            ImportRow,
            [ImportRow(agency_id=agency.pk, workbook=workbook, number=2, verdict="new", changes=said)],
        )
        assert ImportRow.objects.get().changes == said


def test_all_are_inserted_or_none(agency: Agency) -> None:
    first, same = new_company(agency, 1), new_company(agency, 1)
    with scope(agency.pk):
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_all(Company, [first, same])
        assert list(Company.objects.all()) == []
    assert first._state.adding


def test_what_is_too_long_is_refused_and_not_cut(agency: Agency) -> None:
    with scope(agency.pk), pytest.raises(DataError), transaction.atomic():
        insert_all(Company, [new_company(agency, 1, region="广" * 41)])


def test_nobody_inserts_another_agencys_rows(agency: Agency, raos_company: Company) -> None:
    theirs = Contact(agency_id=raos_company.agency_id, company=raos_company, name="谁")
    with (
        scope(agency.pk),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        insert_all(Contact, [theirs])


def test_bytes_are_refused(agency: Agency, company: Company) -> None:
    card = Card(agency_id=agency.pk, company=company, number="C1", sealed_pin=b"sealed")
    with scope(agency.pk), pytest.raises(TypeError, match="bytes"):
        insert_all(Card, [card])


def test_nothing_is_asked_for_no_rows(agency: Agency, django_assert_num_queries: object) -> None:
    with scope(agency.pk), django_assert_num_queries(0):  # type: ignore[operator]
        insert_all(Company, [])


@pytest.mark.usefixtures("committed")
def test_plans_that_were_made_for_an_almost_empty_table_are_forgotten_where_many_rows_come() -> None:
    agency = Agency(pk=OUR_AGENCY)
    few, many = ([new_company(agency, number) for number in range(*which)] for which in ((5,), (5, MANY + 5)))
    with scope(OUR_AGENCY):
        insert_all(Company, few)
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"])), autocommit=True) as admin:
        # Where a table is known to be that small, reading all of it seems to be cheap.
        admin.execute("VACUUM ANALYZE companies_company")
    with scope(OUR_AGENCY):
        for _often_enough_that_the_plan_is_kept in range(10):
            _insert_contacts(few)
        insert_all(Company, many)
        forget_plans()
        before = rows_read("companies_company")
        _insert_contacts(many)
        assert rows_read("companies_company") - before < 10 * MANY


def _insert_contacts(companies: list[Company]) -> None:
    contacts = [
        Contact(agency_id=one.agency_id, company=one, name="王", is_primary=False) for one in companies
    ]
    insert_all(Contact, contacts)
    check_keys()
