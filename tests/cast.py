"""The cast: who appears in the tests, and the companies that they work for.

Mei is staff and Lin admin of our agency; Rao is admin of another agency. Chen is a client: his
company is one of our agency's; Wu's is another one there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from stdnum.cn import uscc as uscc_number

from agency.models import Agency, Membership, Role, User
from agency.tenancy import scope
from companies.domain.cards import store_pin
from companies.models import Card, Company, Consent, Contact
from renewals.domain.queueing import queue_companies
from renewals.models import Desk, Renewal
from tests.database import OPERATOR, OTHER_AGENCY, OUR_AGENCY

YEAR = 2026


def uscc_for(number: int) -> str:
    """A valid USCC for each number."""
    body = f"91440100MA{number:07d}"
    return body + str(uscc_number.calc_check_digit(body))


@pytest.fixture
def agency(db: None) -> Agency:
    with scope(OUR_AGENCY):
        return Agency.objects.get(pk=OUR_AGENCY)


@pytest.fixture
def raos_agency(db: None) -> Agency:
    with scope(OTHER_AGENCY):
        return Agency.objects.get(pk=OTHER_AGENCY)


def make_person(email: str, name: str, agency: Agency, role: Role, company: Company | None = None) -> User:
    """Somebody with one membership; without a password, since hashing one takes a while."""
    user = User.objects.create_user(email, name=name)
    with scope(agency.pk):
        Membership.objects.create(user=user, role=role, company=company)
    return user


@pytest.fixture
def mei(agency: Agency) -> User:
    return make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)


@pytest.fixture
def lin(agency: Agency) -> User:
    return make_person("lin@lingnan.example", "Lin", agency, Role.ADMIN)


@pytest.fixture
def rao(raos_agency: Agency) -> User:
    return make_person("rao@beijiang.example", "Rao", raos_agency, Role.ADMIN)


@pytest.fixture
def tang(db: None) -> User:
    """Who runs the installation; of no agency."""
    return User.objects.get(pk=OPERATOR)


@pytest.fixture
def chen(agency: Agency, company: Company) -> User:
    return make_person("chen@hongda.example", "Chen", agency, Role.CLIENT, company)


@pytest.fixture
def wu(agency: Agency, wus_company: Company) -> User:
    return make_person("wu@yuanhang.example", "Wu", agency, Role.CLIENT, wus_company)


def make_company(agency: Agency, number: int, name: str, *, ready: bool = True) -> Company:
    """A company of the agency; ready to be queued unless told otherwise."""
    with scope(agency.pk):
        company = Company.objects.create(
            name=name, uscc=uscc_for(number), region="广州", authorized_before=True
        )
        if ready:
            Contact.objects.create(
                company=company, name="王志强", mobile="13800138000", email=f"office{number}@example.com"
            )
            Card.objects.create(
                company=company,
                number=f"C44{number:010d}",
                certificate=f"{number:010x}",
                valid_until=timezone.localdate() + timedelta(days=300),
                drawer=f"A-{number}",
            )
            Consent.objects.create(
                company=company,
                year=YEAR,
                wording_version="2026-1",
                wording_sha256="0" * 64,
                how="letter",
                given_by="王志强",
                given_at=timezone.now(),
            )
    return company


@pytest.fixture
def company(agency: Agency) -> Company:
    return make_company(agency, 1, "广州市宏达贸易有限公司")


@pytest.fixture
def wus_company(agency: Agency) -> Company:
    return make_company(agency, 2, "清远市远航电子有限公司")


@pytest.fixture
def raos_company(raos_agency: Agency) -> Company:
    return make_company(raos_agency, 3, "韶关市佳禾食品有限公司")


def make_renewal(company: Company, by: User) -> Renewal:
    """A queued renewal of this company."""
    with scope(company.agency_id):
        queue_companies([company.pk], year=YEAR, name="第一批", by=by)
        return Renewal.objects.select_related("company", "batch").get(company=company, year=YEAR)


@pytest.fixture
def renewal(company: Company, mei: User) -> Renewal:
    return make_renewal(company, mei)


@pytest.fixture
def wus_renewal(wus_company: Company, mei: User) -> Renewal:
    return make_renewal(wus_company, mei)


@pytest.fixture
def raos_renewal(raos_company: Company, rao: User) -> Renewal:
    return make_renewal(raos_company, rao)


@pytest.fixture
def card(company: Company, mei: User) -> Card:
    """The company's card, with its PIN in the vault."""
    with scope(company.agency_id):
        card = company.cards.get()
        store_pin(card, "27182818", by=mei)
        return card


@pytest.fixture
def desk(agency: Agency) -> Desk:
    with scope(agency.pk):
        return Desk.objects.create(name="1 号读卡台", code="d1", control="ws://127.0.0.1:1")


@pytest.fixture
def in_agency(agency: Agency) -> Iterator[None]:
    """The whole test runs in our agency's scope."""
    with scope(agency.pk):
        yield
