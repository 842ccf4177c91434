"""Asks companies by mail for what only they can bring: a consent, a card, a certificate, another address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agency import audit
from agency.inviting import AlreadyHere, invite, is_invited_elsewhere
from agency.models import Agency, Invitation, Membership, Role
from companies.domain.readiness import Problem, check_readiness, primary_contact
from companies.models import Ask, Company, Contact

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
    """One company to be asked: whom, and for what. `token` is an invitation's, where one was made."""

    company: Company
    contact: Contact
    problems: tuple[Problem, ...]
    token: str = ""

    @property
    def asked(self) -> list[str | Promise]:
        """What is asked for, as the mail says it."""
        return [ASKED[problem] for problem in self.problems]


@dataclass
class Plan:
    """Who would be asked, and who would not, and why."""

    letters: list[Letter] = field(default_factory=list)
    nothing_to_ask: list[Company] = field(default_factory=list)
    no_address: list[Company] = field(default_factory=list)
    lately: list[Company] = field(default_factory=list)


def plan(companies: Iterable[UUID], *, year: int, on: date) -> Plan:
    """What asking these companies would do today. Four queries, however many they are."""
    verdicts = check_readiness(companies, year=year, on=on)
    recent = Ask.objects.filter(company__in=verdicts, year=year, asked_at__gt=timezone.now() - QUIET)
    lately = set(recent.values_list("company_id", flat=True))
    found = Plan()
    for company, problems in verdicts.items():
        wanted = tuple(problem for problem in problems if problem in ASKED)
        contact = primary_contact(company)
        if not wanted:
            found.nothing_to_ask.append(company)
        elif contact is None or not contact.email:
            found.no_address.append(company)
        elif company.pk in lately:
            found.lately.append(company)
        else:
            found.letters.append(Letter(company, contact, wanted))
    return found


def ask(companies: Iterable[UUID], *, year: int, on: date, by: Membership) -> list[Letter]:
    """Write down that these companies are asked, and invite who has no account; the caller sends the mails.

    In the caller's transaction. Sent twice, the second asks nobody: they were asked just now.
    """
    # One at a time in an agency: two would ask the same companies.
    Agency.objects.select_for_update(no_key=True).get(pk=by.agency_id)
    letters = [_with_a_way_in(letter, by=by) for letter in plan(companies, year=year, on=on).letters]
    Ask.objects.bulk_create(
        Ask(
            agency_id=by.agency_id,
            company=letter.company,
            year=year,
            problems=[str(problem) for problem in letter.problems],
            contact=letter.contact.name,
            asked_by=by.user,
        )
        for letter in letters
    )
    about = ((letter.company, {"year": year, "problems": ", ".join(letter.problems)}) for letter in letters)
    audit.record_each("companies_asked", about, by=by.user)
    return letters


def last_asked(companies: Iterable[UUID], *, year: int) -> dict[UUID, Ask]:
    """The newest ask of each of these companies. One query."""
    asks = Ask.objects.filter(company__in=list(companies), year=year).select_related("asked_by")
    return {one.company_id: one for one in asks.order_by("asked_at")}


def _with_a_way_in(letter: Letter, *, by: Membership) -> Letter:
    """With an invitation's token where nobody with the contact's address is in the agency, or about to be.

    Who is the contact of several companies gets one link that works, not several of which one does.
    """
    if is_invited_elsewhere(letter.contact.email, company=letter.company):
        return letter
    invitation = Invitation(
        name=letter.contact.name or letter.company.name[:80],
        email=letter.contact.email,
        role=Role.CLIENT,
        company=letter.company,
    )
    try:
        token = invite(invitation, by=by)
    except AlreadyHere:
        token = ""
    return Letter(letter.company, letter.contact, letter.problems, token)
