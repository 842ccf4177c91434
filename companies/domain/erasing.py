"""Takes a company's data away when it asks for that, or when its time is over (PIPL 47).

At once goes what nobody needs any more: contacts, cards with their PINs, notes, the people's access and
accounts. Where something was done in the company's name on the portal, the proof of it stays (consents,
the story of each renewal, evidence, policies) for as long as somebody may claim that it was done wrongly
(Civil Code 188: three years; we count to the end of the year); then it goes too. The audit trail stays:
it is written once, and what it says of people is masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from agency import audit, rights
from agency.models import Membership, User
from companies.domain.holdings import files_of, held, is_named
from companies.models import Company, ImportRow

# A renewal in any other state may still act on the portal.
OVER = ("complete", "refused", "cancelled")


class StillOpen(ValueError):
    """A renewal of the company is under way: it is finished or cancelled first."""


@dataclass(frozen=True)
class Plan:
    """What erasing would do today: `kept_until` is when the last proof goes, None for at once."""

    is_open: bool
    kept_until: date | None


def plan(company: Company) -> Plan:
    """What erasing this company would do today. Two queries."""
    return Plan(company.renewals.exclude(state__in=OVER).exists(), _kept_until(company))


def erase(company: Company, *, by: User | None, why: str) -> date | None:
    """Take away what may go now; returns the day on which the rest goes, None where nothing is left.

    Once more changes nothing but what is due by then. Raises `StillOpen`.
    """
    company = Company.objects.select_for_update().get(pk=company.pk)
    asked = plan(company)
    if asked.is_open:
        raise StillOpen(company.pk)
    people = list(company.people.select_related("user"))
    counts = {
        "contacts": company.contacts.count(),
        "cards": company.cards.count(),
        "people": len(people),
    }
    _end_access(people)
    company.contacts.all().delete()
    company.cards.all().delete()
    company.invitations.all().delete()
    company.asks.all().delete()
    ImportRow.objects.filter(uscc=company.uscc).delete()
    kept_until = str(asked.kept_until or "")
    audit.record("company_erased", company, by=by, why=why, kept_until=kept_until, counts=counts)
    if asked.kept_until is None:
        _erase_the_rest(company)
        return None
    Company.objects.filter(pk=company.pk).update(
        region="",
        note="",
        owner=None,
        erased_at=company.erased_at or Now(),
        kept_until=asked.kept_until,
    )
    return asked.kept_until


def erase_due() -> int:
    """Of the current agency's erased companies, take away those whose time is over; how many there were."""
    due = list(Company.objects.filter(erased_at__isnull=False, kept_until__lte=timezone.localdate()))
    for company in due:
        erase(company, by=None, why="kept long enough")
    return len(due)


def _kept_until(company: Company) -> date | None:
    """The day until which the proof is kept; None where nothing was ever done, or long enough ago."""
    last = company.renewals.filter(runs__isnull=False).aggregate(last=Max("changed_at"))["last"]
    if last is None:
        return None
    until = date(timezone.localdate(last).year + settings.KEEP_PROOF_YEARS, 12, 31)
    return until if until > timezone.localdate() else None


def _end_access(people: list[Membership]) -> None:
    """The company's people come in no more; an account that opens nothing else is emptied."""
    for membership in people:
        Membership.objects.filter(pk=membership.pk, ended_at__isnull=True).update(ended_at=Now())
        rights.forget(membership.user)


def _erase_the_rest(company: Company) -> None:
    files = list(files_of(held(company)))
    company.policies.all().delete()
    company.renewals.all().delete()
    company.delete()
    # A file lies under its digest: another company's evidence may be the very same page.
    # Before the commit: whoever dies in between leaves the rows, and the next time finishes it. The other
    # way round nothing would know of the files any more.
    for name, path in files:
        if not is_named(name):
            path.unlink(missing_ok=True)
