"""Consents: recorded once a year, taken back at any time, and tied to the words that were agreed to."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from companies.domain.consents import record_letter, revoke, wording
from companies.models import Company, Consent
from tests.cast import YEAR

NEXT_YEAR = YEAR + 1

pytestmark = pytest.mark.usefixtures("in_agency")


def test_a_letter_is_recorded_with_its_wording_and_who_signed(company: Company, mei: User):
    consent = record_letter(company, year=NEXT_YEAR, given_by="王志强", by=mei)
    consent.refresh_from_db()
    assert (consent.year, consent.how, consent.given_by) == (NEXT_YEAR, "letter", "王志强")
    assert (consent.wording_version, consent.wording_sha256) == (wording().version, wording().sha256)
    assert list(AuditEntry.objects.values_list("action", "actor_name", "detail")) == [
        ("consent_given", "Mei", {"year": NEXT_YEAR, "how": "letter", "wording": "2026-1"})
    ]


def test_a_second_letter_for_the_same_year_writes_nothing(company: Company, mei: User):
    first = record_letter(company, year=NEXT_YEAR, given_by="王志强", by=mei)
    again = record_letter(company, year=NEXT_YEAR, given_by="李美玲", by=mei)
    assert (again, again.given_by) == (first, "王志强")
    assert AuditEntry.objects.count() == 1


def test_a_consent_that_was_taken_back_is_kept_and_a_new_one_can_be_given(company: Company, mei: User):
    first = record_letter(company, year=NEXT_YEAR, given_by="王志强", by=mei)
    assert revoke(first, by=mei)
    second = record_letter(company, year=NEXT_YEAR, given_by="王志强", by=mei)
    in_force = Consent.objects.filter(company=company, year=NEXT_YEAR, revoked_at__isnull=True)
    assert list(in_force) == [second]
    assert Consent.objects.filter(company=company, year=NEXT_YEAR).count() == 2


def test_taking_back_twice_is_once(company: Company, mei: User):
    consent = record_letter(company, year=NEXT_YEAR, given_by="王志强", by=mei)
    assert (revoke(consent, by=mei), revoke(consent, by=mei)) == (True, False)
    assert list(AuditEntry.objects.order_by("number").values_list("action", flat=True)) == [
        "consent_given",
        "consent_revoked",
    ]


def test_a_wording_that_was_agreed_to_is_never_edited():
    digests = {"2026-1": "7953dcc5d9977348fde172035fecc14e04057bcc06c0ec9038a5be3b098f6d9c"}
    assert {version: wording(version).sha256 for version in digests} == digests


def test_every_wording_can_be_read_in_both_languages():
    assert wording().chinese.startswith("小微信保易续保委托书\n")
    assert wording().english.startswith("Authority to renew")
