"""Letters of consent that came by post: recorded one company after another, with no way back to the list."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from companies.models import Company, Consent
from tests.cast import YEAR, make_company
from tests.database import OUR_AGENCY

BEGIN, NEXT = reverse("readiness:letters"), reverse("readiness:letters_next")
NEXT_YEAR = str(YEAR + 1)


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


@pytest.fixture
def three(agency: Agency) -> list[Company]:
    """In the order of the lists; none has a consent for the next year."""
    names = ("佛山市明珠灯饰有限公司", "广州市宏达贸易有限公司", "韶关市佳禾食品有限公司")
    return [make_company(agency, number, name) for number, name in enumerate(names, start=20)]


def begun(page: Client, companies: list[Company], **more: str) -> dict[str, Any]:
    """The walk's first page, as the form on it would send it."""
    shown = page.post(BEGIN, {"company": [str(one.pk) for one in companies], "year": NEXT_YEAR} | more)
    return sent(shown.context)


def sent(context: Any) -> dict[str, Any]:
    """What the form on the page sends beside what is typed."""
    return {
        "company": str(context["company"].pk),
        "year": str(context["year"]),
        "frozen": context["frozen"],
        "next": context["next"],
    }


def signed() -> list[tuple[str, str]]:
    with scope(OUR_AGENCY):
        given = Consent.objects.filter(year=YEAR + 1).order_by("given_at", "pk")
        return list(given.values_list("company__name", "given_by"))


def test_saving_records_the_letter_and_brings_the_next_company(page: Client, three: list[Company]) -> None:
    form = begun(page, three, next="/readiness/?ready=consent_missing")
    assert (form["company"], signed()) == (str(three[0].pk), [])
    for number, company in enumerate(three[:2], start=1):
        shown = page.post(NEXT, form | {"given_by": f"签署人{number}"})
        assert [str(one) for one in shown.context["messages"]] == [f"{company.name}：授权书已登记。"]
        assert (shown.context["company"], shown.context["left"]) == (three[number], 3 - number)
        form = sent(shown.context)
    last = page.post(NEXT, form | {"given_by": "签署人3"})
    assert last["Location"] == "/readiness/?ready=consent_missing"
    assert signed() == [(one.name, f"签署人{number}") for number, one in enumerate(three, start=1)]
    with scope(OUR_AGENCY):
        assert AuditEntry.objects.filter(action="consent_given").count() == 3


def test_a_company_is_passed_over_without_a_word_and_nothing_is_recorded(
    page: Client, three: list[Company]
) -> None:
    shown = page.post(NEXT, begun(page, three) | {"pass_over": "yes", "given_by": ""})
    assert (shown.context["company"], shown.context["left"], signed()) == (three[1], 2, [])


def test_who_signed_must_be_said_and_the_company_stays(page: Client, three: list[Company]) -> None:
    shown = page.post(NEXT, begun(page, three) | {"given_by": " "})
    assert (shown.context["company"], shown.context["left"]) == (three[0], 3)
    assert shown.context["form"].errors == {"given_by": ["这个字段是必填项。"]}
    assert signed() == []


def test_a_form_that_is_sent_twice_records_once_and_goes_on(page: Client, three: list[Company]) -> None:
    form = begun(page, three) | {"given_by": "王志强"}
    pages = [page.post(NEXT, form) for _ in range(2)]
    assert [one.context["company"] for one in pages] == [three[1], three[1]]
    assert signed() == [(three[0].name, "王志强")]


def test_companies_whose_consent_came_meanwhile_are_left_out(page: Client, three: list[Company]) -> None:
    form, other = begun(page, three), begun(page, three[1:2])
    page.post(NEXT, other | {"given_by": "同事录入"})
    assert page.post(NEXT, form | {"given_by": "王志强"}).context["company"] == three[2]


def test_all_that_match_can_be_walked_through(page: Client, three: list[Company]) -> None:
    shown = page.post(BEGIN, {"scope": "matching", "query": f"year={NEXT_YEAR}&q=灯饰", "year": NEXT_YEAR})
    assert (shown.context["company"], shown.context["left"]) == (three[0], 1)


def test_where_none_is_chosen_or_none_lacks_it_the_list_says_so(page: Client, three: list[Company]) -> None:
    for companies in ([], [str(three[0].pk)]):
        answer = page.post(BEGIN, {"company": companies, "year": str(YEAR)}, follow=True)
        assert len(answer.context["messages"]) == 1
        assert answer.redirect_chain == [(reverse("readiness:list"), 302)]


def test_another_agencys_company_is_neither_shown_nor_recorded(
    page: Client, three: list[Company], raos_company: Company
) -> None:
    form = begun(page, [*three, raos_company])
    assert str(raos_company.pk) not in form["frozen"]
    theirs = form | {"company": str(raos_company.pk), "given_by": "王志强"}
    assert page.post(NEXT, theirs).status_code == 404
    with scope(raos_company.agency_id):
        assert not Consent.objects.filter(year=YEAR + 1).exists()


def test_more_companies_take_no_more_queries(
    page: Client, three: list[Company], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    counts = []
    for companies in (three[:1], three):
        page.post(BEGIN, {"company": [str(one.pk) for one in companies], "year": NEXT_YEAR})
        with django_assert_max_num_queries(40) as asked:
            page.post(BEGIN, {"company": [str(one.pk) for one in companies], "year": NEXT_YEAR})
        counts.append(len(asked))
    assert counts[0] == counts[1]
