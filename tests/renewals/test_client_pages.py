"""The client's page: its own company, in plain words, and its policy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import User
from agency.tenancy import scope
from companies.models import Card, Company
from portal_driver.contract import Outcome, Reason
from renewals.models import Desk, Renewal, Stage, StageState, State
from tests.cast import make_renewal
from tests.renewals.papers import begin_run, keep_policy
from tests.renewals.runs import claim, finish

MINE = reverse("renewals:mine")


@pytest.fixture
def page(client: Client, chen: User) -> Client:
    client.force_login(chen)
    return client


def test_a_client_sees_only_its_own_renewal(page: Client, renewal: Renewal, wus_renewal: Renewal) -> None:
    response = page.get(MINE)
    assert response.context["renewal"] == renewal
    assert response.text.count(wus_renewal.company.name) == 0


def test_a_client_without_a_renewal_is_told_that_nothing_is_asked_of_it(
    page: Client, wus_renewal: Renewal
) -> None:
    response = page.get(MINE)
    assert (response.context["renewal"], response.context["stages"]) == (None, [])
    assert response.status_code == 200


def test_our_troubles_are_not_the_clients(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.PIN_REFUSED)
    response = page.get(MINE)
    assert response.context["now"].what == "我们正在核对一个问题"
    assert [stage.shown for stage in response.context["stages"]] == [
        StageState.RUNNING,
        *[StageState.PENDING] * 4,
    ]
    assert response.text.count("密码") == 0


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words_for_the_client(
    page: Client, renewal: Renewal, desk: Desk, state: State
) -> None:
    with scope(renewal.agency_id):
        now = timezone.now()
        held = {"desk": desk, "lease_until": now} if state == State.RUNNING else {}
        Renewal.objects.filter(pk=renewal.pk).update(state=state, look_at=now, reason="uscc_differs", **held)
    context = page.get(MINE).context
    shown = None if state == State.CANCELLED else renewal
    assert context["renewal"] == shown
    assert (context["now"] is not None and context["now"].what != "") == (shown is not None)


def test_a_stage_that_the_portal_passed_over_was_done_before(page: Client, renewal: Renewal) -> None:
    with scope(renewal.agency_id):
        Stage.objects.filter(renewal=renewal, name="sealing").update(state=StageState.SKIPPED)
    assert [stage.word for stage in page.get(MINE).context["stages"]][:2] == ["未开始", "往年已办"]


def test_a_policy_in_force_comes_first_and_an_older_one_is_kept(
    page: Client, renewal: Renewal, card: Card, tmp_path: Path
) -> None:
    run = begin_run(renewal, card)
    policy = keep_policy(run, tmp_path)
    assert (page.get(MINE).context["in_force"], page.get(MINE).context["older"]) == ([policy], [])
    keep_policy(run, tmp_path, begins=timezone.localdate() - timedelta(days=400))
    assert (page.get(MINE).context["in_force"], page.get(MINE).context["older"]) == ([], [policy])


def test_the_page_names_the_agency_and_the_hotline(page: Client, company: Company, mei: User) -> None:
    with scope(company.agency_id):
        Company.objects.filter(pk=company.pk).update(owner=mei)
    make_renewal(company, mei)
    text = page.get(MINE).text
    assert [
        text.count(words) for words in ('href="tel:95198"', 'href="tel:020-12345678"', "岭南外贸服务 · Mei")
    ] == [
        1,
        1,
        1,
    ]
