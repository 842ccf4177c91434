"""Readiness: each thing that would stop a renewal is said before a card is touched."""

from __future__ import annotations

from datetime import date, timedelta

import phonenumbers
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from agency.models import Agency
from companies.domain.cards import quarantine
from companies.domain.readiness import (
    WORDS,
    Problem,
    check_readiness,
    has_problem,
    is_ready,
    tally,
    with_problems,
)
from companies.models import Card, Company, Consent, Contact
from tests.cast import YEAR, make_company, uscc_for

pytestmark = pytest.mark.usefixtures("in_agency")


def problems_of(company: Company, *, year: int = YEAR, on: date | None = None) -> list[Problem]:
    """What keeps this company from being queued."""
    (problems,) = check_readiness([company.pk], year=year, on=on or timezone.localdate()).values()
    return problems


def test_a_company_with_everything_is_ready(company: Company):
    assert problems_of(company) == []


def test_a_company_of_which_only_name_and_uscc_are_known_lacks_all_else(agency: Agency):
    assert problems_of(make_company(agency, 7, "清远市顺风五金有限公司", ready=False)) == [
        Problem.CONTACT_MISSING,
        Problem.CARD_MISSING,
        Problem.CONSENT_MISSING,
    ]


def test_a_wrong_uscc_is_said(company: Company):
    Company.objects.filter(pk=company.pk).update(uscc="91440100MAB53RXR8X")
    assert problems_of(company) == [Problem.USCC_WRONG]


def test_a_contact_without_a_name_is_no_contact(company: Company):
    Contact.objects.update(name="")
    assert problems_of(company) == [Problem.CONTACT_MISSING]


def test_only_the_primary_contact_counts(company: Company):
    Contact.objects.update(is_primary=False)
    assert problems_of(company) == [Problem.CONTACT_MISSING]


@pytest.mark.parametrize("mobile", ["", "020-12345678", "1380013800", "+85261234567"])
def test_a_mobile_must_be_one_of_mainland_china(company: Company, mobile: str):
    Contact.objects.update(mobile=mobile)
    assert problems_of(company) == [Problem.MOBILE_WRONG]


def test_an_email_address_must_be_there(company: Company):
    Contact.objects.update(email="")
    assert problems_of(company) == [Problem.EMAIL_MISSING]


@pytest.mark.parametrize(
    "email", ["ling_nan@lingnan.example", "ling-nan@lingnan.example", "a@ling-nan.example"]
)
def test_an_email_address_that_the_portal_refuses_is_said(company: Company, email: str):
    Contact.objects.update(email=email)
    assert problems_of(company) == [Problem.EMAIL_REFUSED]


def test_a_certificate_must_be_valid_on_the_day_itself(company: Company):
    today = timezone.localdate()
    Card.objects.update(valid_until=today)
    assert problems_of(company) == []
    assert problems_of(company, on=today + timedelta(days=1)) == [Problem.CERTIFICATE_EXPIRED]


def test_a_newer_card_takes_the_place_of_an_expired_one(company: Company):
    Card.objects.update(valid_until=date(2020, 1, 1))
    assert problems_of(company) == [Problem.CERTIFICATE_EXPIRED]
    Card.objects.create(company=company, number="C440000000002", valid_until=date(2099, 1, 1))
    assert problems_of(company) == []


def test_a_card_in_quarantine_is_said(company: Company, card: Card):
    quarantine(card, reason="pin_refused")
    assert problems_of(company) == [Problem.CARD_QUARANTINED]


def test_a_card_that_lies_with_the_company_is_said(company: Company):
    Card.objects.update(custody="company")
    assert problems_of(company) == [Problem.CARD_ELSEWHERE]


def test_a_consent_counts_for_its_year_and_until_it_is_taken_back(company: Company):
    assert problems_of(company, year=YEAR + 1) == [Problem.CONSENT_MISSING]
    Consent.objects.update(revoked_at=timezone.now())
    assert problems_of(company) == [Problem.CONSENT_MISSING]


def test_every_problem_is_told_at_once(company: Company):
    Contact.objects.update(mobile="", email="a_b@c.example")
    Card.objects.update(valid_until=date(2020, 1, 1), custody="company")
    Consent.objects.update(revoked_at=timezone.now())
    assert problems_of(company) == [
        Problem.MOBILE_WRONG,
        Problem.EMAIL_REFUSED,
        Problem.CERTIFICATE_EXPIRED,
        Problem.CARD_ELSEWHERE,
        Problem.CONSENT_MISSING,
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_companies_takes_two_queries(
    count: int, agency: Agency, django_assert_num_queries: DjangoAssertNumQueries
):
    companies = [make_company(agency, 20 + n, f"第 {n} 家") for n in range(count)]
    with django_assert_num_queries(2):
        check_readiness([company.pk for company in companies], year=YEAR, on=timezone.localdate())


def test_every_problem_has_its_words_in_the_catalogue():
    assert list(WORDS) == list(Problem)
    assert [words for words in WORDS.values() if not (words.what and words.fix)] == []


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("13800138000", True),
        ("+8613800138000", True),
        ("008613800138000", True),
        ("138 0013 8000", True),
        ("02012345678", False),
        ("12345678901", False),
        ("", False),
        ("abc", False),
    ],
)
def test_chinese_mobiles_are_told_from_other_numbers(company: Company, number: str, is_one: bool):
    Contact.objects.update(mobile=number)
    assert problems_of(company) == ([] if is_one else [Problem.MOBILE_WRONG])


def test_postgres_knows_the_mobiles_that_the_library_knows(company: Company):
    numbers = [f"{start}12345678" for start in range(130, 200)]
    known = phonenumbers.PhoneNumberType.MOBILE
    expected = [n for n in numbers if phonenumbers.number_type(phonenumbers.parse(n, "CN")) == known]
    Contact.objects.all().delete()
    companies = Company.objects.bulk_create(
        Company(agency_id=company.agency_id, name=number, uscc=uscc_for(int(number[:3])))
        for number in numbers
    )
    Contact.objects.bulk_create(
        Contact(agency_id=one.agency_id, company=one, name="王", mobile=one.name, email="a@b.example")
        for one in companies
    )
    found = check_readiness([one.pk for one in companies], year=YEAR, on=timezone.localdate())
    assert [one.name for one, problems in found.items() if Problem.MOBILE_WRONG not in problems] == expected


def test_what_is_filtered_and_counted_is_what_each_company_is_told(agency: Agency, company: Company):
    unknown = make_company(agency, 7, "清远市顺风五金有限公司", ready=False)
    today = timezone.localdate()
    everybody = with_problems(Company.objects.all(), year=YEAR, on=today)
    counted = tally(everybody)
    verdicts = check_readiness([company.pk, unknown.pk], year=YEAR, on=today)
    assert list(everybody.filter(is_ready())) == [one for one, problems in verdicts.items() if not problems]
    for problem in Problem:
        told = [one for one, problems in verdicts.items() if problem in problems]
        assert list(everybody.filter(has_problem(problem))) == told
        assert counted.problems[problem] == len(told)
    assert (counted.total, counted.ready) == (2, 1)
