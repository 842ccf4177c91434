"""Who runs the installation: makes agencies, sees counts, and goes in only with a reason that is read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from smtplib import SMTPRecipientsRefused

import pytest
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from agency import mailing, operating
from agency.models import AuditEntry, Operator, User
from agency.tasks import tend_invitations
from agency.tenancy import as_user, scope
from companies.models import Company
from tests.agency.conftest import Mails
from tests.database import OTHER_AGENCY, OUR_AGENCY

BrowserOf = Callable[[User], Client]
REASON = "客户来电说看板打不开，查看原因"


def enter(client: Client, reason: str = REASON) -> int:
    address = reverse("operator:enter", args=[OUR_AGENCY])
    return client.post(address, {"reason": reason}).status_code


def trail() -> list[tuple[str, dict[str, object]]]:
    with scope(OUR_AGENCY):
        return list(
            AuditEntry.objects.filter(action__startswith="operator_")
            .order_by("number")
            .values_list("action", "detail")
        )


def test_the_operator_sees_counts_and_no_data(
    tang: User, company: Company, raos_company: Company, mei: User, browser_of: BrowserOf
) -> None:
    response = browser_of(tang).get(reverse("operator:agencies"))
    counts = {one.id: (one.people, one.companies) for one in response.context["agencies"]}
    assert counts == {OUR_AGENCY: (1, 1), OTHER_AGENCY: (0, 1)}
    assert re.findall("宏达|佳禾|Mei", response.text) == []


def test_postgres_itself_asks_who_is_asking(mei: User, agency: object) -> None:
    with pytest.raises(PermissionDenied):
        operating.agencies(by=mei)
    with pytest.raises(DatabaseError, match="for operators only"), as_user(mei.pk):
        connection.cursor().execute("SELECT * FROM operator_sees_agencies()")


def test_the_web_makes_nobody_an_operator(mei: User) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        Operator.objects.create(user=mei)


def test_without_a_reason_nobody_goes_in(tang: User, company: Company, browser_of: BrowserOf) -> None:
    client = browser_of(tang)
    enter(client, reason="看看")
    assert client.get(reverse("companies:company", args=[company.pk])).status_code == 404
    assert trail() == []


def test_with_a_reason_he_looks_and_the_agencys_admins_read_it(
    tang: User, lin: User, company: Company, browser_of: BrowserOf
) -> None:
    client = browser_of(tang)
    enter(client)
    page = reverse("companies:company", args=[company.pk])
    assert client.get(page).status_code == 200
    client.post(reverse("operator:leave"))
    assert client.get(page).status_code == 404
    assert trail() == [
        ("operator_entered", {"reason": REASON}),
        ("operator_looked", {"page": "companies:company", "address_of": page}),
        ("operator_left", {}),
    ]
    shown = browser_of(lin).get(reverse("trail")).context["entries"]
    assert [REASON in str(one.lines) for one in shown if one.entry.action == "operator_entered"] == [True]


def test_he_looks_and_does_nothing(tang: User, company: Company, browser_of: BrowserOf) -> None:
    client = browser_of(tang)
    enter(client)
    response = client.post(
        reverse("companies:consent", args=[company.pk]), {"given_by": "王", "year": "2026"}
    )
    assert response.status_code == 403
    with scope(OUR_AGENCY):
        assert company.consents.count() == 1


def test_a_visit_ends_after_an_hour(
    tang: User, company: Company, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of(tang)
    enter(client)
    session = client.session
    session[operating.VISIT] = session[operating.VISIT] | {"until": int(time.time()) - 1}
    session.save()
    assert client.get(reverse("companies:company", args=[company.pk])).status_code == 404


def link_in(message: EmailMessage) -> str:
    found = re.search(r"http://testserver(/invitation/\S+)", str(message.body))
    assert found is not None
    return found[1]


def test_a_new_agencys_admin_is_invited(tang: User, browser_of: BrowserOf, mails: Mails) -> None:
    form = {
        "name": "南海外贸服务",
        "slug": "nanhai",
        "admin_name": "高敏",
        "admin_email": "gao@nanhai.example",
    }
    client = browser_of(tang)
    with mails() as sent:
        client.post(reverse("operator:make"), form)
    [message] = sent
    guest = Client()
    response = guest.post(link_in(message), {"password": "four words that differ"}, follow=True)
    assert response.redirect_chain[-1] == (reverse("renewals:today"), 302)
    again = client.post(reverse("operator:make"), form)
    assert again.context["form"].has_error("slug")


def test_an_agency_whose_admin_never_came_is_given_another(
    tang: User, browser_of: BrowserOf, mails: Mails
) -> None:
    form = {
        "name": "南海外贸服务",
        "slug": "nanhai",
        "admin_name": "高敏",
        "admin_email": "goa@nanhai.example",
    }
    client, address = browser_of(tang), reverse("operator:agencies")
    with mails() as wrong:
        client.post(reverse("operator:make"), form)
    [made] = [one for one in client.get(address).context["agencies"] if one.slug == "nanhai"]
    invite = reverse("operator:invite", args=[made.id])
    assert invite in client.get(address).text
    with mails() as right:
        client.post(invite, {"admin_name": "高敏", "admin_email": "gao@nanhai.example"})
    assert [Client().get(link_in(one)).status_code for one in (*wrong, *right)] == [410, 200]
    Client().post(link_in(right[0]), {"password": "four words that differ"})
    assert invite not in client.get(address).text
    assert client.post(invite, {"admin_name": "谁", "admin_email": "who@else.example"}).status_code == 404


def test_an_invitation_that_reached_nobody_is_told_to_the_operator_until_he_invites_again(
    tang: User, browser_of: BrowserOf, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMessage) -> int:
        raise SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})

    client, address = browser_of(tang), reverse("operator:agencies")

    def told() -> tuple[list[str], int]:
        page = client.get(address)
        failed = [one.slug for one in page.context["agencies"] if one.invitation_failed_at]
        return failed, page.text.count("给管理员的邀请邮件无法送达")

    form = {"name": "南海外贸服务", "slug": "nanhai"}
    form |= {"admin_name": "高敏", "admin_email": "goa@nanhai.example"}
    with monkeypatch.context() as broken, mails():
        broken.setattr(EmailMessage, "send", refuse)
        client.post(reverse("operator:make"), form)
        assert told() == ([], 0)
        mailing.settle()
        tend_invitations()
    assert told() == (["nanhai"], 1)
    [made] = [one for one in client.get(address).context["agencies"] if one.slug == "nanhai"]
    with mails():
        client.post(
            reverse("operator:invite", args=[made.id]),
            {"admin_name": "高敏", "admin_email": "gao@nanhai.example"},
        )
    assert told() == ([], 0)


def test_what_is_not_ones_own_is_refused_and_told(
    mei: User, raos_company: Company, browser_of: BrowserOf
) -> None:
    client = browser_of(mei)
    assert client.get(reverse("trail")).status_code == 404
    assert client.get(reverse("companies:company", args=[raos_company.pk])).status_code == 404
    with scope(OUR_AGENCY):
        refused = AuditEntry.objects.filter(action="refused").order_by("number")
        assert [entry.detail["page"] for entry in refused] == ["trail", "companies:company"]
