"""What staff write about companies by hand: one record in a form, or owner and tags of many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

from agency import audit
from agency.models import User
from companies.domain.fields import FIELDS, mask
from companies.models import Card, Company, Contact

TAGS_AT_MOST = 10


@dataclass(frozen=True)
class Edit:
    """Who is to look after many companies, and which tags they get and lose.

    `owner` counts where `sets_owner` says so: None then means nobody.
    """

    sets_owner: bool = False
    owner: User | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def changes(self, company: Company) -> dict[str, list[str]]:
        """What would be different about this company: field → before and after. Empty for nothing."""
        found: dict[str, list[str]] = {}
        if self.sets_owner and company.owner_id != (self.owner.pk if self.owner else None):
            found["owner"] = [_name(company.owner), _name(self.owner)]
        if (tags := self.tags(company)) != company.tags:
            found["tags"] = ["、".join(company.tags), "、".join(tags)]
        return found

    def tags(self, company: Company) -> list[str]:
        """The company's tags afterwards, in their order, and no more than a company may carry."""
        kept = [tag for tag in company.tags if tag not in self.remove]
        return [*kept, *(tag for tag in self.add if tag not in kept)][:TAGS_AT_MOST]


def edit_companies(companies: Iterable[UUID], edit: Edit, *, by: User) -> int:
    """Carry the edit out; returns how many companies are different now. Repeatable.

    In the caller's transaction: one statement, and an entry for each company in the audit trail.
    """
    chosen = Company.objects.select_for_update(of=("self",)).select_related("owner")
    changed = []
    for company in chosen.filter(pk__in=list(companies)).order_by("pk"):
        if changes := edit.changes(company):
            company.tags = edit.tags(company)
            company.owner = edit.owner if edit.sets_owner else company.owner
            changed.append((company, {"changes": changes}))
    Company.objects.bulk_update([company for company, _ in changed], ["owner", "tags"], batch_size=1000)
    audit.record_each("company_edited", changed, by=by)
    return len(changed)


def save_company(company: Company, *, before: Company | None, by: User) -> None:
    """Save what a form says about the company itself; `before` is the row as it was, None for a new one."""
    company.save()
    changes = _changes(FIELDS[Company], before, company)
    was, now = "、".join(before.tags) if before else "", "、".join(company.tags)
    if was != now:
        changes["tags"] = [was, now]
    if before is None:
        audit.record("company_made", company, by=by, changes=changes)
    elif changes:
        audit.record("company_edited", company, by=by, changes=changes)


def save_contact(contact: Contact, *, before: Contact | None, by: User) -> None:
    """Save a contact. Where it is to be the primary one, the other steps back: there is one at most."""
    others = Contact.objects.filter(company=contact.company_id).exclude(pk=contact.pk)
    if contact.is_primary:
        others.filter(is_primary=True).update(is_primary=False)
    elif not others.filter(is_primary=True).exists():
        contact.is_primary = True  # somebody is written to
    contact.save()
    _record(contact.company, FIELDS[Contact], before, contact, by=by)


def delete_contact(contact: Contact, *, by: User) -> None:
    """Take a contact away; the next one steps forward where it was the primary one."""
    contact.delete()
    rest = Contact.objects.filter(company=contact.company_id).order_by("name", "pk")
    if contact.is_primary and (heir := rest.first()):
        Contact.objects.filter(pk=heir.pk).update(is_primary=True)
    gone = {column: [mask(column, getattr(contact, field)), ""] for column, field in FIELDS[Contact].items()}
    audit.record("company_edited", contact.company, by=by, changes=gone)


def save_card(card: Card, *, before: Card | None, by: User) -> None:
    """Save a card. Its PIN and its quarantine are other acts, but another number is another card.

    The PIN in the vault goes with the old number: typed on another card it would cost a try.
    """
    loses_pin = before is not None and before.number != card.number and card.sealed_pin is not None
    if loses_pin:
        card.sealed_pin = None
    card.save()
    _record(card.company, _CARD, before, card, by=by)
    if loses_pin:
        audit.record("pin_dropped", card, by=by)


# What a workbook does not speak of, a form does.
_CARD: Mapping[Any, str] = {**FIELDS[Card], "kind": "kind", "custody": "custody"}


def _record(
    company: Company, fields: Mapping[Any, str], before: Model | None, after: Model, *, by: User
) -> None:
    if changes := _changes(fields, before, after):
        audit.record("company_edited", company, by=by, changes=changes)


def _changes(fields: Mapping[Any, str], before: Model | None, after: Model) -> dict[str, list[str]]:
    """Column → before and after, masked where they are about a person."""
    found: dict[str, list[str]] = {}
    for column, field in fields.items():
        was: Any = getattr(before, field) if before else None
        now: Any = getattr(after, field)
        if (was or None) != (now or None):
            found[column] = [mask(column, was), mask(column, now)]
    return found


def _name(person: User | None) -> str:
    return person.name if person else ""


def split_tags(text: str) -> tuple[str, ...]:
    """The tags that somebody typed, separated by commas of any kind or by spaces; each once."""
    for mark in "，、;；,":
        text = text.replace(mark, " ")
    return tuple(dict.fromkeys(text.split()))


def count_changing(companies: Sequence[Company], edit: Edit) -> int:
    """How many of these companies the edit would change."""
    return sum(1 for company in companies if edit.changes(company))
