"""The readiness list, on its page and as a file; and companies asked by mail for what only they can bring."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from io import StringIO
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, AuditEntry, Invitation, Membership, Role, User
from agency.tenancy import scope
from companies.domain import asking
from companies.models import Ask, Card, Company, Contact
from companies.tasks import tend_asks
from tests.cast import YEAR, make_company, make_person
from tests.database import OUR_AGENCY

LIST, ASK, CONFIRM = (reverse(name) for name in ("readiness:list", "readiness:ask", "readiness:ask_confirm"))


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


@pytest.fixture
def mails(django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]) -> object:
    @contextmanager
    def catch() -> Iterator[list[EmailMessage]]:
        sent: list[EmailMessage] = []
        with django_capture_on_commit_callbacks(execute=True):
            yield sent
        asking.send_due(OUR_AGENCY)
        sent.extend(mail.outbox)

    return catch


@pytest.fixture
def lacking(agency: Agency) -> Company:
    """Its consent is missing, and its card is not here."""
    company = make_company(agency, 20, "佛山市明珠灯饰有限公司")
    with scope(agency.pk):
        company.consents.all().delete()
        Card.objects.filter(company=company).update(custody="company")
    return company


def rows(page: Client, **query: str) -> list[tuple[str, list[str]]]:
    found = page.get(LIST, {"year": str(YEAR)} | query).context["rows"]
    return [(row.company.name, [cell.state for cell in row.cells]) for row in found]


def test_the_list_is_of_those_that_are_not_ready_one_column_a_check(
    page: Client, agency: Agency, company: Company, lacking: Company
) -> None:
    unknown = make_company(agency, 21, "深圳市新来贸易有限公司", ready=False)
    assert rows(page) == [
        (lacking.name, ["ok", "ok", "ok", "ok", "ok", "wrong", "wrong"]),
        (unknown.name, ["wrong", "open", "open", "wrong", "open", "open", "wrong"]),
    ]
    assert rows(page, ready="yes") == [(company.name, ["ok"] * 7)]


def test_the_numbers_above_the_list_are_those_of_the_rows_behind_them(
    page: Client, agency: Agency, company: Company, lacking: Company
) -> None:
    make_company(agency, 21, "深圳市新来贸易有限公司", ready=False)
    context = page.get(LIST, {"year": str(YEAR)}).context
    for code, _label, number in [*context["tiles"], *context["problems"]]:
        assert len(rows(page, ready=str(code))) == number


def test_a_row_says_what_to_do_and_who_must(page: Client, lacking: Company) -> None:
    [row] = page.get(LIST, {"year": str(YEAR)}).context["rows"]
    assert ([str(words) for words in row.to_do], str(row.who)) == (
        ["请企业把卡寄来。", "请通知企业补办，或在企业页面登记其授权书。"],
        "企业",
    )


def test_the_file_holds_every_row_that_matches_and_no_formula(
    page: Client, agency: Agency, lacking: Company
) -> None:
    with scope(agency.pk):
        Company.objects.filter(pk=lacking.pk).update(name="=1+1")
    content = page.get(reverse("readiness:export", args=["csv"]), {"year": str(YEAR)}).content
    headings, row = csv.reader(StringIO(content.decode("utf-8-sig")))
    assert headings[-3:] == ["怎么办", "谁来办", "已通知"]
    assert row[:2] + row[8:] == [
        "'=1+1",
        lacking.uscc,
        "卡不在本所",
        "缺授权",
        "请企业把卡寄来。 请通知企业补办，或在企业页面登记其授权书。",
        "企业",
        "",
    ]


def test_an_empty_agency_is_told_to_begin_with_its_list(page: Client, agency: Agency) -> None:
    response = page.get(LIST)
    assert response.context["has_companies"] is False
    assert response.text.count(reverse("companies:import")) == 1


def test_the_preview_says_who_is_written_to_and_who_is_not(
    page: Client, agency: Agency, company: Company, lacking: Company
) -> None:
    silent = make_company(agency, 22, "珠海市无邮有限公司")
    with scope(agency.pk):
        silent.consents.all().delete()
        Contact.objects.filter(company=silent).update(email="")
    plan = page.post(ASK, {"year": YEAR, "scope": "matching", "query": ""}).context["plan"]
    assert [letter.company for letter in plan.letters] == [lacking]
    assert (plan.nothing_to_ask, plan.no_address, plan.lately) == ([company], [silent], [])
    with scope(agency.pk):
        assert Ask.objects.count() == 0


def test_the_mail_says_what_is_needed_and_invites_who_has_no_account(
    page: Client,
    agency: Agency,
    mei: User,
    lacking: Company,
    mails: Callable[[], AbstractContextManager[list[EmailMessage]]],
) -> None:
    with mails() as sent:
        page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    [letter] = sent
    with scope(agency.pk):
        [ask], [invitation] = Ask.objects.all(), Invitation.objects.all()
    assert letter.to == ["office20@example.com"]
    assert [line for line in letter.body.splitlines() if line.startswith("- ")] == [
        "- 请将法人卡寄给我们",
        "- 本年度签署的委托授权书",
    ]
    assert letter.body.count("/invitation/") == 1
    assert (ask.company_id, ask.problems, ask.asked_by_id) == (
        lacking.pk,
        ["card_elsewhere", "consent_missing"],
        mei.pk,
    )
    assert (invitation.email, invitation.role, invitation.company_id) == (
        "office20@example.com",
        "client",
        lacking.pk,
    )


def test_nobody_is_asked_again_within_three_days(
    page: Client,
    agency: Agency,
    lacking: Company,
    mails: Callable[[], AbstractContextManager[list[EmailMessage]]],
) -> None:
    sent = {"year": YEAR, "frozen": str(lacking.pk)}
    with mails() as first:
        page.post(CONFIRM, sent)
        page.post(CONFIRM, sent)
    assert len(first) == 1
    with scope(agency.pk):
        Ask.objects.update(asked_at=timezone.now() - timedelta(days=4))
    assert len(page.post(ASK, sent).context["plan"].letters) == 1


def test_who_is_the_contact_of_two_companies_gets_one_link_and_it_works(
    page: Client, agency: Agency, lacking: Company, wus_company: Company
) -> None:
    with scope(agency.pk):
        wus_company.consents.all().delete()
        Contact.objects.filter(company__in=[lacking, wus_company]).update(email="both@example.com")
    page.post(CONFIRM, {"frozen": f"{lacking.pk} {wus_company.pk}", "year": str(YEAR)})
    with scope(agency.pk):
        assert Ask.objects.count() == 2
        assert [one.revoked_at for one in Invitation.objects.all()] == [None]


def test_the_list_says_who_was_asked_and_when(
    page: Client, agency: Agency, mei: User, lacking: Company
) -> None:
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    [row] = page.get(LIST, {"year": str(YEAR)}).context["rows"]
    assert (row.ask.contact, row.ask.asked_by, timezone.localdate(row.ask.asked_at)) == (
        "王志强",
        mei,
        timezone.localdate(),
    )


def test_a_company_of_another_agency_is_not_asked_however_it_is_named(
    page: Client, raos_company: Company
) -> None:
    page.post(CONFIRM, {"year": YEAR + 1, "frozen": str(raos_company.pk)})
    with scope(raos_company.agency_id):
        assert Ask.objects.count() == 0


# --- A mail that is late ----------------------------------------------------------------------


def test_a_mail_whose_ring_was_lost_is_sent_by_the_clock_and_once(
    page: Client, agency: Agency, lacking: Company
) -> None:
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    assert mail.outbox == []
    assert "通知邮件尚未发出" in page.get(LIST, {"year": str(YEAR)}).text
    assert (tend_asks(), tend_asks()) == (1, 0)
    [letter] = mail.outbox
    assert re.search("http://testserver/invitation/[^/]+/", str(letter.body))
    assert "通知邮件尚未发出" not in page.get(LIST, {"year": str(YEAR)}).text


def test_what_the_mail_server_refused_stays_due(
    page: Client, agency: Agency, lacking: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", _refused)
        assert tend_asks() == 0
    with scope(agency.pk):
        Ask.objects.update(due_at=timezone.now())
    assert (tend_asks(), len(mail.outbox)) == (1, 1)


def test_of_two_addresses_the_one_that_refuses_is_told_and_the_other_written_to_once(
    page: Client, agency: Agency, lacking: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("wu@mingzhu.example", "Wu", agency, Role.CLIENT, lacking)
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    delivered = EmailMessage.send

    def refuse_contact(message: EmailMessage) -> int:
        if message.to != ["wu@mingzhu.example"]:
            raise SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})
        return delivered(message)

    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", refuse_contact)
        assert (tend_asks(), tend_asks()) == (1, 0)
    assert [message.to for message in mail.outbox] == [["wu@mingzhu.example"]]
    with scope(agency.pk):
        told = AuditEntry.objects.get(action="mail_undelivered")
        asked = AuditEntry.objects.get(action="companies_asked")
    assert (told.actor, told.object_id, told.detail) == (None, str(lacking.pk), asked.detail)
    assert "邮件无法送达。请更正联系人邮箱" in page.get(LIST, {"year": str(YEAR)}).text
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    assert (tend_asks(), len(mail.outbox)) == (1, 3)
    assert "邮件无法送达" not in page.get(LIST, {"year": str(YEAR)}).text


def _refused(_message: EmailMessage) -> int:
    raise ConnectionRefusedError


def test_the_mail_is_in_the_language_of_who_asks(page: Client, agency: Agency, lacking: Company) -> None:
    page.cookies["django_language"] = "en"
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)}, headers={"Accept-Language": "en"})
    tend_asks()
    [letter] = mail.outbox
    assert letter.body.startswith("Hello ")


def test_only_who_receives_mail_is_written_to(page: Client, agency: Agency, lacking: Company) -> None:
    with scope(agency.pk):
        Contact.objects.filter(company=lacking).update(email="boss@example.com")
    make_person("boss@example.com", "Boss", agency, Role.CLIENT, lacking)
    make_person("desk@example.com", "Desk", agency, Role.CLIENT, lacking)
    with scope(agency.pk):
        Membership.objects.filter(user__email="boss@example.com").update(gets_mail=False)
    page.post(CONFIRM, {"year": YEAR, "frozen": str(lacking.pk)})
    tend_asks()
    assert [letter.to for letter in mail.outbox] == [["desk@example.com"]]
    with scope(agency.pk):
        Membership.objects.filter(user__email="desk@example.com").update(gets_mail=False)
        Ask.objects.all().delete()
    plan = page.post(ASK, {"year": YEAR, "frozen": str(lacking.pk)}).context["plan"]
    assert (plan.letters, plan.no_address) == ([], [lacking])
