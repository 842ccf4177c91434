"""The records that a workbook's rows are about: those we have, and blank ones where there are none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from agency.models import User
from agency.tenancy import current_scope
from companies.domain.columns import Column
from companies.domain.entries import Entry, Value
from companies.domain.fields import FIELDS, Record
from companies.domain.naming import Colleagues, Remark, colleagues_here
from companies.models import Card, Company, Contact


@dataclass(frozen=True)
class Target:
    """What one row is about. Blank records are not saved yet."""

    company: Company
    contact: Contact
    card: Card
    others: tuple[Contact, ...] = ()  # whom else we know at the company
    colleague: User | None = None  # whom the row puts in charge
    remarks: tuple[Remark, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the agency does not have the company yet."""
        return self.company._state.adding

    @property
    def is_card_of_another(self) -> bool:
        """Whether we have this card, with another company."""
        return not self.card._state.adding and self.card.company_id != self.company.pk

    def place(self, column: Column) -> tuple[Record, str]:
        """The record and the field that a column speaks of."""
        for record in (self.company, self.contact, self.card):
            if field := FIELDS[type(record)].get(column):
                return record, field
        raise KeyError(column)

    def value(self, column: Column) -> Value | None:
        """What we have for this column."""
        record, field = self.place(column)
        value: Value | None = getattr(record, field)
        return value


@dataclass(frozen=True)
class Known:
    """What we have about the companies and cards that a workbook names."""

    companies: dict[str, Company]  # by USCC
    contacts: dict[UUID, Contact]  # the primary ones, by company
    others: dict[UUID, list[Contact]]
    cards: dict[str, Card]  # by number
    colleagues: Colleagues

    def target(self, entry: Entry) -> Target:
        """The records that this row is about."""
        agency = current_scope().agency
        company = self.companies.get(entry.uscc) or Company(agency_id=agency)
        contact = self.contacts.get(company.pk) or Contact(agency_id=agency, company=company)
        card = self.cards.get(entry.card) or Card(agency_id=agency, company=company)
        colleague, remarks = self.colleagues.named(entry.owner)
        others = tuple(self.others.get(company.pk, ()))
        return Target(company, contact, card, others, colleague, remarks)


def known_to(entries: Collection[Entry], *, lock: bool = False) -> Known:
    """What the current agency has about these rows. `lock` keeps it for this transaction.

    Three queries; two where it knows none of the companies; one more where a row says who is in charge.
    """
    ours = Company.objects.select_related("owner").filter(uscc__in=[entry.uscc for entry in entries])
    companies = list(_rows(ours, lock))
    contacts = list(_rows(Contact.objects.filter(company__in=[company.pk for company in companies]), lock))
    cards = _rows(Card.objects.filter(number__in=[entry.card for entry in entries]), lock)
    others: dict[UUID, list[Contact]] = {}
    for contact in contacts:
        if not contact.is_primary:
            others.setdefault(contact.company_id, []).append(contact)
    return Known(
        {company.uscc: company for company in companies},
        {contact.company_id: contact for contact in contacts if contact.is_primary},
        others,
        {card.number: card for card in cards},
        colleagues_here() if any(entry.owner for entry in entries) else Colleagues({}),
    )


def _rows[R: (Company, Contact, Card)](rows: QuerySet[R], lock: bool) -> QuerySet[R]:
    return rows.select_for_update(of=("self",)).order_by("pk") if lock else rows
