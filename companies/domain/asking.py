"""Asks companies by mail for what only they can bring: a consent, a card, a certificate, another address.

A page writes down that a company is asked, and rings; a worker makes the mail and sends it (`agency.outbox`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from agency import audit, inviting, letters
from agency.inviting import AlreadyHere, invite, is_invited_elsewhere
from agency.models import Agency, Invitation, Membership, Role
from agency.outbox import Outbox
from companies.domain.readiness import Problem, check_readiness, primary_contact
from companies.models import Ask, Company, Contact
from companies.ringing import ring_for_asks

log = structlog.get_logger()

# Nobody is asked again so soon: a company answers in days, and a second mail is noise.
QUIET = timedelta(days=3)

# What the mail says for each thing that only the company can do.
ASKED: dict[Problem, str | Promise] = {
    Problem.EMAIL_REFUSED: _("another e-mail address: the portal takes none with a hyphen or an underscore"),
    Problem.CERTIFICATE_EXPIRED: _("a renewed certificate on the legal-person card: it has expired"),
    Problem.CARD_ELSEWHERE: _("the legal-person card, sent to us"),
    Problem.CONSENT_MISSING: _("your signed consent that we act for you this year"),
}


@dataclass(frozen=True)
class Letter:
    """One company to be asked: whom, and for what."""

    company: Company
    contact: Contact
    problems: tuple[Problem, ...]

    @property
    def asked(self) -> list[str | Promise]:
        """What is asked for, as the mail says it."""
        return asked_words(self.problems)


def asked_words(problems: Iterable[str]) -> list[str | Promise]:
    """What the mail says for these problems."""
    return [ASKED[Problem(problem)] for problem in problems]


@dataclass
class Plan:
    """Who would be asked, and who would not, and why."""

    letters: list[Letter] = field(default_factory=list)
    nothing_to_ask: list[Company] = field(default_factory=list)
    no_address: list[Company] = field(default_factory=list)
    lately: list[Company] = field(default_factory=list)


def plan(companies: Iterable[UUID], *, year: int, on: date) -> Plan:
    """What asking these companies would do today. Five queries, however many they are."""
    verdicts = check_readiness(companies, year=year, on=on)
    recent = Ask.objects.filter(
        company__in=verdicts, year=year, asked_at__gt=timezone.now() - QUIET, mail_failed_at__isnull=True
    )
    lately = set(recent.values_list("company_id", flat=True))
    people = _people(verdicts)
    found = Plan()
    for company, problems in verdicts.items():
        wanted = tuple(problem for problem in problems if problem in ASKED)
        contact = primary_contact(company)
        if not wanted:
            found.nothing_to_ask.append(company)
        elif contact is None or not _written_to(contact, people.get(company.pk, [])):
            found.no_address.append(company)
        elif company.pk in lately:
            found.lately.append(company)
        else:
            found.letters.append(Letter(company, contact, wanted))
    return found


def ask(companies: Iterable[UUID], *, year: int, on: date, by: Membership, origin: str) -> list[Letter]:
    """Write down that these companies are asked, invite who has no account, and ring for the mails.

    In the caller's transaction. Sent twice, the second asks nobody: they were asked just now. The mails
    are in the present language, with links to our address as `origin` ("https://…") says it.
    """
    # One at a time in an agency: two would ask the same companies.
    Agency.objects.select_for_update(no_key=True).get(pk=by.agency_id)
    asked = plan(companies, year=year, on=on).letters
    with audit.held_back():
        for letter in asked:
            _let_in(letter, by=by)
    Ask.objects.bulk_create(
        Ask(
            agency_id=by.agency_id,
            company=letter.company,
            year=year,
            problems=[str(problem) for problem in letter.problems],
            contact=letter.contact.name,
            asked_by=by.user,
            due_at=Now(),
            language=get_language() or "",
            origin=origin,
        )
        for letter in asked
    )
    about = ((letter.company, {"year": year, "problems": ", ".join(letter.problems)}) for letter in asked)
    audit.record_each("companies_asked", about, by=by.user)
    ring_for_asks(by.agency_id)
    return asked


def send_due(agency: UUID) -> int:
    """Send the mails of the agency's asks that are due; of how many they went out. Outside of any scope."""
    return _OUTBOX.send_due(agency)


def _asks() -> QuerySet[Ask]:
    return Ask.objects.select_related("agency", "company", "asked_by")


def _mails(ask: Ask) -> list[EmailMessage]:
    """The ask as mails: to the contact, with his way in, and to whoever else of the company receives mail.

    None where nobody of it can be written to any more.
    """
    contact = Contact.objects.filter(company=ask.company, is_primary=True).first()
    people = _people([ask.company_id]).get(ask.company_id, [])
    if contact is None or not (addresses := _written_to(contact, people)):
        log.warning("ask_has_no_address", ask=str(ask.pk))
        return []
    about: dict[str, Any] = {
        "agency": ask.agency,
        "by": ask.asked_by,
        "company": ask.company,
        "year": ask.year,
    }
    about |= {"contact": contact, "asked": asked_words(ask.problems), "origin": ask.origin}
    return [letters.ask(to, token=inviting.link_for(to, company=ask.company_id), **about) for to in addresses]


def _told(ask: Ask) -> tuple[Company, dict[str, Any]]:
    return ask.company, {"year": ask.year, "problems": ", ".join(ask.problems)}


_OUTBOX = Outbox(_asks, _mails, _told)


def _people(companies: Iterable[UUID | Company]) -> dict[UUID, list[tuple[str, bool]]]:
    """Who signs in for each of these companies: address, and whether he receives mail. One query."""
    members = Membership.objects.filter(role=Role.CLIENT, company__in=companies, ended_at__isnull=True)
    found: dict[UUID, list[tuple[str, bool]]] = {}
    for company, address, gets_mail in members.values_list("company_id", "user__email", "gets_mail"):
        found.setdefault(company, []).append((address.lower(), gets_mail))
    return found


def _written_to(contact: Contact, people: list[tuple[str, bool]]) -> list[str]:
    """The addresses that an ask goes to: the contact's first, unless he signs in and receives no mail."""
    wanted = dict.fromkeys([contact.email.lower()] if contact.email else [], True) | dict(people)
    return [address for address, gets_mail in wanted.items() if gets_mail]


def last_asked(companies: Iterable[UUID], *, year: int) -> dict[UUID, Ask]:
    """The newest ask of each of these companies. One query."""
    asks = Ask.objects.filter(company__in=list(companies), year=year).select_related("asked_by")
    return {one.company_id: one for one in asks.order_by("asked_at")}


def _let_in(letter: Letter, *, by: Membership) -> None:
    """Invite the contact where nobody with this address is in the agency, or about to be.

    Who is the contact of several companies gets one link that works, not several of which one does.
    """
    if is_invited_elsewhere(letter.contact.email, company=letter.company):
        return
    invitation = Invitation(
        name=letter.contact.name or letter.company.name[:80],
        email=letter.contact.email,
        role=Role.CLIENT,
        company=letter.company,
    )
    with suppress(AlreadyHere):
        invite(invitation, by=by)
