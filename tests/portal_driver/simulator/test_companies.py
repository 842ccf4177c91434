"""Reading the companies' file, and what is said of one that cannot be used."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from portal_driver.simulator.companies import BadCompanies, companies_from, read_companies

from .conftest import SAMPLE

TODAY = date(2026, 3, 1)


def entry(**changes: Any) -> dict[str, Any]:
    """A company as the file writes it."""
    card = {
        "number": "C1",
        "certificate": "a1",
        "holder": "宋海峰",
        "pin": "15230134",
        "valid_until": "2027-01-31",
    }
    company = {"name": "甲公司", "uscc": "91440100MAB53RXR8B", "authorized_before": True, "card": card}
    return {**company, **changes}


def test_the_sample_season_has_24_companies_a_third_of_them_new():
    companies = read_companies(SAMPLE, today=TODAY)
    assert len(companies) == 24
    assert sum(not company.authorized_before for company in companies) == 8


def test_a_card_is_valid_until_a_day_or_for_days():
    [one] = companies_from({"companies": [entry()]}, today=TODAY)
    assert one.card.valid_until == date(2027, 1, 31)
    days = {"number": "C1", "certificate": "a1", "holder": "宋海峰", "pin": "1", "valid_for_days": -1}
    [other] = companies_from({"companies": [entry(card=days)]}, today=TODAY)
    assert other.card.valid_until == date(2026, 2, 28)


def test_the_portal_may_know_a_company_otherwise():
    portal = {"uscc": "91440200MA7YP74XAD", "name": "乙公司", "pending": False}
    [one] = companies_from({"companies": [entry(portal=portal)]}, today=TODAY)
    assert (one.portal_uscc, one.portal_name, one.has_pending_policy) == (
        "91440200MA7YP74XAD",
        "乙公司",
        False,
    )


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ([], 'There are no companies: an object with a list "companies" is expected.'),
        ({"companies": []}, 'There are no companies: an object with a list "companies" is expected.'),
        (
            {"companies": [entry(uscc="91440100MAB53RXR8C")]},
            "Company 1 (甲公司): 91440100MAB53RXR8C is not a valid USCC.",
        ),
        ({"companies": [entry(), entry()]}, "The USCC 91440100MAB53RXR8B stands twice in the file."),
        ({"companies": [{"name": "甲公司"}]}, "Company 1 has no 'uscc'."),
        (
            {"companies": [entry(card="C1")]},
            "Company 1 is not written as expected: string indices must be integers, not 'str'.",
        ),
    ],
)
def test_the_entry_at_fault_is_named(raw: Any, sentence: str):
    with pytest.raises(BadCompanies) as bad:
        companies_from(raw, today=TODAY)
    assert str(bad.value) == sentence


def test_a_file_that_is_not_json_or_not_there_is_named(tmp_path: Path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(BadCompanies) as bad:
        read_companies(broken, today=TODAY)
    assert str(bad.value).startswith(f"{broken} is not JSON: ")
    with pytest.raises(BadCompanies) as missing:
        read_companies(tmp_path / "none.json", today=TODAY)
    assert str(missing.value) == f"{tmp_path / 'none.json'} cannot be read: No such file or directory."


def test_the_sample_is_the_format(tmp_path: Path):
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(json.loads(SAMPLE.read_text(encoding="utf-8"))), encoding="utf-8")
    assert read_companies(copy, today=TODAY) == read_companies(SAMPLE, today=TODAY)
