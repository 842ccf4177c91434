"""The sample season: what the demo starts from, through the same import as anybody's workbook."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from python_calamine import CalamineWorkbook
from stdnum.cn import uscc

from agency.models import User
from companies.domain.cards import vault_pin
from companies.domain.importing import Imported, import_companies, preview
from companies.domain.readiness import Problem, check_readiness
from companies.models import Card, Company, Consent
from companies.sample import fill_vault, load_season, record_consents, write_workbook

YEAR = 2026


def imported(by: User) -> Imported:
    """The sample, written as a workbook and imported."""
    file = BytesIO()
    write_workbook(load_season(), file)
    file.seek(0)
    return import_companies(preview(file, "sample.xlsx"), by=by)


def test_the_sample_has_24_companies_two_thirds_authorised_before():
    season = load_season()
    assert len(season) == 24
    assert sum(company.authorized_before for company in season) == 16
    assert [company.uscc for company in season if not uscc.is_valid(company.uscc)] == []


def test_its_dates_count_from_the_day_of_use():
    today = timezone.localdate()
    now, later = load_season(), load_season(today=today + timedelta(days=7))
    assert now[0].valid_until == today + timedelta(days=200)
    assert {after.valid_until - before.valid_until for before, after in zip(now, later, strict=True)} == {
        timedelta(days=7)
    }


def test_the_pin_of_a_sample_company_is_in_no_printout():
    first = load_season()[0]
    assert first.pin == "15230134"
    assert first.pin not in repr(first)


@pytest.mark.usefixtures("in_agency")
def test_the_workbook_carries_no_pin_and_all_else(mei: User):
    assert imported(mei) == Imported(new=24, changed=0, unchanged=0)
    season = {company.uscc: company for company in load_season()}
    for company in Company.objects.prefetch_related("contacts", "cards"):
        wanted = season[company.uscc]
        (contact,), (card,) = company.contacts.all(), company.cards.all()
        assert (company.name, company.region, company.authorized_before, company.old_policy_ends_on) == (
            wanted.name,
            wanted.region,
            wanted.authorized_before,
            wanted.old_policy_ends_on,
        )
        assert (contact.name, contact.mobile, contact.email) == (wanted.contact, wanted.mobile, wanted.email)
        assert (card.number, card.certificate, card.holder, card.valid_until, card.drawer) == (
            wanted.card,
            wanted.certificate,
            wanted.holder,
            wanted.valid_until,
            wanted.drawer,
        )
        assert vault_pin(card) is None


@pytest.mark.usefixtures("in_agency")
def test_with_consents_all_but_two_are_ready_and_those_two_say_why(mei: User):
    imported(mei)
    record_consents(load_season(), year=YEAR, by=mei)
    verdicts = check_readiness(
        Company.objects.values_list("pk", flat=True), year=YEAR, on=timezone.localdate()
    )
    assert {company.name: problems for company, problems in verdicts.items() if problems} == {
        "中山市岭南陶瓷有限公司": [Problem.EMAIL_REFUSED],
        "中山市星海玩具有限公司": [Problem.CERTIFICATE_EXPIRED],
    }


@pytest.mark.usefixtures("in_agency")
def test_consents_are_signed_by_each_companys_contact_and_recorded_once(mei: User):
    imported(mei)
    season = load_season()
    record_consents(season, year=YEAR, by=mei)
    record_consents(season, year=YEAR, by=mei)
    assert dict(Consent.objects.values_list("company__uscc", "given_by")) == {
        company.uscc: company.contact for company in season
    }
    assert Consent.objects.count() == 24


@pytest.mark.usefixtures("in_agency")
def test_the_vault_gets_each_cards_pin_and_once_the_wrong_one(mei: User):
    imported(mei)
    season = load_season()
    fill_vault(season, by=mei)
    assert {card.number: vault_pin(card) for card in Card.objects.all()} == {
        company.card: company.pin for company in season
    }
    (wrong,) = [company for company in season if company.trouble.startswith("the PIN in the vault is wrong")]
    assert wrong.pin == "19283746"


def test_the_command_writes_the_workbook(tmp_path: Path):
    target = tmp_path / "sample.xlsx"
    call_command("sample_workbook", str(target), stdout=StringIO())
    headings = CalamineWorkbook.from_path(target).get_sheet_by_name("客户名单").to_python()[0]
    assert headings == [
        "企业名称",
        "统一社会信用代码",
        "地区",
        "联系人",
        "手机",
        "邮箱",
        "法人卡号",
        "证书号",
        "持卡人",
        "证书有效期至",
        "存放位置",
        "现保单到期日",
        "往年已授权",
        "负责同事",
    ]


def test_the_command_says_where_it_cannot_write(tmp_path: Path):
    target = tmp_path / "missing" / "sample.xlsx"
    with pytest.raises(CommandError, match=r"sample\.xlsx cannot be written: No such file or directory\."):
        call_command("sample_workbook", str(target))
