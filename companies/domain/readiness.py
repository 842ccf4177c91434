"""What must be right before a company's renewal is queued, and what to do where it is not.

Looking here spares the client: the portal says the same only after the card's PIN was typed. The
checks are asked of Postgres, so that a list of ten thousand can be filtered and counted by them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

import phonenumbers
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Regex
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from companies.models import Card, CardKind, Company, Contact, Custody

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
    """What is wrong, in a sentence and in a word, what to do, and whether the company itself must."""

    what: str | Promise
    fix: str | Promise
    short: str | Promise
    asks_company: bool = False


WORDS: dict[Problem, Words] = {
    Problem.USCC_WRONG: Words(
        _("The unified social credit code is wrong."),
        _("Compare it with the business licence and correct it."),
        _("code wrong"),
    ),
    Problem.CONTACT_MISSING: Words(
        _("There is no contact."),
        _("Enter a name, a mobile and an e-mail address."),
        _("no contact"),
    ),
    Problem.MOBILE_WRONG: Words(
        _("The contact's mobile is missing or is not a Chinese mobile number."),
        _("Correct the mobile."),
        _("mobile wrong"),
    ),
    Problem.EMAIL_MISSING: Words(
        _("The contact has no e-mail address."), _("Ask the company for one."), _("no e-mail")
    ),
    Problem.EMAIL_REFUSED: Words(
        _("The portal refuses e-mail addresses with a hyphen or an underscore."),
        _("Ask the company for another e-mail address."),
        _("e-mail refused"),
        asks_company=True,
    ),
    Problem.CARD_MISSING: Words(
        _("No legal-person card is known."), _("Enter the card's number."), _("no card")
    ),
    Problem.CERTIFICATE_EXPIRED: Words(
        _("The card's certificate has expired."),
        _("Ask the company to renew the card, then enter the new date."),
        _("certificate expired"),
        asks_company=True,
    ),
    Problem.CARD_QUARANTINED: Words(
        _("The card is in quarantine."),
        _("Check the card and its PIN, then lift the quarantine."),
        _("card in quarantine"),
    ),
    Problem.CARD_ELSEWHERE: Words(
        _("The card is with the company."),
        _("Ask the company to send the card."),
        _("card not here"),
        asks_company=True,
    ),
    Problem.CONSENT_MISSING: Words(
        _("The company's consent for this year is missing."),
        _("Ask the company for it, or record its letter on the company's page."),
        _("no consent"),
        asks_company=True,
    ),
    Problem.RENEWAL_OPEN: Words(
        _("It is queued for this year already."), _("Nothing to do: see the board."), _("queued already")
    ),
}


def check_readiness(companies: Iterable[UUID], *, year: int, on: date) -> dict[Company, list[Problem]]:
    """Every company of the current agency among these, with what keeps it from being queued on that day.

    An empty list means ready. Two queries, however many companies. Each comes with its contact (see
    `primary_contact`), and with its legal-person cards as `all_cards`.
    """
    rows = (
        with_problems(Company.objects.filter(pk__in=list(companies)), year=year, on=on)
        .select_related("owner", "primary")  # type: ignore[misc]  # joined by `with_problems`
        .prefetch_related(Prefetch("cards", _legal_person_cards(), to_attr="all_cards"))
        .order_by("initials", "name")
    )
    return {row: problems_of(row) for row in rows}


def problems_by_company(companies: Iterable[UUID], *, year: int, on: date) -> dict[UUID, list[Problem]]:
    """As `check_readiness`, in the same order, by the companies' ids: for thousands at once, of which the
    answer alone matters. One query.
    """
    rows = with_problems(Company.objects.filter(pk__in=list(companies)), year=year, on=on)
    judged = rows.order_by("initials", "name").values_list("pk", "uscc", "problems")  # type: ignore[misc]  # annotated
    return {ident: _problems(code, found) for ident, code, found in judged}


def primary_contact(company: Company) -> Contact | None:
    """Whom we write to, of a company that came from `check_readiness`."""
    return getattr(company, "primary", None)  # Django sets it where there is one


def problems_of(company: Company) -> list[Problem]:
    """What keeps a company that came through `with_problems` from being queued.

    The check digit of its code is counted here: no door lets a wrong one in, so no list is filtered by it.
    """
    return _problems(company.uscc, company.problems)  # type: ignore[attr-defined]  # annotated


def with_problems(companies: QuerySet[Company], *, year: int, on: date) -> QuerySet[Company]:
    """The companies with `problems`: the codes, in the order of `Problem`, of what Postgres can tell."""
    best_card = _legal_person_cards().filter(company=OuterRef("pk")).values(found=_card_problems(on))
    return companies.alias(
        primary=FilteredRelation("contacts", condition=Q(contacts__is_primary=True)),
        consent=FilteredRelation(
            "consents", condition=Q(consents__year=year, consents__revoked_at__isnull=True)
        ),
    ).annotate(
        problems=Func(
            _contact_problems(),
            Coalesce(Subquery(best_card[:1]), Value([str(Problem.CARD_MISSING)], _CODES)),
            _codes({Problem.CONSENT_MISSING: Q(consent__isnull=True)}),
            template="(%(expressions)s)",
            arg_joiner=" || ",
            output_field=_CODES,
        )
    )


def is_ready() -> Q:
    """For companies that came through `with_problems`: nothing keeps them."""
    return Q(problems=[])


def has_problem(problem: Problem) -> Q:
    """For companies that came through `with_problems`: this keeps them, maybe among others.

    Says no more than `problems` does, and asks less: of ten thousand companies Postgres judges what this
    one check is about, and not the rest.
    """
    if problem == Problem.CONTACT_MISSING:
        return _is_nobody()
    if found := _contact_checks().get(problem):
        return Q(primary__name__gt="") & found
    if problem == Problem.CONSENT_MISSING:
        return Q(consent__isnull=True)
    if problem == Problem.CARD_MISSING:
        return Q(~Exists(_legal_person_cards().filter(company=OuterRef("pk"))))
    return Q(problems__contains=[str(problem)])


@dataclass(frozen=True)
class Tally:
    """How many companies there are, how many of them are ready, and how many each problem keeps back."""

    total: int
    ready: int
    problems: Counter[Problem]

    @property
    def not_ready(self) -> int:
        """How many something keeps back."""
        return self.total - self.ready


def tally(companies: QuerySet[Company]) -> Tally:
    """The companies (from `with_problems`), counted. One query, which judges each of them once."""
    judged = companies.order_by().values_list("problems")  # type: ignore[misc]  # annotated
    counted = list(judged.annotate(number=Count("pk")))
    problems: Counter[Problem] = Counter()
    for codes, number in counted:
        problems.update({Problem(code): number for code in codes})
    ready = sum(number for codes, number in counted if not codes)
    return Tally(sum(number for _codes, number in counted), ready, problems)


def is_chinese_mobile(number: str) -> bool:
    """Whether this is a mobile number of mainland China: what the check in Postgres says, for one number."""
    return re.match(_MOBILE, number.translate(str.maketrans("", "", _BETWEEN_DIGITS))) is not None


def _legal_person_cards() -> QuerySet[Card]:
    """The card that signs in first, where a company has several: the one that is valid longest."""
    cards = Card.objects.filter(kind=CardKind.LEGAL_PERSON)
    return cards.order_by(F("valid_until").desc(nulls_last=True), "number")


# --- The checks -------------------------------------------------------------------------------

# What the library knows of mobiles in mainland China, with or without the country's code before it.
_CHINA = phonenumbers.PhoneMetadata.metadata_for_region("CN")
_MOBILE = rf"^((\+|00)?86)?({_CHINA.mobile.national_number_pattern})$"  # type: ignore[union-attr]
_BETWEEN_DIGITS = " -()"
_CODES = ArrayField(TextField())


def _problems(code: str, found: list[str]) -> list[Problem]:
    problems = [Problem(one) for one in found]
    return problems if uscc.is_valid(code) else [Problem.USCC_WRONG, *problems]


def _is_nobody() -> Q:
    return Q(primary__isnull=True) | Q(primary__name="")


def _contact_checks() -> dict[Problem, Q]:
    """What can be wrong with somebody who is there."""
    refused = Q()
    for sign in REFUSED_IN_EMAIL:
        refused |= Q(primary__email__contains=sign)
    digits = Func("primary__mobile", Value(_BETWEEN_DIGITS), Value(""), function="translate")
    return {
        Problem.MOBILE_WRONG: ~Q(Regex(digits, Value(_MOBILE))),
        Problem.EMAIL_MISSING: Q(primary__email=""),
        Problem.EMAIL_REFUSED: refused,
    }


def _contact_problems() -> Case:
    nobody = Value([str(Problem.CONTACT_MISSING)], _CODES)
    return Case(When(_is_nobody(), then=nobody), default=_codes(_contact_checks()))


def _card_problems(on: date) -> Func:
    return _codes(
        {
            Problem.CERTIFICATE_EXPIRED: Q(valid_until__lt=on),
            Problem.CARD_QUARANTINED: Q(quarantined_at__isnull=False),
            Problem.CARD_ELSEWHERE: ~Q(custody=Custody.AGENCY),
        }
    )


def _codes(checks: dict[Problem, Q]) -> Func:
    """The codes of the conditions that hold, as an array."""
    found = [Case(When(condition, then=Value(str(code)))) for code, condition in checks.items()]
    every = Func(*found, template="ARRAY[%(expressions)s]::text[]", output_field=_CODES)
    return Func(every, Value(None), function="array_remove", output_field=_CODES)
