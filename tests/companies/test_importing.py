"""A workbook becomes companies: previewed row by row, then all or nothing."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from companies.domain.cards import vault_pin
from companies.domain.columns import Column
from companies.domain.importing import Change, Imported, Verdict, import_companies, preview
from companies.models import Card, Company, Contact
from tests.cast import uscc_for
from tests.companies.workbooks import HEADINGS, Written, xlsx

FULL = (
    *HEADINGS,
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
    "备注",
)
HONGDA = (
    "广州市宏达贸易有限公司",
    uscc_for(1),
    "广州",
    "王志强",
    "13800138000",
    "office1@example.com",
    "C440000000001",
    "0000000001",
    "宋海峰",
    date(2027, 6, 11),
    "A-1",
    date(2026, 12, 23),
    "是",
    "三月前办好",
)
MINGZHU = ("佛山市明珠灯饰有限公司", uscc_for(9))


def faults(file: BytesIO) -> list[list[str]]:
    """The kinds of mistakes of each row."""
    return [[mistake.fault.value for mistake in row.mistakes] for row in preview(file, "名单.xlsx").rows]


def everything() -> list[tuple[object, ...]]:
    """What stands in the tables that an import writes."""
    return [
        *Company.objects.order_by("uscc").values_list("name", "uscc", "region", "note"),
        *Contact.objects.order_by("mobile").values_list("name", "mobile", "email"),
        *Card.objects.order_by("number").values_list("number", "certificate", "holder", "drawer"),
    ]


@pytest.mark.usefixtures("in_agency")
def test_a_full_row_becomes_a_company_with_contact_and_card(mei: User):
    sheet = preview(xlsx(FULL, HONGDA), "名单.xlsx")
    assert [row.verdict for row in sheet.rows] == [Verdict.NEW]
    assert import_companies(sheet, by=mei) == Imported(new=1, changed=0, unchanged=0)

    company = Company.objects.get()
    assert (company.name, company.uscc, company.region) == ("广州市宏达贸易有限公司", uscc_for(1), "广州")
    assert (company.old_policy_ends_on, company.authorized_before) == (date(2026, 12, 23), True)
    assert company.note == "三月前办好"
    contact = company.contacts.get(is_primary=True)
    assert (contact.name, contact.mobile, contact.email) == ("王志强", "13800138000", "office1@example.com")
    card = company.cards.get()
    assert (card.number, card.certificate, card.holder) == ("C440000000001", "0000000001", "宋海峰")
    assert (card.valid_until, card.drawer) == (date(2027, 6, 11), "A-1")


@pytest.mark.usefixtures("in_agency")
def test_a_row_may_say_no_more_than_name_and_uscc(mei: User):
    import_companies(preview(xlsx(HEADINGS, MINGZHU), "名单.xlsx"), by=mei)
    company = Company.objects.get()
    assert (company.contacts.count(), company.cards.count()) == (0, 0)
    assert (company.authorized_before, company.old_policy_ends_on) == (None, None)


@pytest.mark.usefixtures("in_agency")
def test_the_preview_writes_nothing():
    preview(xlsx(FULL, HONGDA), "名单.xlsx")
    assert everything() == []


@pytest.mark.usefixtures("in_agency")
def test_the_preview_names_each_value_that_would_change(company: Company):
    headings = (*HEADINGS, "地区", "邮箱", "手机")
    (row,) = preview(
        xlsx(headings, (company.name, company.uscc, "深圳", "new@hongda.example", "13800138000")), "名单.xlsx"
    ).rows
    assert row.verdict == Verdict.CHANGED
    assert row.changes == (
        Change(Column.REGION, "广州", "深圳"),
        Change(Column.EMAIL, "office1@example.com", "new@hongda.example"),
    )


@pytest.mark.usefixtures("in_agency")
def test_an_import_changes_what_the_preview_named_and_nothing_else(company: Company, card: Card, mei: User):
    headings = (*HEADINGS, "邮箱", "法人卡号", "抽屉")
    row = (company.name, company.uscc, "new@hongda.example", card.number, "B-7")
    assert import_companies(preview(xlsx(headings, row), "名单.xlsx"), by=mei) == Imported(0, 1, 0)
    contact = company.contacts.get()
    assert (contact.name, contact.email) == ("王志强", "new@hongda.example")
    card.refresh_from_db()
    assert (card.drawer, card.certificate, vault_pin(card)) == ("B-7", "0000000001", "27182818")


@pytest.mark.usefixtures("in_agency")
def test_an_empty_cell_erases_nothing(company: Company, mei: User):
    headings = (*HEADINGS, "联系人", "邮箱", "法人卡号", "持卡人", "地区")
    before = everything()
    sheet = preview(xlsx(headings, (company.name, company.uscc, None, " ", None, "", None)), "名单.xlsx")
    assert import_companies(sheet, by=mei) == Imported(0, 0, 1)
    assert everything() == before


@pytest.mark.usefixtures("in_agency")
def test_a_company_with_another_card_number_gets_a_second_card(company: Company, mei: User):
    headings = (*HEADINGS, "法人卡号", "证书有效期至")
    row = (company.name, company.uscc, "C440000009999", date(2029, 1, 1))
    import_companies(preview(xlsx(headings, row), "名单.xlsx"), by=mei)
    assert sorted(company.cards.values_list("number", flat=True)) == ["C440000000001", "C440000009999"]


@pytest.mark.usefixtures("in_agency")
def test_importing_twice_changes_nothing_the_second_time(mei: User):
    file = xlsx(FULL, HONGDA, (*MINGZHU, *[None] * 12))
    assert import_companies(preview(file, "名单.xlsx"), by=mei) == Imported(2, 0, 0)
    once = everything()
    file.seek(0)
    assert import_companies(preview(file, "名单.xlsx"), by=mei) == Imported(0, 0, 2)
    assert everything() == once


@pytest.mark.usefixtures("in_agency")
def test_a_wrong_row_is_left_out_and_keeps_no_other_out(mei: User):
    sheet = preview(xlsx(HEADINGS, MINGZHU, ("佳禾食品", "91440100MAB53RXR8X")), "名单.xlsx")
    assert [row.verdict for row in sheet.rows] == [Verdict.NEW, Verdict.WRONG]
    assert import_companies(sheet, by=mei) == Imported(1, 0, 0, wrong=1)
    assert [one.name for one in Company.objects.all()] == [MINGZHU[0]]


@pytest.mark.usefixtures("in_agency")
def test_a_row_is_written_whole_or_not_at_all(company: Company, mei: User):
    headings = (*HEADINGS, "地区", "邮箱", "到期日")
    row = (company.name, company.uscc, "深圳", "new@hongda.example", "2027-02-30")
    before = everything()
    assert import_companies(preview(xlsx(headings, row), "名单.xlsx"), by=mei) == Imported(0, 0, 0, wrong=1)
    assert everything() == before


@pytest.mark.usefixtures("in_agency")
def test_a_row_that_became_wrong_after_the_preview_is_left_out(company: Company, mei: User):
    headings = (*HEADINGS, "法人卡号")
    sheet = preview(xlsx(headings, (*MINGZHU, "C449999999999")), "名单.xlsx")
    assert sheet.totals == {Verdict.NEW: 1}
    Card.objects.create(company=company, number="C449999999999")
    before = everything()
    assert import_companies(sheet, by=mei) == Imported(0, 0, 0, wrong=1)
    assert everything() == before


@pytest.mark.usefixtures("in_agency")
def test_the_audit_trail_knows_who_imported_which_file(mei: User):
    sheet = preview(xlsx(HEADINGS, MINGZHU), "名单.xlsx")
    import_companies(sheet, by=mei)
    entry = AuditEntry.objects.get(action="companies_imported")
    assert entry.actor == mei
    assert entry.detail == {
        "file": "名单.xlsx",
        "sha256": sheet.sha256,
        "new": 1,
        "changed": 0,
        "unchanged": 0,
        "wrong": 0,
    }


@pytest.mark.usefixtures("in_agency")
def test_the_audit_trail_knows_each_company_before_and_after_with_people_masked(mei: User):
    import_companies(preview(xlsx(FULL, HONGDA), "名单.xlsx"), by=mei)
    moved = (*HONGDA[:3], "李明", "13900139001", "li@hongda.example", *HONGDA[6:-1], "四月")
    import_companies(preview(xlsx(FULL, moved), "名单.xlsx"), by=mei)
    import_companies(preview(xlsx(FULL, moved), "名单.xlsx"), by=mei)
    made, changed = AuditEntry.objects.filter(object_type="company").order_by("number")
    assert (made.action, changed.action) == ("company_made", "company_changed")
    assert {made.object_id, changed.object_id} == {str(Company.objects.get().pk)}
    assert {column: after for column, (_before, after) in made.detail["changes"].items()} == {
        "name": HONGDA[0],
        "uscc": HONGDA[1],
        "region": "广州",
        "contact": "王…",
        "mobile": "…8000",
        "email": "o…@example.com",
        "card": "…0001",
        "certificate": "…0001",
        "holder": "宋…",
        "valid_until": "2027-06-11",
        "drawer": "A-1",
        "old_policy_ends": "2026-12-23",
        "authorized_before": "True",
        "note": "…(5)",
    }
    assert changed.detail["changes"] == {
        "contact": ["王…", "李…"],
        "mobile": ["…8000", "…9001"],
        "email": ["o…@example.com", "l…@hongda.example"],
        "note": ["…(5)", "…(2)"],
    }


def test_another_agencys_company_with_the_same_uscc_is_another_company(
    raos_company: Company, agency: Agency, mei: User
):
    with scope(agency.pk):
        sheet = preview(xlsx(HEADINGS, ("新名字", raos_company.uscc)), "名单.xlsx")
        assert [row.verdict for row in sheet.rows] == [Verdict.NEW]
        import_companies(sheet, by=mei)
        assert Company.objects.get().name == "新名字"
    with scope(raos_company.agency_id):
        assert Company.objects.get().name == "韶关市佳禾食品有限公司"


MISTAKES: dict[str, tuple[tuple[str, ...], tuple[Written, ...], list[str]]] = {
    "no name": (HEADINGS, ("", uscc_for(9)), ["value_missing"]),
    "no USCC": (HEADINGS, ("明珠灯饰", None), ["value_missing"]),
    "check digit": (HEADINGS, ("明珠灯饰", "91440100MAB53RXR8X"), ["uscc_wrong"]),
    "USCC cut off": (HEADINGS, ("明珠灯饰", "91440100MAB53RXR8"), ["uscc_wrong"]),
    "USCC rounded": (HEADINGS, ("明珠灯饰", 914401000053123456.0), ["rounded"]),
    "e-mail": ((*HEADINGS, "邮箱"), (*MINGZHU, "mingzhu@"), ["email_wrong"]),
    "one of two e-mails": ((*HEADINGS, "邮箱"), (*MINGZHU, "a@b.example; c@"), ["email_wrong"]),
    "mobile": ((*HEADINGS, "手机"), (*MINGZHU, "问前台"), ["mobile_wrong"]),
    "date": ((*HEADINGS, "卡号", "有效期"), (*MINGZHU, "C1", "长期"), ["date_wrong"]),
    "no such day": ((*HEADINGS, "到期日"), (*MINGZHU, "2027-02-30"), ["date_wrong"]),
    "answer": ((*HEADINGS, "往年已授权"), (*MINGZHU, "可能"), ["answer_wrong"]),
    "too long": ((*HEADINGS, "地区"), (*MINGZHU, "广" * 41), ["too_long"]),
    "card without number": ((*HEADINGS, "持卡人"), (*MINGZHU, "宋海峰"), ["card_number_missing"]),
}


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("case", MISTAKES)
def test_each_mistake_is_named(case: str):
    headings, row, expected = MISTAKES[case]
    assert faults(xlsx(headings, row)) == [expected]


@pytest.mark.usefixtures("in_agency")
def test_a_row_tells_all_its_mistakes_at_once():
    headings = (*HEADINGS, "邮箱", "到期日")
    assert faults(xlsx(headings, ("", "1", "x", "y"))) == [
        ["uscc_wrong", "date_wrong", "email_wrong", "value_missing"]
    ]


@pytest.mark.usefixtures("in_agency")
def test_a_company_or_card_that_stands_twice_is_named_with_its_first_row():
    headings = (*HEADINGS, "法人卡号")
    rows = preview(
        xlsx(
            headings,
            ("明珠灯饰", uscc_for(9), "C1"),
            ("佳禾食品", uscc_for(10), "C1"),
            ("明珠", uscc_for(9), None),
        ),
        "名单.xlsx",
    ).rows
    assert [[(m.fault.value, m.row) for m in row.mistakes] for row in rows] == [
        [],
        [("card_twice", 2)],
        [("company_twice", 2)],
    ]


@pytest.mark.usefixtures("in_agency")
def test_a_card_never_moves_to_another_company_by_import(company: Company):
    headings = (*HEADINGS, "法人卡号")
    assert faults(xlsx(headings, (*MINGZHU, "C440000000001"))) == [["card_of_another"]]


@pytest.mark.usefixtures("in_agency")
def test_mistakes_are_said_in_the_readers_words_with_the_row_that_he_sees():
    with translation.override("en"):
        (row,) = preview(xlsx(("2026 年客户名单",), (), HEADINGS, ("明珠灯饰", "123")), "名单.xlsx").rows
        assert (row.number, [str(mistake) for mistake in row.mistakes]) == (
            4,
            ["123 is not a unified social credit code: check its 18 characters."],
        )


@pytest.mark.usefixtures("in_agency")
def test_an_email_with_an_underscore_is_imported_because_readiness_says_what_is_wrong_with_it(mei: User):
    headings = (*HEADINGS, "邮箱")
    import_companies(preview(xlsx(headings, (*MINGZHU, "ming_zhu@mingzhu.example")), "名单.xlsx"), by=mei)
    assert Contact.objects.get().email == "ming_zhu@mingzhu.example"


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("count", [1, 300])
def test_any_number_of_rows_takes_the_same_queries(
    count: int, mei: User, django_assert_num_queries: DjangoAssertNumQueries
):
    rows = [
        (f"第 {n} 家", uscc_for(n), "王", "13800138000", f"o{n}@example.com", f"C{n}") for n in range(count)
    ]
    file = xlsx((*HEADINGS, "联系人", "手机", "邮箱", "卡号"), *rows)
    with django_assert_num_queries(2):
        sheet = preview(file, "名单.xlsx")
    # The agency's lock, old plans forgotten, two reads, three writes, an entry for each company, and one for
    # the import.
    with django_assert_num_queries(9):
        import_companies(sheet, by=mei)
    assert Company.objects.count() == count
