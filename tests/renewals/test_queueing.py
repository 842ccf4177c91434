"""Queueing in bulk: what is ready is queued, what is not is said."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from agency.models import Agency, AuditEntry, Role, User
from agency.tenancy import scope
from companies.domain.readiness import Problem
from companies.models import Company
from renewals.domain.queueing import Queued, queue_companies
from renewals.models import Renewal, StageName, State
from tests.cast import YEAR, make_company, make_person
from tests.database import OUR_AGENCY


def queue(companies: list[Company], by: User) -> Queued:
    with scope(companies[0].agency_id):
        return queue_companies([company.pk for company in companies], year=YEAR, name="第一批", by=by)


def test_ready_companies_become_one_batch(company: Company, wus_company: Company, mei: User) -> None:
    queued = queue([company, wus_company], mei)
    with scope(company.agency_id):
        assert {renewal.company_id for renewal in Renewal.objects.filter(batch=queued.batch)} == {
            company.pk,
            wus_company.pk,
        }
        assert {renewal.state for renewal in Renewal.objects.all()} == {State.WAITING}
        assert [stage.name for stage in queued.renewals[0].stages.order_by("pk")] != []
        assert {stage.name for stage in queued.renewals[0].stages.all()} == set(StageName)
    assert queued.not_ready == {}


def test_each_renewal_is_told_in_the_audit_trail(company: Company, wus_company: Company, mei: User) -> None:
    queued = queue([company, wus_company], mei)
    with scope(company.agency_id):
        entries = AuditEntry.objects.filter(action="queued", actor=mei, detail__batch="第一批")
        assert {entry.object_id for entry in entries} == {str(one.pk) for one in queued.renewals}


def test_what_is_not_ready_is_returned_with_its_reasons(agency: Agency, company: Company, mei: User) -> None:
    bare = make_company(agency, 9, "中山市百川家具有限公司", ready=False)
    queued = queue([company, bare], mei)
    assert [renewal.company for renewal in queued.renewals] == [company]
    assert queued.not_ready == {
        bare: [Problem.CONTACT_MISSING, Problem.CARD_MISSING, Problem.CONSENT_MISSING]
    }


def test_nothing_ready_makes_no_batch(agency: Agency, mei: User) -> None:
    bare = make_company(agency, 9, "中山市百川家具有限公司", ready=False)
    assert queue([bare], mei).batch is None


def test_queueing_twice_leaves_the_first_renewal_alone(company: Company, renewal: Renewal, mei: User) -> None:
    again = queue([company], mei)
    assert again.renewals == []
    assert again.not_ready == {company: [Problem.RENEWAL_OPEN]}
    with scope(company.agency_id):
        assert list(Renewal.objects.all()) == [renewal]


def test_another_agencys_company_is_not_even_mentioned(
    company: Company, raos_company: Company, mei: User
) -> None:
    queued = queue([company, raos_company], mei)
    assert [renewal.company for renewal in queued.renewals] == [company]
    assert queued.not_ready == {}


@pytest.mark.usefixtures("committed")
def test_two_people_queue_the_same_company_at_once() -> None:
    agency = Agency(pk=OUR_AGENCY)
    company = make_company(agency, 1, "广州市宏达贸易有限公司")
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    made: list[int] = []

    def act() -> None:
        made.append(len(queue([company], mei).renewals))
        connection.close()

    people = [threading.Thread(target=act) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(made) == [0, 0, 0, 1]
