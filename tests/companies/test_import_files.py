"""Files that are workbooks, files that are not, and what people hear of them."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from io import BytesIO

import pytest
from django.utils import translation
from xlsxwriter import Workbook

from companies.domain.columns import HEADINGS as HEADINGS_KNOWN
from companies.domain.columns import Column
from companies.domain.importing import preview
from companies.domain.refusals import (
    ColumnMissing,
    ColumnTwice,
    NotAWorkbook,
    PinInWorkbook,
    RowUnreadable,
    WorkbookEmpty,
    WorkbookLocked,
    WorkbookRefused,
    WorkbookTooLarge,
)
from companies.domain.workbook import read_table
from tests.cast import uscc_for
from tests.companies.workbooks import HEADINGS, encrypted, xls, xlsx

ROW = ("佛山市明珠灯饰有限公司", uscc_for(9))
MARCH_FIRST_AT_NINE = datetime(2027, 3, 1, 9, 0)  # noqa: DTZ001  # as a workbook holds it
TEXT = f"企业名称,统一社会信用代码\r\n{ROW[0]},{ROW[1]}\r\n"


def said(file: BytesIO, filename: str = "名单.xlsx") -> str:
    """What a reader of English hears of the file."""
    with pytest.raises(WorkbookRefused) as refusal:
        read_table(file, filename).found.require()
    with translation.override("en"):
        return str(refusal.value)


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    ("file", "filename"),
    [
        (xlsx(HEADINGS, ROW), "名单.xlsx"),
        (xls(HEADINGS, ROW), "名单.xls"),
        (xlsx(HEADINGS, ROW), "名单.xls"),
        (BytesIO(TEXT.encode("utf-8-sig")), "名单.csv"),
        (BytesIO(TEXT.encode("gb18030")), "名单.CSV"),
    ],
    ids=["xlsx", "xls", "xlsx by the wrong name", "csv in UTF-8", "csv from a Chinese Windows"],
)
def test_a_table_is_read_whatever_its_format(file: BytesIO, filename: str):
    (row,) = preview(file, filename).rows
    assert (row.number, tuple(row.entry.values.values()), row.mistakes) == (2, ROW, ())


def test_the_first_sheet_with_headings_that_we_know_is_read():
    file = BytesIO()
    with Workbook(file) as book:
        book.add_worksheet("封面").write(4, 0, "岭南外贸服务")
        page = book.add_worksheet("客户名单")
        page.write_row(0, 0, HEADINGS)
        page.write_row(1, 0, ROW)
        book.add_worksheet("旧名单").write_row(0, 0, HEADINGS)
    file.seek(0)
    assert read_table(file, "名单.xlsx").lines == [(2, list(ROW))]


def test_headings_are_found_under_a_title():
    table = read_table(xlsx(("岭南外贸服务 2026 年客户名单",), ("制表：王",), (), HEADINGS, ROW), "名单.xlsx")
    assert [number for number, _cells in table.lines] == [5]


def test_empty_rows_between_companies_are_passed_over_and_numbers_stay_right():
    table = read_table(xlsx(HEADINGS, ROW, (), (" ", ""), ROW), "名单.xlsx")
    assert [number for number, _cells in table.lines] == [2, 5]


def test_headings_may_carry_spaces_stars_brackets_and_full_width_signs():
    headings = ("* 企业 名称：", "统一社会信用代码（18位）", "Ｅ－ｍａｉｌ", "往年已授权 (是/否)")
    table = read_table(xlsx(headings, (*ROW, "", "")), "名单.xlsx")
    assert list(table.found.columns) == ["name", "uscc", "email", "authorized_before"]


def test_headings_that_we_do_not_know_are_told_apart():
    table = read_table(xlsx((*HEADINGS, "开户行", "备注"), (*ROW, "中行", "")), "名单.xlsx")
    assert table.ignored == ("开户行",)


def test_a_missing_column_is_named_with_the_headings_that_are_accepted():
    file = xlsx(("公司名称", "地区"), ("明珠灯饰", "佛山"))
    with pytest.raises(ColumnMissing):
        read_table(file, "名单.xlsx").found.require()
    file.seek(0)
    assert said(file) == (
        f"There is no column 统一社会信用代码. Accepted headings: {'、'.join(HEADINGS_KNOWN[Column.USCC])}."
    )


def test_a_workbook_about_something_else_lacks_both_columns():
    with pytest.raises(ColumnMissing) as refusal:
        read_table(xlsx(("商品", "数量"), ("灯", "3")), "库存.xlsx").found.require()
    assert list(refusal.value.accepted) == ["企业名称", "统一社会信用代码"]


def test_two_columns_of_one_meaning_are_refused_because_only_a_person_knows_which_is_right():
    file = xlsx((*HEADINGS, "手机", "联系电话"), (*ROW, "13800138000", "020-12345678"))
    with pytest.raises(ColumnTwice):
        read_table(file, "名单.xlsx").found.require()
    file.seek(0)
    assert said(file) == "The columns 手机 and 联系电话 mean the same. Delete one of them."


@pytest.mark.parametrize(
    "heading", ["卡密码", "PIN", "PIN码", "卡ＰＩＮ", "法人卡(密码)", "登录口令", "Password"]
)
def test_a_workbook_with_pins_is_refused_and_says_where_they_go(heading: str):
    file = xlsx((*HEADINGS, heading), (*ROW, "27182818"))
    with pytest.raises(PinInWorkbook):
        read_table(file, "名单.xlsx")
    file.seek(0)
    assert said(file) == (
        f"The column {heading} looks like PINs. Nothing was read. Delete it from the workbook: PINs are "
        "typed at the desk or stored on the card's page, and never sent in a file."
    )


@pytest.mark.parametrize("heading", ["Shipping", "品名", "Opinion"])
def test_a_word_that_only_contains_those_letters_is_no_pin(heading: str):
    assert read_table(xlsx((*HEADINGS, heading), (*ROW, "")), "名单.xlsx").ignored == (heading,)


@pytest.mark.parametrize(
    "file",
    [
        BytesIO(),
        BytesIO(b" \r\n"),
        xlsx(),
        xlsx(HEADINGS),
        BytesIO("企业名称,税号\r\n,\r\n".encode()),
        BytesIO(b",,\r\n,,\r\n"),
    ],
    ids=["no bytes", "blank", "empty sheet", "headings alone", "headings and an empty row", "commas alone"],
)
def test_a_file_without_companies_is_empty(file: BytesIO):
    with pytest.raises(WorkbookEmpty):
        read_table(file, "名单.csv")


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"%PDF-1.7 ...", "名单.xlsx"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "名单.csv"),
        (b"PK\x03\x04 and then nothing", "名单.xlsx"),
        (xlsx(HEADINGS, ROW).getvalue()[:-200], "名单.xlsx"),
        (xls(HEADINGS, ROW).getvalue()[:700], "名单.xls"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "名单.xls"),
        (TEXT.encode(), "名单.txt"),
    ],
    ids=["a PDF", "a picture", "a broken zip", "a cut xlsx", "a cut xls", "a web page", "a text"],
)
def test_a_file_that_is_not_a_workbook_is_refused(data: bytes, filename: str):
    with pytest.raises(NotAWorkbook):
        read_table(BytesIO(data), filename)
    assert said(BytesIO(data), filename) == (
        "This file is not a workbook. Save it as .xlsx, .xls or .csv and send it again."
    )


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("{0}\r{1},好\r{2},\r", "好"),
        ("{0}\r{1},好\r{2},", "好"),
        ("{0}\r\n{1},好\r\n{2},\r\n", "好"),
        ("{0}\r{1},好\r\n{2},\n", "好"),
        ('{0}\r{1},"先电话\r后上门"\r{2},\r', "先电话\r后上门"),
        ('{0}\r\n{1},"先电话\r后上门"\r\n{2},\r\n', "先电话\r后上门"),
        ('{0}\n{1},"先电话\r\n后上门"\n{2},\n', "先电话\r\n后上门"),
    ],
    ids=[
        "of an old Mac",
        "without a last one",
        "of Windows",
        "of all three",
        "of an old Mac, and in a cell",
        "of Windows, and an old Mac's in a cell",
        "of Unix, and of Windows in a cell",
    ],
)
def test_text_is_read_whatever_its_line_ends(text: str, note: str):
    text = text.format("企业名称,税号,备注", "明珠灯饰,9144", "远航电子,9145")
    table = read_table(BytesIO(text.encode()), "名单.csv")
    assert table.lines == [(2, ["明珠灯饰", "9144", note]), (3, ["远航电子", "9145", ""])]


@pytest.mark.parametrize(
    "third",
    ["宏达贸易," + "一" * 32_768, '宏达贸易,"9144', '"宏达"贸易,9144'],
    ids=[
        "a cell longer than Excel keeps",
        "a quotation mark that is not closed",
        "words after a closing one",
    ],
)
def test_a_row_of_text_that_cannot_be_read_is_named(third: str):
    file = BytesIO(f'企业名称,税号\n"远航\n电子",9144\n{third}\n佳禾食品,9144\n'.encode())
    with pytest.raises(RowUnreadable):
        read_table(file, "名单.csv")
    file.seek(0)
    assert said(file, "名单.csv") == (
        "Row 3 cannot be read: a quotation mark in it has no partner, or one cell is longer than 32,767 "
        "characters. Open the file in Excel or WPS, put this row right, save it as .xlsx and send it again."
    )


def test_the_longest_cell_that_excel_keeps_is_read():
    text = f"企业名称,税号\n{'一' * 32_767},9144\n"
    [(_number, cells)] = read_table(BytesIO(text.encode()), "名单.csv").lines
    assert len(str(cells[0])) == 32_767


def test_a_row_that_cannot_be_read_is_named_too_where_an_old_mac_ended_the_lines():
    file = BytesIO('企业名称,税号\r远航电子,9144\r宏达贸易,"9144\r佳禾食品,9144\r'.encode())
    with pytest.raises(RowUnreadable) as refusal:
        read_table(file, "名单.csv")
    assert refusal.value.row == 3


def test_a_zip_that_is_no_workbook_is_refused():
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("holiday.jpg", b"...")
    file.seek(0)
    with pytest.raises(NotAWorkbook):
        read_table(file, "名单.xlsx")


@pytest.mark.parametrize(("row", "column"), [(1, 16_383), (1_048_575, 1), (1_048_575, 16_383)])
def test_a_stray_cell_far_away_is_refused_and_ends_nobody_elses_process(row: int, column: int):
    file = BytesIO()
    with Workbook(file) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEADINGS)
        page.write_row(1, 0, ROW)
        page.write(row, column, "x")
    file.seek(0)
    with pytest.raises(WorkbookTooLarge):
        read_table(file, "名单.xlsx")


def test_a_moment_in_a_cell_is_its_day():
    file = BytesIO()
    with Workbook(file) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, (*HEADINGS, "到期日"))
        page.write_row(1, 0, ROW)
        page.write_datetime(1, 2, MARCH_FIRST_AT_NINE, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    file.seek(0)
    ((_number, cells),) = read_table(file, "名单.xlsx").lines
    assert cells == [*ROW, date(2027, 3, 1)]


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (10 * 1024 * 1024 + 1),
        (TEXT + f"{ROW[0]},{ROW[1]}\r\n" * 20_000).encode(),
        (TEXT + f"{ROW[0]},{ROW[1]}\r\n" * 20_000).replace("\r\n", "\r").encode(),
        b"\r" * 1024 * 1024 + TEXT.encode(),
    ],
    ids=["bytes", "rows", "rows of an old Mac", "empty rows of an old Mac"],
)
def test_more_than_is_read_at_once_is_refused(data: bytes):
    with pytest.raises(WorkbookTooLarge):
        read_table(BytesIO(data), "名单.csv")


def test_a_workbook_behind_a_password_is_named_as_such():
    with pytest.raises(WorkbookLocked):
        read_table(encrypted(), "名单.xlsx")
