"""The way in: sign-in with a password or a code, each role's first page, language, and errors."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings

from agency.models import User
from renewals.models import Renewal
from tests.agency.conftest import Mails

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("person", "page"), [("chen", "renewals:mine"), ("mei", "renewals:today"), ("lin", "renewals:today")]
)
def test_a_password_leads_to_the_page_of_the_role(
    client: Client, request: pytest.FixtureRequest, person: str, page: str
) -> None:
    user: User = request.getfixturevalue(person)
    user.set_password(PASSWORD)
    user.save()
    response = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}, follow=True)
    assert response.redirect_chain == [(reverse("home"), 302), (reverse(page), 302)]


def test_a_wrong_password_is_refused_in_words(client: Client, mei: User) -> None:
    mei.set_password(PASSWORD)
    mei.save()
    response = client.post(reverse("account_login"), {"login": mei.email, "password": "a guess"})
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == ["您提供的电子邮件地址和/或密码不正确。"]


def test_a_client_signs_in_with_a_code_and_no_password(client: Client, chen: User, mails: Mails) -> None:
    with mails() as sent:
        client.post(reverse("account_request_login_code"), {"email": chen.email})
    [message] = sent
    code = re.search(r"^ {4}(\S+)$", str(message.body), re.MULTILINE)
    assert code is not None
    assert message.subject == f"续保登录验证码：{code[1]}"
    response = client.post(reverse("account_confirm_login_code"), {"code": code[1]}, follow=True)
    assert response.redirect_chain[-1] == (reverse("renewals:mine"), 302)


@pytest.mark.django_db
def test_an_unknown_address_gets_no_mail_and_sees_the_same_page(client: Client, mails: Mails) -> None:
    with mails() as sent:
        response = client.post(
            reverse("account_request_login_code"), {"email": "nobody@elsewhere.example"}, follow=True
        )
    assert response.redirect_chain == [(reverse("account_confirm_login_code"), 302)]
    assert sent == []


@pytest.mark.django_db
def test_somebody_without_an_agency_is_told_so(client: Client) -> None:
    client.force_login(User.objects.create_user("new@somewhere.example", PASSWORD, name="New"))
    response = client.get(reverse("home"))
    assert (response.status_code, response.templates[0].name) == (403, "agency/no_agency.html")


@pytest.mark.django_db
def test_the_health_page_asks_the_database(client: Client) -> None:
    assert client.get(reverse("health")).json() == {"database": "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize(("accepted", "language"), [("", "zh-Hans"), ("en-GB,en", "en"), ("de", "zh-Hans")])
def test_the_browsers_language_is_spoken_and_chinese_else(
    client: Client, accepted: str, language: str
) -> None:
    response = client.get(reverse("account_login"), headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in response.text


@pytest.mark.django_db
def test_the_switch_changes_the_language_and_stays_on_the_page(client: Client) -> None:
    here = reverse("account_request_login_code")
    response = client.post(reverse("language"), {"language": "en", "next": here}, follow=True)
    assert response.redirect_chain == [(here, 302)]
    assert "<h1>Sign in with a code</h1>" in response.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "heading"), [("zh", "找不到这个页面"), ("en", "This page does not exist")]
)
def test_a_wrong_address_gets_a_page_in_the_readers_language(
    client: Client, accepted: str, heading: str
) -> None:
    response = client.get("/nowhere/", headers={"Accept-Language": accepted})
    assert response.status_code == 404
    assert f"<h1>{heading}</h1>" in response.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "host"), [("/sign-in/?next=%00", "testserver"), ("/sign-in/", "elsewhere")]
)
def test_what_no_page_of_ours_sends_gets_a_page_in_words(client: Client, address: str, host: str) -> None:
    response = client.get(address, headers={"Host": host})
    assert (response.status_code, "<h1>无法处理这次提交</h1>" in response.text) == (400, True)


@pytest.mark.parametrize(("accepted", "heading"), [("zh", "系统出错了"), ("en", "Something went wrong here")])
def test_our_own_mistakes_get_a_page_in_the_readers_language(
    mei: User, renewal: Renewal, monkeypatch: pytest.MonkeyPatch, accepted: str, heading: str
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("renewals.domain.progress.rows", fail)
    client = Client(raise_request_exception=False)
    client.force_login(mei)
    response = client.get(reverse("renewals:board"), headers={"Accept-Language": accepted})
    assert response.status_code == 500
    assert f"<h1>{heading}</h1>" in response.text


@pytest.mark.django_db
def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(mei: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(mei)
    response = client.post(reverse("account_logout"))
    assert (response.status_code, response.templates[0].name) == (403, "403_csrf.html")
    assert client.session["_auth_user_id"] == str(mei.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("simulation", [True, False])
def test_the_band_is_worn_in_the_simulation_only(
    client: Client, settings: Settings, simulation: bool
) -> None:
    settings.SIMULATION = simulation
    page = client.get(reverse("account_login")).text
    assert ("仿真环境" in page) is simulation


def test_no_cache_keeps_a_page_with_data(client: Client, mei: User) -> None:
    client.force_login(mei)
    response = client.get(reverse("renewals:board"))
    assert response["Cache-Control"] == "no-store"


def test_pages_hold_nothing_that_the_content_policy_forbids(
    client: Client, mei: User, renewal: Renewal
) -> None:
    client.force_login(mei)
    with translation.override("en"):
        pages = [reverse("renewals:board"), reverse("companies:list"), reverse("account_logout")]
    for page in pages:
        text = client.get(page).text
        assert re.findall(r"\sstyle=|\son[a-z]+=|<style|javascript:|<script(?![^>]*\bsrc=)", text) == []
