"""Workbooks as they come: full-width digits, two contacts in a cell, headings on two rows, hidden rows."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from xlsxwriter import Workbook

from agency.models import User
from companies.domain.columns import Column
from companies.domain.importing import Imported, Verdict, import_companies, preview
from companies.domain.people import Person, read_people
from companies.domain.workbook import read_table
from companies.models import Card, Company, Contact
from tests.cast import uscc_for
from tests.companies.workbooks import HEADINGS, Written, xlsx

USCC = uscc_for(9)
NAME = "佛山市明珠灯饰有限公司"


def value(heading: str, cell: Written, column: Column) -> object:
    """What is read out of a cell under this heading."""
    [row] = preview(xlsx((*HEADINGS, heading), (NAME, USCC, cell)), "名单.xlsx").rows
    assert row.mistakes == ()
    return row.entry.values[column]


FULL_WIDTH = str.maketrans(
    "0123456789ABCDEFGHJKLMNPQRTUWXY", "０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＴＵＷＸＹ"
)


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    "written",
    [
        USCC.translate(FULL_WIDTH),
        f" {USCC[:8]} {USCC[8:]}\n",
        f"{USCC[:9]}\r\n{USCC[9:]}",
        f"\u200b{USCC}\ufeff",
        f"'{USCC.lower()}",
    ],
    ids=["full-width", "spaces", "line break", "marks that nobody sees", "marked as text, in small letters"],
)
def test_a_code_is_read_however_it_was_typed(written: str):
    [row] = preview(xlsx(HEADINGS, (NAME, written)), "名单.xlsx").rows
    assert (row.entry.uscc, row.mistakes) == (USCC, ())


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("written", ["合计：1 家", "总 计"])
def test_a_row_that_sums_up_is_no_company_and_one_with_a_code_is(written: str):
    rows = preview(xlsx(HEADINGS, (NAME, USCC), (written, None), (written, uscc_for(8))), "名单.xlsx").rows
    assert [row.entry.uscc for row in rows] == [USCC, uscc_for(8)]


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    "written", ["佛山市明珠\n灯饰有限公司", " 佛山市 明珠灯饰\u3000有限公司 ", "佛山市明珠\u200b灯饰有限公司"]
)
def test_a_name_that_was_broken_is_whole_again(written: str):
    [row] = preview(xlsx(HEADINGS, (written, USCC)), "名单.xlsx").rows
    assert row.entry.values[Column.NAME] == NAME


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    ("heading", "cell", "column", "read"),
    [
        ("手机", 13800138000.0, Column.MOBILE, "13800138000"),
        ("手机", "13800138000", Column.MOBILE, "13800138000"),
        ("卡号", 123456.0, Column.CARD, "123456"),
        ("备注", 2026.0, Column.NOTE, "2026"),
        ("保单到期日", 46082.0, Column.OLD_POLICY_ENDS, date(2026, 3, 1)),
        ("保单到期日", "46082", Column.OLD_POLICY_ENDS, date(2026, 3, 1)),
    ],
)
def test_numbers_that_are_text_and_text_that_is_a_number_are_the_same(
    heading: str, cell: Written, column: Column, read: object
):
    assert value(heading, cell, column) == read


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("cell", ["9.14401E+17", "1.38E+10"])
def test_a_number_that_lost_its_digits_on_the_way_is_named_and_not_guessed(cell: str):
    [row] = preview(xlsx((*HEADINGS, "卡号"), (NAME, USCC, cell)), "名单.xlsx").rows
    assert [mistake.fault.value for mistake in row.mistakes] == ["rounded"]


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    "cell",
    [
        "2027-03-01",
        "2027/3/1",
        "2027.3.1",
        "20270301",
        "2027年3月1日",
        "２０２７年３月１号",
        "2027-3-1 0:00:00",
        date(2027, 3, 1),
    ],
)
def test_a_day_is_read_as_people_write_it(cell: Written):
    assert value("到期日", cell, Column.OLD_POLICY_ENDS) == date(2027, 3, 1)


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    "cell",
    [
        "+86 138 0013 8000",
        "0086-13800138000",
        "8613800138000",
        "(86)13800138000",
        "138-0013-8000",
        "１３８００１３８０００",
    ],
)
def test_a_mobile_loses_the_countrys_code_and_what_stands_between_its_digits(cell: str):
    assert value("手机", cell, Column.MOBILE) == "13800138000"


@pytest.mark.parametrize(
    ("contact", "mobile", "email", "people"),
    [
        ("王志强", "13800138000", "a@b.example", [Person("王志强", "13800138000", "a@b.example")]),
        (
            "王志强、李美玲",
            "13800138000/13900139000",
            "a@b.example; c@d.example",
            [Person("王志强", "13800138000", "a@b.example"), Person("李美玲", "13900139000", "c@d.example")],
        ),
        ("王志强 13800138000", "", "", [Person("王志强", "13800138000")]),
        (
            "王志强（138 0013 8000）\n李美玲：13900139000",
            "",
            "",
            [Person("王志强", "13800138000"), Person("李美玲", "13900139000")],
        ),
        (
            "王志强",
            "13800138000 13900139000",
            "",
            [Person("王志强", "13800138000"), Person("王志强", "13900139000")],
        ),
        (
            "王志强",
            "020-12345678 / 13800138000",
            "",
            [Person("王志强", "13800138000"), Person("王志强", "02012345678")],
        ),
        ("王志强，李美玲", "13800138000", "", [Person("王志强", "13800138000"), Person("李美玲")]),
        ("", "", "", []),
    ],
)
def test_each_contact_of_a_cell_is_one(contact: str, mobile: str, email: str, people: list[Person]):
    row: dict[Column, Written] = {Column.CONTACT: contact, Column.MOBILE: mobile, Column.EMAIL: email}
    assert read_people({column: cell for column, cell in row.items() if cell}) == people


TWO = ("王志强、李美玲", "13800138000/13900139000")


def both() -> list[tuple[str, str, bool]]:
    return list(Contact.objects.order_by("mobile").values_list("name", "mobile", "is_primary"))


@pytest.mark.usefixtures("in_agency")
def test_the_second_contact_of_a_cell_becomes_a_second_contact_and_only_once(mei: User):
    file = xlsx((*HEADINGS, "联系人", "手机"), (NAME, USCC, *TWO))
    assert import_companies(preview(file, "名单.xlsx"), by=mei) == Imported(1, 0, 0)
    assert both() == [("王志强", "13800138000", True), ("李美玲", "13900139000", False)]
    file.seek(0)
    assert import_companies(preview(file, "名单.xlsx"), by=mei) == Imported(0, 0, 1)
    assert len(both()) == 2


@pytest.mark.usefixtures("in_agency")
def test_who_is_the_primary_contact_stays_that_whoever_stands_first_in_the_cell(company: Company, mei: User):
    row = (company.name, company.uscc, "李美玲、王志强", "13900139000/13800138000")
    [judged] = preview(xlsx((*HEADINGS, "联系人", "手机"), row), "名单.xlsx").rows
    assert (judged.verdict, judged.changes, [one.name for one in judged.joining]) == (
        Verdict.CHANGED,
        (),
        ["李美玲"],
    )


def workbook(write: object) -> BytesIO:
    file = BytesIO()
    with Workbook(file) as book:
        write(book)  # type: ignore[operator]
    file.seek(0)
    return file


@pytest.mark.usefixtures("in_agency")
def test_headings_on_two_merged_rows_are_read_together(mei: User):
    def write(book: Workbook) -> None:
        page = book.add_worksheet("客户名单")
        page.merge_range("A1:H1", "岭南外贸服务 2026 年客户名单")
        page.merge_range("A2:A3", "序号")
        page.merge_range("B2:C2", "企业")
        page.merge_range("D2:F2", "联系人")
        page.merge_range("G2:H2", "法人卡")
        page.write_row("B3", ("名称", "统一社会信用代码", "姓名", "手机", "邮箱", "卡号", "有效期至"))
        page.write_row("A4", ("1", NAME, USCC, "王志强", "13800138000", "a@b.example", "C1", "2027-03-01"))

    import_companies(preview(workbook(write), "名单.xlsx"), by=mei)
    assert Company.objects.get().name == NAME
    assert Contact.objects.values_list("name", "mobile", "email").get() == (
        "王志强",
        "13800138000",
        "a@b.example",
    )
    assert Card.objects.values_list("number", "valid_until").get() == ("C1", date(2027, 3, 1))


def test_of_two_sheets_the_one_with_companies_is_read_and_a_hidden_one_is_not():
    def write(book: Workbook) -> None:
        old = book.add_worksheet("旧名单")
        old.write_row(0, 0, HEADINGS)
        old.write_row(1, 0, ("旧公司", USCC))
        book.add_worksheet("说明").write_row(0, 0, ("请勿改动", "2026"))
        page = book.add_worksheet("客户名单")
        page.write_row(0, 0, HEADINGS)
        page.write_row(1, 0, (NAME, USCC))
        page.activate()
        old.hide()

    table = read_table(workbook(write), "名单.xlsx")
    assert (table.sheet, table.sheets, table.lines) == ("客户名单", ("说明", "客户名单"), [(2, [NAME, USCC])])


def test_hidden_rows_are_read_and_told():
    def write(book: Workbook) -> None:
        page = book.add_worksheet("客户名单")
        for line, row in enumerate(
            (HEADINGS, (NAME, USCC), ("隐藏公司", uscc_for(8)), ("第三家", uscc_for(7)))
        ):
            page.write_row(line, 0, row)
        page.set_row(2, None, None, {"hidden": True})

    table = read_table(workbook(write), "名单.xlsx")
    assert ([number for number, _cells in table.lines], table.hidden) == ([2, 3, 4], frozenset({3}))
