"""The contact whom the portal writes to, put right by a person."""

from __future__ import annotations

from collections.abc import Callable

from agency import audit, masking
from agency.models import User
from companies.models import Company, Contact

_MASKS: dict[str, Callable[[str], str]] = {
    "name": masking.name,
    "mobile": masking.tail,
    "email": masking.email,
}


def correct_contact(company: Company, *, name: str, mobile: str, email: str, by: User) -> Contact:
    """Give the company's primary contact these words; makes one where there is none."""
    wanted = {"name": name, "mobile": mobile, "email": email}
    contact = Contact.objects.select_for_update().filter(company=company, is_primary=True).first()
    contact = contact or Contact(agency_id=company.agency_id, company=company)
    before = {field: getattr(contact, field) for field in wanted}
    if contact._state.adding or before != wanted:
        for field, value in wanted.items():
            setattr(contact, field, value)
        contact.save()
        changes = {
            field: [mask(before[field]) if before[field] else "", mask(wanted[field])]
            for field, mask in _MASKS.items()
            if before[field] != wanted[field]
        }
        audit.record("contact_corrected", company, by=by, changes=changes)
    return contact
