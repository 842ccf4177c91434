"""The columns of a workbook of companies: what agencies write above them, and what we make of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    OWNER = "owner"
    NOTE = "note"

    @property
    def heading(self) -> str:
        """The heading that we write ourselves."""
        return HEADINGS[self][0]


# As agencies write them; the first of each is what the sample workbook has. Under a heading that spans
# several columns the two are read together: 联系人 over 姓名 is 联系人姓名.
HEADINGS: dict[Column, tuple[str, ...]] = {
    Column.NAME: (
        *("企业名称", "公司名称", "客户名称", "单位名称", "企业", "公司", "客户", "单位", "企业全称"),
        *("公司全称", "客户全称", "单位全称", "纳税人名称", "投保企业", "投保企业名称", "名称", "company"),
    ),
    Column.USCC: (
        *("统一社会信用代码", "社会信用代码", "信用代码", "税号", "纳税人识别号", "统一信用代码", "企业代码"),
        *("社会统一信用代码", "统一社会信用代码证号", "税务登记号", "uscc", "代码", "企业信用代码"),
        "统一代码",
    ),
    Column.REGION: ("地区", "所在地区", "城市", "所在地", "区域", "所属地区", "region"),
    Column.CONTACT: (
        *("联系人", "联系人姓名", "姓名", "经办人", "联络人", "企业联系人", "业务联系人", "contact"),
    ),
    Column.MOBILE: (
        *("手机", "手机号", "手机号码", "联系电话", "联系人手机", "电话", "联系方式", "移动电话"),
        *(
            "联系人电话",
            "联系人手机号",
            "联系人手机号码",
            "联系人联系电话",
            "电话号码",
            "联系手机",
            "mobile",
            "phone",
        ),
    ),
    Column.EMAIL: (
        *("邮箱", "电子邮箱", "邮件地址", "电子邮件", "email", "e-mail", "联系人邮箱", "邮箱地址"),
        *("联系邮箱", "联系人电子邮箱", "联系人email", "联系人e-mail", "mail"),
    ),
    Column.CARD: ("法人卡号", "卡号", "IC卡号", "法人卡", "法人卡卡号", "IC卡", "电子口岸卡号", "口岸卡号"),
    Column.CERTIFICATE: ("证书号", "证书编号", "法人卡证书号", "证书序列号"),
    Column.HOLDER: ("持卡人", "法人", "法定代表人", "法人代表", "法人姓名", "法人卡持卡人"),
    Column.VALID_UNTIL: (
        *("证书有效期至", "有效期至", "有效期", "证书有效期", "证书到期日", "卡有效期", "法人卡有效期"),
        *("法人卡有效期至", "证书到期时间", "卡到期日"),
    ),
    Column.DRAWER: ("存放位置", "抽屉", "卡存放位置", "法人卡存放位置", "抽屉号", "卡位置"),
    Column.OLD_POLICY_ENDS: (
        *("现保单到期日", "保单到期日", "到期日", "保险到期日", "保单到期", "保单止期", "原保单到期日"),
        *("上年保单到期日", "上年保单到期", "去年保单到期", "去年保单到期日", "保险止期", "终保日期"),
    ),
    Column.AUTHORIZED_BEFORE: ("往年已授权", "已授权", "往年授权", "是否授权", "是否已授权"),
    Column.OWNER: (
        *("负责同事", "业务员", "客户经理", "跟单员", "跟进人", "我方负责人", "我司负责人", "我方经办人"),
        *("我司经办人", "我方业务员", "我司业务员", "in charge"),
    ),
    Column.NOTE: ("备注", "说明", "备注说明", "note", "notes"),
}
# In workbooks that we gave back: why a row was not taken.
REASON_HEADING = "原因"
REQUIRED = (Column.NAME, Column.USCC)
# A PIN in a workbook travels by mail and lies in download folders: we do not even read it.
_PIN_HEADING = re.compile(r"密码|口令|(?<![a-z])pin(?![a-z])|password")
_IN_BRACKETS = re.compile(r"\([^)]*\)")


def plain(heading: str) -> str:
    """The heading without spaces, remarks in brackets and marks such as * or a colon; lower case."""
    bare = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", heading))
    return "".join(bare.split()).strip("*:;,。").lower()


# People at the company, or ours? Where another column holds the contact, these hold our colleague.
_OURS_BESIDE_A_CONTACT = {plain(heading) for heading in ("经办人", "负责人")}
_MEANING = {plain(heading): column for column, headings in HEADINGS.items() for heading in headings}


def meaning(heading: str) -> Column | None:
    """The column under this heading, or None for one that we do not know."""
    return _MEANING.get(plain(heading))


def is_ours(heading: str) -> bool:
    """Whether we wrote this column ourselves, and read nothing out of it."""
    return plain(heading) == plain(REASON_HEADING)


@dataclass(frozen=True)
class Found:
    """What stands under a table's headings, as far as they say."""

    columns: dict[Column, int]
    twice: tuple[tuple[str, str], ...]  # headings that mean the same: only a person knows which is right

    @property
    def missing(self) -> list[Column]:
        """The columns without which no company can be known."""
        return [column for column in REQUIRED if column not in self.columns]

    def require(self) -> None:
        """Raises `ColumnTwice` or `ColumnMissing` where a person must say what stands where."""
        if self.twice:
            raise ColumnTwice(*self.twice[0])
        if self.missing:
            raise ColumnMissing({column.heading: HEADINGS[column] for column in self.missing})


def find_columns(headings: Sequence[str], chosen: Mapping[Column, int] | None = None) -> Found:
    """Where each known column stands; `chosen` is what a person has said, and then nothing else counts.

    Raises `PinInWorkbook`.
    """
    for heading in headings:
        if _PIN_HEADING.search(unicodedata.normalize("NFKC", heading).lower()):
            raise PinInWorkbook(heading)
    if chosen is not None:
        return Found(dict(chosen), ())
    surely = {meaning(heading) for heading in headings if plain(heading) not in _OURS_BESIDE_A_CONTACT}
    places: dict[Column, int] = {}
    twice = []
    for place, heading in enumerate(headings):
        is_colleague = Column.CONTACT in surely and plain(heading) in _OURS_BESIDE_A_CONTACT
        column = Column.OWNER if is_colleague else meaning(heading)
        if column in places:
            twice.append((headings[places[column]], heading))
        elif column is not None:
            places[column] = place
    return Found(places, tuple(twice))
