"""Queueing in bulk: what is ready is queued, what is not is said."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from agency.bulk import insert_all
from agency.models import Agency, AuditEntry, Role, User
from agency.tenancy import scope
from companies.domain.readiness import Problem
from companies.models import Card, Company, Consent, Contact
from renewals.domain.queueing import Queued, preview, queue_companies
from renewals.models import Desk, Event, Renewal, Run, Stage, StageName, State
from tests.cast import YEAR, make_company, make_person, make_renewal, uscc_for
from tests.database import OUR_AGENCY, check_keys, rows_read, superuser


def queue(companies: list[Company], by: User) -> Queued:
    with scope(companies[0].agency_id):
        return queue_companies([company.pk for company in companies], year=YEAR, name="第一批", by=by)


def queued_companies(agency: UUID) -> list[Company]:
    with scope(agency):
        return [renewal.company for renewal in Renewal.objects.select_related("company")]


def test_ready_companies_become_one_batch(company: Company, wus_company: Company, mei: User) -> None:
    queued = queue([company, wus_company], mei)
    with scope(company.agency_id):
        assert {renewal.company_id for renewal in Renewal.objects.filter(batch=queued.batch)} == {
            company.pk,
            wus_company.pk,
        }
        assert {renewal.state for renewal in Renewal.objects.all()} == {State.WAITING}
        assert {stage.name for stage in Renewal.objects.all()[0].stages.all()} == set(StageName)
    assert (queued.number, queued.not_ready) == (2, {})


def test_each_renewal_is_told_in_the_audit_trail(company: Company, wus_company: Company, mei: User) -> None:
    queue([company, wus_company], mei)
    with scope(company.agency_id):
        entries = AuditEntry.objects.filter(action="queued", actor=mei, detail__batch="第一批")
        assert {entry.object_id for entry in entries} == {str(one.pk) for one in Renewal.objects.all()}


def test_what_is_not_ready_is_returned_with_its_reasons(agency: Agency, company: Company, mei: User) -> None:
    bare = make_company(agency, 9, "中山市百川家具有限公司", ready=False)
    queued = queue([company, bare], mei)
    assert queued_companies(company.agency_id) == [company]
    assert queued.not_ready == {
        bare: [Problem.CONTACT_MISSING, Problem.CARD_MISSING, Problem.CONSENT_MISSING]
    }


def test_nothing_ready_makes_no_batch(agency: Agency, mei: User) -> None:
    bare = make_company(agency, 9, "中山市百川家具有限公司", ready=False)
    assert queue([bare], mei).batch is None


def test_queueing_twice_leaves_the_first_renewal_alone(company: Company, renewal: Renewal, mei: User) -> None:
    again = queue([company], mei)
    assert again.number == 0
    assert again.not_ready == {company: [Problem.RENEWAL_OPEN]}
    with scope(company.agency_id):
        assert list(Renewal.objects.all()) == [renewal]


@pytest.mark.parametrize("count", [1, 3])
def test_a_preview_says_in_three_queries_what_queueing_would(
    count: int, agency: Agency, mei: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ready = [make_company(agency, 10 + number, f"第{number}家") for number in range(count)]
    queued = [make_company(agency, 20 + number, f"已排队第{number}家") for number in range(count)]
    bare = [make_company(agency, 30 + number, f"空白第{number}家", ready=False) for number in range(count)]
    for company in queued:
        make_renewal(company, mei)
    with scope(agency.pk), django_assert_num_queries(3):
        verdicts = preview([one.pk for one in ready + queued + bare], year=YEAR)
    kept_back = queue(ready + queued + bare, mei).not_ready
    assert verdicts == kept_back | {company: [] for company in ready}
    assert {tuple(kept_back[company]) for company in queued} == {(Problem.RENEWAL_OPEN,)}


def test_another_agencys_company_is_not_even_mentioned(
    company: Company, raos_company: Company, mei: User
) -> None:
    queued = queue([company, raos_company], mei)
    assert queued_companies(company.agency_id) == [company]
    assert queued.not_ready == {}


@pytest.mark.parametrize("model", [Stage, Event, Run])
def test_a_row_of_no_renewal_or_of_another_agencys_is_refused(
    model: type[Stage | Event | Run], renewal: Renewal, desk: Desk, raos_company: Company, rao: User
) -> None:
    """Nothing checks the row's renewal or agency alone any more: the pair does."""
    raos = make_renewal(raos_company, rao)
    for of in (uuid4(), raos.pk):
        row = model(agency_id=renewal.agency_id, renewal_id=of)
        if isinstance(row, Run):
            row.desk, row.epoch = desk, 1
        with pytest.raises(IntegrityError, match="agency"), scope(renewal.agency_id):
            row.save()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.usefixtures("committed")
def test_two_people_queue_the_same_company_at_once() -> None:
    agency = Agency(pk=OUR_AGENCY)
    company = make_company(agency, 1, "广州市宏达贸易有限公司")
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    made: list[int] = []

    def act() -> None:
        made.append(queue([company], mei).number)
        connection.close()

    people = [threading.Thread(target=act) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(made) == [0, 0, 0, 1]


MANY = 1000


@pytest.mark.usefixtures("committed")
def test_many_are_queued_without_reading_all_companies_for_each() -> None:
    """Though the keys were checked on this connection while there were few, as a new agency has them."""
    agency = Agency(pk=OUR_AGENCY)
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    few = [make_company(agency, number, f"第{number}号公司") for number in range(10)]
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"])), autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE companies_company")
    with scope(OUR_AGENCY):
        for company in few:
            assert queue([company], mei).number == 1
            check_keys()
        many = _make_ready(agency, range(10, MANY + 10))
        check_keys()
        before = rows_read("companies_company")
        assert queue(many, mei).number == MANY
        check_keys()
        assert rows_read("companies_company") - before < 20 * MANY


def _make_ready(agency: Agency, numbers: range) -> list[Company]:
    """So many companies with all that makes them ready."""
    companies = [
        Company(agency_id=agency.pk, name=f"第{number}号公司", uscc=uscc_for(number)) for number in numbers
    ]
    insert_all(Company, companies)
    of_each = [{"agency_id": agency.pk, "company_id": company.pk} for company in companies]
    insert_all(
        Contact, [Contact(**of, name="王", mobile="13800138000", email="a@example.com") for of in of_each]
    )
    insert_all(Card, [Card(**of, number=f"C{number}") for number, of in enumerate(of_each)])
    consent = {"wording_version": "1", "wording_sha256": "0" * 64, "how": "letter", "given_by": "王"}
    insert_all(Consent, [Consent(**of, **consent, year=YEAR, given_at=timezone.now()) for of in of_each])
    return companies
