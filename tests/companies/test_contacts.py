"""The contact is put right, and the trail tells what changed without telling who it is."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from companies.domain.contacts import correct_contact
from companies.models import Company, Contact

pytestmark = pytest.mark.usefixtures("in_agency")
WORDS = {"name": "王志强", "mobile": "13800138000", "email": "wang@example.com"}


def test_what_changed_is_recorded_masked(company: Company, mei: User) -> None:
    assert correct_contact(company, **WORDS, by=mei).email == "wang@example.com"
    assert AuditEntry.objects.get(action="contact_corrected").detail == {
        "changes": {"email": ["o…@example.com", "w…@example.com"]}
    }


def test_the_same_words_again_write_nothing(company: Company, mei: User) -> None:
    correct_contact(company, **WORDS, by=mei)
    correct_contact(company, **WORDS, by=mei)
    assert AuditEntry.objects.filter(action="contact_corrected").count() == 1


def test_a_company_without_a_contact_gets_one(company: Company, mei: User) -> None:
    company.contacts.all().delete()
    correct_contact(company, **WORDS, by=mei)
    contact = Contact.objects.get(company=company)
    assert (contact.name, contact.is_primary) == ("王志强", True)
