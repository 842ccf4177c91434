"""What cells say, however a person's program stored them."""

from __future__ import annotations

from datetime import date

import pytest

from companies.domain import cells
from companies.domain.workbook import Cell


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("  宏达   贸易 ", "宏达贸易"),
        ("宏达\u00a0贸易\u3000公司", "宏达贸易公司"),
        ("广东（中国）公司", "广东（中国）公司"),
        (417.0, "417"),
        (417, "417"),
    ],
)
def test_text_keeps_its_signs_and_loses_stray_spaces(cell: Cell, said: str):
    assert cells.text(cell) == said


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("９１４４０１００ＭＡＢ", "91440100MAB"),
        ("9144 0100 MAB", "91440100MAB"),
        ("'0012", "0012"),
        (13800138000.0, "13800138000"),
    ],
)
def test_codes_are_plain(cell: Cell, said: str):
    assert cells.code(cell) == said


def test_a_long_number_that_was_stored_as_a_number_has_lost_its_end():
    with pytest.raises(cells.Rounded):
        cells.code(914401000053123456.0)
    assert cells.shown(914401000053123456.0) == "914401000053123456"


@pytest.mark.parametrize(
    "cell",
    [
        date(2027, 3, 1),
        46447.0,
        46447,
        "46447",
        "2027-03-01",
        "2027/3/1",
        "2027.3.1",
        "2027年3月1日",
        "２０２７年３月１日",
        "2027 年 3 月 1 日",
        "20270301",
        20270301.0,
        "2027-03-01 00:00:00",
        "2027-03-01T00:00:00.000",
    ],
)
def test_a_day_is_read_in_each_way_of_writing_it(cell: Cell):
    assert cells.day(cell) == date(2027, 3, 1)


@pytest.mark.parametrize("cell", ["长期", "2027-02-30", "2027年3月", "01/03/2027", "3", 999999.0, True])
def test_what_may_be_another_day_or_none_is_not_guessed(cell: Cell):
    with pytest.raises(cells.Unreadable):
        cells.day(cell)


@pytest.mark.parametrize(
    ("cell", "yes"), [("是", True), ("已授权", True), ("√", True), (True, True), (1.0, True)]
)
@pytest.mark.parametrize(
    ("other", "no"), [("否", False), ("未授权", False), ("No", False), (False, False), (0, False)]
)
def test_yes_and_no_are_read_in_each_way_of_writing_them(cell: Cell, yes: bool, other: Cell, no: bool):
    assert (cells.yes_or_no(cell), cells.yes_or_no(other)) == (yes, no)


@pytest.mark.parametrize("cell", ["可能", "?", "是否"])
def test_a_doubtful_answer_is_not_guessed(cell: Cell):
    with pytest.raises(cells.Unreadable):
        cells.yes_or_no(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "13800138000",
        13800138000.0,
        "138 0013 8000",
        "138-0013-8000",
        "+86 13800138000",
        "１３８００１３８０００",
    ],
)
def test_a_telephone_number_is_its_digits(cell: Cell):
    assert cells.telephone(cell) == "13800138000"


@pytest.mark.parametrize("cell", ["问前台", "13800138000/13900139000", "138", "1380013800a"])
def test_what_is_no_single_number_is_not_guessed(cell: Cell):
    with pytest.raises(cells.Unreadable):
        cells.telephone(cell)


@pytest.mark.parametrize(
    "cell", ["office@hongda.example", " office@hongda.example ", "office＠hongda.example"]
)
def test_an_email_address_is_read(cell: Cell):
    assert cells.email(cell) == "office@hongda.example"


@pytest.mark.parametrize("cell", ["office", "a@b.example; c@d.example", "a@b"])
def test_what_is_no_single_address_is_not_guessed(cell: Cell):
    with pytest.raises(cells.Unreadable):
        cells.email(cell)
