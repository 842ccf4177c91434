"""Strikes out who a page speaks of, so that a check's report can be shown to whoever keeps the profile.

It knows what the card and the company page said, what stands in fields and behind labels that name
people, and what numbers of people and companies look like. A name in the middle of a sentence it does
not know: whoever passes a report on looks through it first.
"""

from __future__ import annotations

import re

from portal_driver.evidence import Scrubber
from portal_driver.finding import Row, View
from portal_driver.profile import Words
from portal_driver.words import says, values_after

_MASK = "●●●●"
_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9A-Z]{2}\d{6}[0-9A-Z]{10}"  # 统一社会信用代码, 身份证号
    r"|\+?(?:86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"  # mobile
    r"|[A-Z]{0,4}\d{8,}"  # card, policy and application numbers
    r")(?![0-9A-Za-z])"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Behind these labels, and under these headings, stand people and companies.
_WHOSE = (
    "姓名", "联系人", "联系人姓名", "经办人", "持卡人", "操作员", "法定代表人", "法人代表", "法人姓名",
    "投保人", "投保人名称", "被保险人", "被保险人名称",
    "企业名称", "公司名称", "单位名称", "企业中文名称", "企业英文名称",
    "地址", "注册地址", "经营地址", "办公地址", "联系地址", "手机", "手机号", "手机号码", "电话", "联系电话",
    "邮箱", "电子邮箱", "统一社会信用代码", "社会信用代码", "信用代码", "开户行", "银行账号",
)  # fmt: skip


class Masker(Scrubber):
    """Cleans texts of secrets, and of the people and companies that it has learned of.

    The words of the profile (`never`) stay legible: they are what the report is about.
    """

    def __init__(self, never: Words) -> None:
        super().__init__()
        self._never = never
        self._known: set[str] = set()

    def learn(self, *said: str) -> None:
        """Mask these from now on; what is too short to be a name would only spoil texts."""
        names = {text.strip() for text in said}
        legible = (*self._never, *_WHOSE)
        self._known |= {name for name in names if len(name) >= 2 and not says(name, legible)}

    def learn_from(self, view: View) -> None:
        """Mask what stands in the view's fields, behind labels that name people, and under such headings."""
        self.learn(*(field.value for field in view.fields))
        headings = [row for row in view.rows if _is_heading(row, view.rows)]
        labels = {cell.text.strip() for row in headings for cell in row.cells}
        self.learn(*(value for value in values_after(view.text, _WHOSE) if value not in labels))
        for heading in headings:
            for place, cell in enumerate(heading.cells):
                if says(cell.text, _WHOSE):
                    self.learn(*(row.cells[place].text for row in _under(heading, view.rows)))

    def without_secrets(self, text: str) -> str:
        """The text for the person at the terminal, who may read whose card it is, but not the PIN."""
        return super().clean(text)

    def clean(self, text: str) -> str:
        """The text without secrets, people, companies and their numbers."""
        text = super().clean(text)
        for known in sorted(self._known, key=len, reverse=True):
            text = text.replace(known, _MASK)
        return _NUMBERS.sub(_MASK, _EMAIL.sub(_MASK, text))

    def found_in(self, text: str) -> tuple[str, ...]:
        """What of a text is masked, to mask it in a picture too."""
        numbers = {match.group() for pattern in (_EMAIL, _NUMBERS) for match in pattern.finditer(text)}
        return tuple(numbers | {known for known in self._known if known in text})


def _is_heading(row: Row, rows: tuple[Row, ...]) -> bool:
    """Whether this row names the columns below it, rather than holding labels and values side by side."""
    places = [place for place, cell in enumerate(row.cells) if says(cell.text, _WHOSE)]
    below = _under(row, rows)
    return len(row.cells) > 2 and bool(places and below) and not says(below[0].cells[places[0]].text, _WHOSE)


def _under(heading: Row, rows: tuple[Row, ...]) -> list[Row]:
    frame, end = heading.document.frame, heading.rect.bottom - 1
    below = [row for row in rows if row.document.frame is frame and row.rect.top >= end]
    return [row for row in below if len(row.cells) == len(heading.cells)]
