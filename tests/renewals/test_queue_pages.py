"""Queueing from the list of companies: shown first, frozen, and done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, User
from agency.tenancy import scope
from companies.models import Company
from renewals.models import Batch, Renewal
from tests.cast import YEAR, make_company

PREVIEW, CONFIRM = reverse("renewals:queue"), reverse("renewals:queue_confirm")


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def queued(agency: Agency) -> list[str]:
    with scope(agency.pk):
        return list(Renewal.objects.order_by("company__name").values_list("company__name", flat=True))


def test_the_preview_says_who_is_ready_and_what_the_others_lack(
    page: Client, agency: Agency, company: Company, wus_renewal: Renewal
) -> None:
    unready = make_company(agency, 5, "深圳市新来贸易有限公司", ready=False)
    chosen = [company.pk, wus_renewal.company_id, unready.pk]
    context = page.post(PREVIEW, {"year": YEAR, "company": chosen}).context
    assert context["ready"] == [company]
    assert {one: [str(words.what) for words in advice] for one, advice in context["not_ready"].items()} == {
        unready: ["没有联系人。", "没有登记法人卡。", "缺少企业今年的委托授权。"]
    }
    assert context["open"] == [wus_renewal.company]
    assert queued(agency) == [wus_renewal.company.name]


def test_all_that_match_are_frozen_when_they_are_shown(
    page: Client, agency: Agency, company: Company, wus_company: Company, raos_company: Company
) -> None:
    sent = {"year": YEAR, "scope": "matching", "query": "q=宏达"}
    frozen = page.post(PREVIEW, sent).context["frozen"]
    make_company(agency, 6, "广州市宏达二号贸易有限公司")
    page.post(CONFIRM, {"year": YEAR, "frozen": frozen, "name": "第一批"})
    assert queued(agency) == [company.name]


def test_confirming_queues_what_is_ready_with_all_that_was_said_of_it(
    page: Client, agency: Agency, mei: User, company: Company
) -> None:
    unready = make_company(agency, 5, "深圳市新来贸易有限公司", ready=False)
    due_on = timezone.localdate() + timedelta(days=9)
    sent = {
        "year": YEAR,
        "frozen": f"{company.pk} {unready.pk}",
        "name": "第一批",
        "due_on": due_on.isoformat(),
        "priority": "10",
        "assignee": str(mei.pk),
        "note": "四月前办完",
        "chosen_by": "ready=yes",
    }
    response = page.post(CONFIRM, sent)
    with scope(agency.pk):
        [batch] = Batch.objects.all()
        [renewal] = Renewal.objects.all()
    assert response["Location"] == reverse("renewals:batch", args=[batch.pk])
    assert (batch.name, batch.made_by, batch.asked) == ("第一批", mei, 2)
    assert (batch.note, batch.chosen_by) == ("四月前办完", "ready=yes")
    assert (renewal.company, renewal.due_on, renewal.priority) == (company, due_on, 10)
    assert (renewal.assignee, renewal.note) == (mei, "四月前办完")


def test_the_page_says_which_filter_found_the_companies_and_none_for_those_that_were_ticked(
    page: Client, company: Company
) -> None:
    sent = {"year": YEAR, "scope": "matching", "query": "q=宏达"}
    assert page.post(PREVIEW, sent).context["chosen_by"] == "q=宏达"
    ticked = {"year": YEAR, "company": str(company.pk), "scope": "ticked", "query": "q=宏达"}
    assert page.post(PREVIEW, ticked).context["chosen_by"] == ""


def test_a_form_that_is_sent_twice_queues_once_and_leads_to_the_same_batch(
    page: Client, agency: Agency, company: Company
) -> None:
    sent = {"year": YEAR, "frozen": str(company.pk), "name": "第一批"}
    first, second = page.post(CONFIRM, sent), page.post(CONFIRM, sent)
    assert first["Location"] == second["Location"]
    assert queued(agency) == [company.name]


def test_a_day_that_has_passed_is_asked_for_again_with_the_same_selection(
    page: Client, agency: Agency, company: Company
) -> None:
    sent = {"year": YEAR, "frozen": str(company.pk), "name": "第一批", "due_on": "2020-01-01"}
    context = page.post(CONFIRM, sent).context
    assert context["form"].errors == {"due_on": ["这一天已经过去了。"]}
    assert context["frozen"] == str(company.pk)
    assert queued(agency) == []


def test_a_company_of_another_agency_is_not_queued_however_it_is_named(
    page: Client, agency: Agency, raos_agency: Agency, raos_company: Company
) -> None:
    page.post(CONFIRM, {"year": YEAR, "frozen": str(raos_company.pk), "name": "第一批"})
    assert (queued(agency), queued(raos_agency)) == ([], [])


@pytest.mark.parametrize("sent", [{}, {"year": "soon"}, {"year": YEAR, "company": "not an id"}])
def test_a_form_that_no_page_of_ours_made_is_not_found(page: Client, sent: dict[str, object]) -> None:
    assert page.post(PREVIEW, sent).status_code == 404


def test_choosing_nothing_leads_back_with_a_word(page: Client) -> None:
    sent = {"year": YEAR, "next": reverse("companies:list")}
    response = page.post(PREVIEW, sent, follow=True)
    assert [str(message) for message in response.context["messages"]] == ["请先选择至少一家企业。"]


def test_only_before_the_first_queue_the_readiness_list_leads_to_a_rehearsal(
    page: Client, agency: Agency
) -> None:
    with scope(agency.pk):
        first = Company.objects.create(name="甲", uscc="1")
        Company.objects.create(name="乙", uscc="2")
    assert "目前没有企业就绪" in page.get(reverse("readiness:list")).text
    with scope(agency.pk):
        Renewal.objects.create(company=first, year=timezone.localdate().year)
    assert "目前没有企业就绪" not in page.get(reverse("readiness:list")).text
