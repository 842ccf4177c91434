"""The columns of a workbook of companies: what agencies write above them, and what we make of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from companies.domain.refusals import ColumnMissing, ColumnTwice, PinInWorkbook


class Column(StrEnum):
    """One thing that a workbook can say about a company."""

    NAME = "name"
    USCC = "uscc"
    REGION = "region"
    CONTACT = "contact"
    MOBILE = "mobile"
    EMAIL = "email"
    CARD = "card"
    CERTIFICATE = "certificate"
    HOLDER = "holder"
    VALID_UNTIL = "valid_until"
    DRAWER = "drawer"
    OLD_POLICY_ENDS = "old_policy_ends"
    AUTHORIZED_BEFORE = "authorized_before"
    NOTE = "note"

    @property
    def heading(self) -> str:
        """The heading that we write ourselves."""
        return HEADINGS[self][0]


# As agencies write them; the first of each is what the sample workbook has.
HEADINGS: dict[Column, tuple[str, ...]] = {
    Column.NAME: ("企业名称", "公司名称", "客户名称", "单位名称"),
    Column.USCC: ("统一社会信用代码", "社会信用代码", "信用代码", "税号", "纳税人识别号"),
    Column.REGION: ("地区", "所在地区", "城市"),
    Column.CONTACT: ("联系人", "联系人姓名"),
    Column.MOBILE: ("手机", "手机号", "手机号码", "联系电话", "联系人手机"),
    Column.EMAIL: ("邮箱", "电子邮箱", "邮件地址", "电子邮件", "email", "e-mail"),
    Column.CARD: ("法人卡号", "卡号", "IC卡号"),
    Column.CERTIFICATE: ("证书号", "证书编号"),
    Column.HOLDER: ("持卡人", "法人", "法定代表人"),
    Column.VALID_UNTIL: ("证书有效期至", "有效期至", "有效期", "证书有效期"),
    Column.DRAWER: ("存放位置", "抽屉", "卡存放位置"),
    Column.OLD_POLICY_ENDS: ("现保单到期日", "保单到期日", "到期日"),
    Column.AUTHORIZED_BEFORE: ("往年已授权", "已授权", "往年授权"),
    Column.NOTE: ("备注", "说明"),
}
REQUIRED = (Column.NAME, Column.USCC)
# A PIN in a workbook travels by mail and lies in download folders: we do not even read it.
_PIN_HEADING = re.compile(r"密码|口令|(?<![a-z])pin(?![a-z])|password")
_IN_BRACKETS = re.compile(r"\([^)]*\)")


def plain(heading: str) -> str:
    """The heading without spaces, remarks in brackets and marks such as * or a colon; lower case."""
    bare = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", heading))
    return "".join(bare.split()).strip("*:;,。").lower()


_MEANING = {plain(heading): column for column, headings in HEADINGS.items() for heading in headings}


def meaning(heading: str) -> Column | None:
    """The column under this heading, or None for one that we do not know."""
    return _MEANING.get(plain(heading))


def find_columns(headings: Sequence[str]) -> dict[Column, int]:
    """Where each known column stands.

    Raises `PinInWorkbook`, `ColumnTwice` or `ColumnMissing`. Headings that we do not know are left alone.
    """
    for heading in headings:
        if _PIN_HEADING.search(unicodedata.normalize("NFKC", heading).lower()):
            raise PinInWorkbook(heading)
    places: dict[Column, int] = {}
    for place, heading in enumerate(headings):
        column = meaning(heading)
        if column in places:
            raise ColumnTwice(headings[places[column]], heading)
        if column is not None:
            places[column] = place
    if missing := [column for column in REQUIRED if column not in places]:
        raise ColumnMissing({column.heading: HEADINGS[column] for column in missing})
    return places
