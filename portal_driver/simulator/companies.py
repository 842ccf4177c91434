"""The client companies that the simulated portal knows, read from a file like `samples/season.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from stdnum.cn import uscc as uscc_number


class BadCompanies(ValueError):
    """The file cannot be used; the text is one sentence for the person who named it."""


@dataclass(frozen=True)
class CardData:
    """A legal-person card (法人卡) as it was issued."""

    number: str
    certificate: str
    holder: str
    pin: str
    valid_until: date
    # It tells nothing of itself before its PIN was right. Whether real ones do is not known [P].
    is_silent: bool = False


@dataclass(frozen=True)
class Company:
    """A company as the portal knows it; `portal_*` differ from the truth where the portal is wrong."""

    name: str
    uscc: str
    authorized_before: bool
    card: CardData
    portal_name: str
    portal_uscc: str
    has_pending_policy: bool


def read_companies(path: Path, *, today: date) -> tuple[Company, ...]:
    """The companies in the file. Days in it count from `today`. Raises `BadCompanies`."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCompanies(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadCompanies(f"{path} is not JSON: {error}.") from error
    return companies_from(raw, today=today)


def companies_from(raw: Any, *, today: date) -> tuple[Company, ...]:
    """The companies in decoded JSON. Raises `BadCompanies` and names the entry at fault."""
    entries = raw.get("companies") if isinstance(raw, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise BadCompanies('There are no companies: an object with a list "companies" is expected.')
    companies = tuple(_company(entry, place, today) for place, entry in enumerate(entries, start=1))
    _refuse_repeats("USCC", [company.uscc for company in companies])
    _refuse_repeats("card number", [company.card.number for company in companies])
    return companies


def _company(entry: Any, place: int, today: date) -> Company:
    try:
        portal = entry.get("portal", {})
        company = Company(
            name=str(entry["name"]),
            uscc=str(entry["uscc"]),
            authorized_before=bool(entry["authorized_before"]),
            card=_card(entry["card"], today),
            portal_name=str(portal.get("name", entry["name"])),
            portal_uscc=str(portal.get("uscc", entry["uscc"])),
            has_pending_policy=bool(portal.get("pending", True)),
        )
    except KeyError as error:
        raise BadCompanies(f"Company {place} has no {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadCompanies(f"Company {place} is not written as expected: {error}.") from error
    if not uscc_number.is_valid(company.uscc):
        raise BadCompanies(f"Company {place} ({company.name}): {company.uscc} is not a valid USCC.")
    return company


def _card(raw: Mapping[str, Any], today: date) -> CardData:
    if "valid_until" in raw:
        valid_until = date.fromisoformat(raw["valid_until"])
    else:
        valid_until = today + timedelta(days=int(raw["valid_for_days"]))
    return CardData(
        number=str(raw["number"]),
        certificate=str(raw["certificate"]),
        holder=str(raw["holder"]),
        pin=str(raw["pin"]),
        valid_until=valid_until,
        is_silent=bool(raw.get("is_silent", False)),
    )


def _refuse_repeats(what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BadCompanies(f"The {what} {value} stands twice in the file.")
        seen.add(value)
