"""Consents: a company's permission that the agency acts for it in one policy year, given and taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from agency import audit
from agency.models import User
from companies.models import Company, Consent, HowGiven

WORDINGS = Path(__file__).resolve().parents[1] / "consent_wording"
# A version that was agreed to once is never edited: a new text is a new version.
CURRENT_VERSION = "2026-1"


@dataclass(frozen=True)
class Wording:
    """The text that a company agrees to. The Chinese one binds, the English one helps to read it."""

    version: str
    chinese: str
    english: str

    @property
    def sha256(self) -> str:
        """The digest of the binding text, as it is kept with each consent."""
        return sha256(self.chinese.encode()).hexdigest()


def wording(version: str = CURRENT_VERSION) -> Wording:
    """The wording of this version. Raises `FileNotFoundError` for one that never was."""
    chinese, english = (
        (WORDINGS / f"{version}.{language}.txt").read_text(encoding="utf-8") for language in ("zh", "en")
    )
    return Wording(version, chinese, english)


def without_consent(companies: Collection[UUID], *, year: int) -> QuerySet[Company]:
    """Those of the companies that have no consent in force for the year, in the order of the lists."""
    in_force = Consent.objects.filter(company=OuterRef("pk"), year=year, revoked_at__isnull=True)
    ours = Company.objects.filter(pk__in=companies, erased_at__isnull=True)
    return ours.exclude(Exists(in_force)).order_by("initials", "name", "pk")


def record_letter(company: Company, *, year: int, given_by: str, by: User) -> Consent:
    """The company's consent by letter, signed by `given_by`, entered by `by`.

    Where a consent for the year is in force, that one is returned and nothing is written.
    """
    text = wording()
    consent, is_new = Consent.objects.get_or_create(
        company=company,
        year=year,
        revoked_at=None,
        defaults={
            "agency_id": company.agency_id,
            "wording_version": text.version,
            "wording_sha256": text.sha256,
            "how": HowGiven.LETTER,
            "given_by": given_by,
            "given_at": Now(),
        },
    )
    if is_new:
        audit.record("consent_given", company, by=by, year=year, how=HowGiven.LETTER, wording=text.version)
    return consent


def revoke(consent: Consent, *, by: User) -> bool:
    """Take the consent back; from now on no irreversible click is armed. False when it was back already."""
    revoked = Consent.objects.filter(pk=consent.pk, revoked_at__isnull=True).update(revoked_at=Now())
    if revoked:
        audit.record("consent_revoked", consent.company, by=by, year=consent.year)
    return revoked == 1
