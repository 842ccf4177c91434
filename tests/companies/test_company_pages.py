"""The companies on their pages: list, readiness, workbook, consent, card."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from companies.domain.cards import quarantine, vault_pin
from companies.models import Card, Company, Contact
from renewals.models import Renewal
from tests.cast import YEAR, make_company, uscc_for

LIST = reverse("companies:list")


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def names(page: Client, **query: str) -> list[str]:
    return [row.company.name for row in page.get(LIST, {"year": str(YEAR)} | query).context["rows"]]


def test_the_list_holds_the_companies_of_the_agency_and_no_others(
    page: Client, company: Company, wus_company: Company, raos_company: Company
) -> None:
    assert names(page) == [company.name, wus_company.name]


@pytest.mark.parametrize(
    "words", ["宏达", uscc_for(1)[-9:].lower(), "C440000000001", "13800138001", "宏达 李", "hdmy", "GZ 李"]
)
def test_a_company_is_found_by_name_initials_code_card_and_contact(
    page: Client, company: Company, wus_company: Company, words: str
) -> None:
    with scope(company.agency_id):
        Contact.objects.filter(company=company).update(name="李美玲", mobile="13800138001")
    assert names(page, q=words) == [company.name]


def test_the_list_is_sorted_as_the_address_says(page: Client, company: Company, wus_company: Company) -> None:
    assert names(page, sort="-name") == [wus_company.name, company.name]


def test_each_company_says_whether_it_is_ready_and_what_to_do(
    page: Client, agency: Agency, company: Company, wus_renewal: Renewal
) -> None:
    make_company(agency, 5, "深圳市新来贸易有限公司", ready=False)
    rows = page.get(LIST, {"year": YEAR}).context["rows"]
    assert [(row.advice == [], row.renewal) for row in rows] == [
        (True, None),
        (True, wus_renewal),
        (False, None),
    ]
    assert [str(words.fix) for words in rows[2].advice] == [
        "请填写姓名、手机和邮箱。",
        "请填写卡号。",
        "请通知企业补办，或在企业页面登记其授权书。",
    ]


@pytest.mark.parametrize("companies", [1, 3])
def test_the_list_asks_the_same_questions_however_long_it_is(
    page: Client, agency: Agency, companies: int
) -> None:
    for number in range(companies):
        make_company(agency, 10 + number, f"深圳市第{number}贸易有限公司")
    with CaptureQueriesContext(connection) as asked:
        assert len(page.get(LIST, {"year": YEAR}).context["rows"]) == companies
    # Savepoints are the test's: outside of it they are one transaction's begin and end.
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) == 11


def test_the_page_of_a_company_never_shows_a_pin(page: Client, company: Company, card: Card) -> None:
    response = page.get(reverse("companies:company", args=[company.pk]))
    assert response.context["cards"] == [{"card": card, "has_pin": True}]
    assert response.text.count("27182818") == 0


def test_a_letter_is_recorded_for_the_year_on_the_page(page: Client, company: Company) -> None:
    with scope(company.agency_id):
        company.consents.all().delete()
    page.post(reverse("companies:consent", args=[company.pk]), {"given_by": "宋海峰", "year": str(YEAR)})
    with scope(company.agency_id):
        assert [(c.given_by, c.year, c.how) for c in company.consents.all()] == [("宋海峰", YEAR, "letter")]


def test_a_lifted_quarantine_takes_the_old_pin_with_it(page: Client, card: Card) -> None:
    with scope(card.agency_id):
        quarantine(card, reason="pin_refused")
    page.post(reverse("companies:lift_quarantine", args=[card.pk]), {"why": "企业已确认新密码"})
    with scope(card.agency_id):
        card.refresh_from_db()
    assert (card.is_quarantined, card.sealed_pin) == (False, None)


def test_a_pin_goes_into_the_vault_with_the_companys_permission(page: Client, card: Card) -> None:
    address = reverse("companies:store_pin", args=[card.pk])
    page.post(address, {"pin": "31415926"})
    assert pin_in_vault(card) == "27182818"
    page.post(address, {"pin": "31415926", "allowed": "on"})
    assert pin_in_vault(card) == "31415926"
    with scope(card.agency_id):
        stored = AuditEntry.objects.filter(action="pin_stored").order_by("-number")[0]
    assert (stored.actor_name, stored.detail) == ("Mei", {})


@pytest.mark.parametrize("pin", ["88888888", "00000000"])
def test_a_pin_that_cards_are_issued_with_is_refused(page: Client, card: Card, pin: str) -> None:
    response = page.post(reverse("companies:store_pin", args=[card.pk]), {"pin": pin, "allowed": "on"})
    assert response.context["pin_form"].errors["pin"] == ["这是卡的出厂密码。请向企业问清它自己设的密码。"]
    assert pin_in_vault(card) == "27182818"
    assert response.text.count(f'value="{pin}"') == 0


def pin_in_vault(card: Card) -> str | None:
    with scope(card.agency_id):
        card.refresh_from_db()
        return vault_pin(card)


def test_an_expired_certificate_is_said_on_the_card(page: Client, company: Company) -> None:
    with scope(company.agency_id):
        company.cards.update(valid_until=timezone.localdate().replace(year=2020))
    response = page.get(reverse("companies:company", args=[company.pk]), {"year": YEAR})
    assert [str(words.what) for words in response.context["advice"]] == ["卡的证书已过期。"]


# --- What the address asks for and nobody understands -----------------------------------------


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("companies:list", {"q": "广州 " * 9}),
        ("companies:list", {"year": "MMXXVI"}),
        ("readiness:list", {"q": "广州 " * 9}),
        ("readiness:list", {"year": "0000"}),
        ("trail", {"q": "广州 " * 9}),
    ],
)
def test_what_a_list_is_asked_for_in_vain_is_told(
    client: Client, lin: User, company: Company, name: str, query: dict[str, str]
) -> None:
    client.force_login(lin)
    response = client.get(reverse(name), query)
    [(label, why)] = response.context["filter"].left_out
    assert f"<li>{label}: {why}</li>" in response.text


@pytest.mark.parametrize(
    ("name", "query", "told"),
    [
        (
            "companies:list",
            {"ready": "yes", "owner": "null", "ends": "2026-03-05"},
            ["已就绪，未排队", "负责同事：未指定", "证书到期早于 2026年3月5日"],
        ),
        ("readiness:list", {"ready": "yes", "owner": "null"}, ["负责同事：未指定"]),
        ("trail", {"since": "2026-03-05", "until": "2026-03-06"}, ["从 2026年3月5日", "到 2026年3月6日"]),
    ],
)
def test_the_filters_of_a_list_that_are_set_are_told(
    client: Client, lin: User, company: Company, name: str, query: dict[str, str], told: list[str]
) -> None:
    client.force_login(lin)
    response = client.get(reverse(name), query)
    assert [one.words for one in response.context["filter"].set_ones] == told
    assert "筛选 · " in response.text


@pytest.mark.parametrize("name", ["trail_export", "readiness:export"])
def test_no_file_is_made_of_what_nobody_understands(client: Client, lin: User, name: str) -> None:
    client.force_login(lin)
    assert client.get(reverse(name, args=["csv"]), {"q": "广州 " * 9}).status_code == 404


def test_nothing_is_queued_of_all_that_match_what_nobody_understands(
    client: Client, mei: User, company: Company
) -> None:
    client.force_login(mei)
    for query in ("owner=nobody-we-know", "year=next"):
        asked = {"scope": "matching", "query": query, "year": str(YEAR)}
        assert client.post(reverse("renewals:queue"), asked).status_code == 404


def test_no_consent_is_recorded_for_a_year_that_nobody_named(page: Client, company: Company) -> None:
    for posted in ({}, {"year": "next"}):
        sent = {"given_by": "宋海峰"} | posted
        assert page.post(reverse("companies:consent", args=[company.pk]), sent).status_code == 404
