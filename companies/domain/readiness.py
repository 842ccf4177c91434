"""What must be right before a company's renewal is queued, and what to do where it is not.

Looking here spares the client: the portal says the same only after the card's PIN was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

import phonenumbers
from django.db.models import F, Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from companies.models import Card, CardKind, Company, Consent, Contact

# The portal refuses an e-mail address with one of these (guide, 二.2).
REFUSED_IN_EMAIL = "-_"


class Problem(StrEnum):
    """One thing that keeps a company from being queued."""

    USCC_WRONG = "uscc_wrong"
    CONTACT_MISSING = "contact_missing"
    MOBILE_WRONG = "mobile_wrong"
    EMAIL_MISSING = "email_missing"
    EMAIL_REFUSED = "email_refused"
    CARD_MISSING = "card_missing"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CARD_QUARANTINED = "card_quarantined"
    CARD_ELSEWHERE = "card_elsewhere"
    CONSENT_MISSING = "consent_missing"
    RENEWAL_OPEN = "renewal_open"


@dataclass(frozen=True)
class Words:
    """What is wrong, and what to do."""

    what: str | Promise
    fix: str | Promise


WORDS: dict[Problem, Words] = {
    Problem.USCC_WRONG: Words(
        _("The unified social credit code is wrong."),
        _("Compare it with the business licence and correct it."),
    ),
    Problem.CONTACT_MISSING: Words(
        _("There is no contact."), _("Enter a name, a mobile and an e-mail address.")
    ),
    Problem.MOBILE_WRONG: Words(
        _("The contact's mobile is missing or is not a Chinese mobile number."), _("Correct the mobile.")
    ),
    Problem.EMAIL_MISSING: Words(_("The contact has no e-mail address."), _("Ask the company for one.")),
    Problem.EMAIL_REFUSED: Words(
        _("The portal refuses e-mail addresses with a hyphen or an underscore."),
        _("Ask the company for another e-mail address."),
    ),
    Problem.CARD_MISSING: Words(_("No legal-person card is known."), _("Enter the card's number.")),
    Problem.CERTIFICATE_EXPIRED: Words(
        _("The card's certificate has expired."),
        _("Ask the company to renew the card, then enter the new date."),
    ),
    Problem.CARD_QUARANTINED: Words(
        _("The card is in quarantine."), _("Check the card and its PIN, then lift the quarantine.")
    ),
    Problem.CARD_ELSEWHERE: Words(_("The card is with the company."), _("Ask the company to send the card.")),
    Problem.CONSENT_MISSING: Words(
        _("The company's consent for this year is missing."), _("Ask for it, or record its letter.")
    ),
    Problem.RENEWAL_OPEN: Words(_("It is queued for this year already."), _("Nothing to do: see the board.")),
}


def check_readiness(companies: Iterable[UUID], *, year: int, on: date) -> dict[Company, list[Problem]]:
    """Every company of the current agency among these, with what keeps it from being queued on that day.

    An empty list means ready. Four queries, however many companies.
    """
    rows = (
        Company.objects.filter(pk__in=list(companies))
        .prefetch_related(
            Prefetch("contacts", Contact.objects.filter(is_primary=True), to_attr="primary_contacts"),
            Prefetch("cards", _legal_person_cards(), to_attr="all_cards"),
            Prefetch(
                "consents", Consent.objects.filter(year=year, revoked_at__isnull=True), to_attr="in_force"
            ),
        )
        .order_by("name")
    )
    return {row: _problems(row, on=on) for row in rows}


def _legal_person_cards() -> QuerySet[Card]:
    """The card that signs in first, where a company has several: the one that is valid longest."""
    cards = Card.objects.filter(kind=CardKind.LEGAL_PERSON)
    return cards.order_by(F("valid_until").desc(nulls_last=True), "number")


def _problems(company: Company, *, on: date) -> list[Problem]:
    problems = []
    if not uscc.is_valid(company.uscc):
        problems.append(Problem.USCC_WRONG)
    problems += _contact_problems(company.primary_contacts)  # type: ignore[attr-defined]  # prefetched above
    problems += _card_problems(company.all_cards, on=on)  # type: ignore[attr-defined]
    if not company.in_force:  # type: ignore[attr-defined]
        problems.append(Problem.CONSENT_MISSING)
    return problems


def _contact_problems(contacts: list[Contact]) -> list[Problem]:
    if not contacts or not contacts[0].name:
        return [Problem.CONTACT_MISSING]
    contact, problems = contacts[0], []
    if not is_chinese_mobile(contact.mobile):
        problems.append(Problem.MOBILE_WRONG)
    if not contact.email:
        problems.append(Problem.EMAIL_MISSING)
    elif any(sign in contact.email for sign in REFUSED_IN_EMAIL):
        problems.append(Problem.EMAIL_REFUSED)
    return problems


def _card_problems(cards: list[Card], *, on: date) -> list[Problem]:
    if not cards:
        return [Problem.CARD_MISSING]
    card, problems = cards[0], []
    if card.valid_until is not None and card.valid_until < on:
        problems.append(Problem.CERTIFICATE_EXPIRED)
    if card.is_quarantined:
        problems.append(Problem.CARD_QUARANTINED)
    if card.custody != "agency":
        problems.append(Problem.CARD_ELSEWHERE)
    return problems


def is_chinese_mobile(number: str) -> bool:
    """Whether this is a mobile number of mainland China, with or without +86."""
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        return False
    mobile = phonenumbers.PhoneNumberType.MOBILE
    return (
        phonenumbers.is_valid_number_for_region(parsed, "CN") and phonenumbers.number_type(parsed) == mobile
    )
