"""The sample season: invented companies for the demo, and the workbook an agency would have of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone
from xlsxwriter import Workbook

from agency.models import User
from companies.domain.cards import store_pin
from companies.domain.columns import Column
from companies.domain.consents import record_letter
from companies.models import Card, Company

SEASON = Path(settings.BASE_DIR) / "samples" / "season.json"


@dataclass(frozen=True)
class SampleCompany:
    """One company of the sample. `pin` is what the vault gets, `trouble` what will stop it, if anything."""

    name: str
    uscc: str
    region: str
    contact: str
    mobile: str
    email: str
    card: str
    certificate: str
    holder: str
    valid_until: date
    drawer: str
    old_policy_ends_on: date
    authorized_before: bool
    pin: str = field(repr=False)
    trouble: str = ""


def load_season(path: Path = SEASON, *, today: date | None = None) -> list[SampleCompany]:
    """The companies of the sample file, with dates counted from `today`, by default the present day."""
    entries = json.loads(path.read_text(encoding="utf-8"))["companies"]
    return [_company(entry, today or timezone.localdate()) for entry in entries]


def _company(entry: dict[str, Any], today: date) -> SampleCompany:
    contact, card = entry["contact"], entry["card"]
    return SampleCompany(
        name=entry["name"],
        uscc=entry["uscc"],
        region=entry["region"],
        contact=contact["name"],
        mobile=contact["mobile"],
        email=contact["email"],
        card=card["number"],
        certificate=card["certificate"],
        holder=card["holder"],
        valid_until=today + timedelta(days=card["valid_for_days"]),
        drawer=entry["drawer"],
        old_policy_ends_on=today + timedelta(days=entry["old_policy_ends_in_days"]),
        authorized_before=entry["authorized_before"],
        pin=entry.get("vault_pin", card["pin"]),
        trouble=entry.get("trouble", ""),
    )


def record_consents(season: Iterable[SampleCompany], *, year: int, by: User) -> None:
    """A letter of consent for the year from each sample company of the current agency. Repeatable."""
    contacts = {company.uscc: company.contact for company in season}
    for company in Company.objects.filter(uscc__in=contacts):
        record_letter(company, year=year, given_by=contacts[company.uscc], by=by)


def fill_vault(season: Iterable[SampleCompany], *, by: User) -> None:
    """Store the PIN of each sample company's card, as if each had allowed it. Repeatable."""
    pins = {company.card: company.pin for company in season}
    for card in Card.objects.filter(number__in=pins):
        store_pin(card, pins[card.number], by=by)


def write_workbook(season: Sequence[SampleCompany], file: BinaryIO | Path) -> None:
    """Write the sample as an agency's workbook: Chinese headings, one company a row, no PINs."""
    with Workbook(file) as workbook:
        sheet = workbook.add_worksheet("客户名单")
        head = workbook.add_format({"bold": True, "bg_color": "#E8EEF7", "border": 1, "valign": "vcenter"})
        # Codes and telephone numbers are text: as numbers they would lose digits.
        text = workbook.add_format({"num_format": "@"})
        day = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        for place, (column, width) in enumerate(_WIDTHS.items()):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, column.heading, head)
        for line, company in enumerate(season, start=1):
            for place, value in enumerate(_cells(company)):
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, day)
                else:
                    sheet.write_string(line, place, value, text)
        sheet.set_row(0, 22)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, len(season), len(_WIDTHS) - 1)


# In the order of the sheet, with widths in characters.
_WIDTHS = {
    Column.NAME: 28,
    Column.USCC: 22,
    Column.REGION: 8,
    Column.CONTACT: 10,
    Column.MOBILE: 14,
    Column.EMAIL: 28,
    Column.CARD: 16,
    Column.CERTIFICATE: 14,
    Column.HOLDER: 10,
    Column.VALID_UNTIL: 14,
    Column.DRAWER: 10,
    Column.OLD_POLICY_ENDS: 14,
    Column.AUTHORIZED_BEFORE: 12,
    Column.OWNER: 12,
}


def _cells(company: SampleCompany) -> tuple[str | date, ...]:
    return (
        company.name,
        company.uscc,
        company.region,
        company.contact,
        company.mobile,
        company.email,
        company.card,
        company.certificate,
        company.holder,
        company.valid_until,
        company.drawer,
        company.old_policy_ends_on,
        "是" if company.authorized_before else "否",
        "",  # the sample knows no agency, and so none of its people
    )
