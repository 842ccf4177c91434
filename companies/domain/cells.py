"""What a cell says: text, a code, a day, a yes or no; however the person's program stored it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from companies.domain.workbook import Cell

# A number of more digits was rounded when the workbook was saved: doubles hold no more.
_EXACT_DIGITS = 15
# Day 1 is 1 January 1900, and the programs believe in a 29 February 1900.
_DAY_ZERO = date(1899, 12, 30)
_SERIAL = re.compile(r"[2-7]\d{4}")  # 1954 to 2119
_WRITTEN_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?|(\d{4})(\d{2})(\d{2})")
_MIDNIGHT = re.compile(r"[ T]0{1,2}:00(:00(\.0+)?)?$")
_YES = {"是", "有", "已授权", "已", "√", "y", "yes", "true", "1"}
_NO = {"否", "无", "未授权", "未", "×", "n", "no", "false", "0"}
_TELEPHONE = re.compile(r"((?:\+|00)?86)?(\d{5,15})")
_IN_TELEPHONE = re.compile(r"[-()–—.·]")
# What a program made of a long number on its way through a .csv: 9.14401E+17.
_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
# Marks that nobody sees: zero-width spaces and joiners, the mark at a text's beginning, the soft hyphen.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_BETWEEN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff（）]) (?=[\u3400-\u9fff（）])")


type Reader = Callable[[Cell], str]


class Unreadable(ValueError):
    """The cell holds something, and not what its column is for."""


class Rounded(Unreadable):
    """A long number that was stored as a number: its last digits are gone."""


def text(cell: Cell) -> str:
    """The words in the cell, with single spaces, and none between Chinese characters. Raises `Rounded`."""
    if isinstance(cell, float) and abs(cell) >= 10**_EXACT_DIGITS:
        raise Rounded
    return _BETWEEN_CHINESE.sub("", shown(cell))


def shown(cell: Cell) -> str:
    """The cell as the person sees it, whatever it holds."""
    whole = isinstance(cell, float) and cell.is_integer()
    return f"{cell:.0f}" if whole else " ".join(str(cell).translate(_UNSEEN).split())


def code(cell: Cell) -> str:
    """A number or code: no full-width signs, no spaces, no ' that marks text. Raises `Rounded`."""
    bare = "".join(unicodedata.normalize("NFKC", text(cell)).split()).lstrip("'")
    if _SCIENTIFIC.fullmatch(bare):
        raise Rounded
    return bare


def email(cell: Cell) -> str:
    """An e-mail address. Whether the portal takes its signs is said by readiness. Raises `Unreadable`."""
    address = code(cell)
    try:
        validate_email(address)
    except ValidationError:
        raise Unreadable from None
    return address


def telephone(cell: Cell) -> str:
    """A number's digits without +86. Whether it is a mobile is said by readiness. Raises `Unreadable`."""
    match = _TELEPHONE.fullmatch(_IN_TELEPHONE.sub("", code(cell)))
    if match is None:
        raise Unreadable
    return match[2]


def day(cell: Cell) -> date:
    """A date, stored as a date, a serial number or as words such as 2027年3月1日. Raises `Unreadable`."""
    if isinstance(cell, date):
        return cell
    written = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", text(cell)))
    if _SERIAL.fullmatch(written):
        return _DAY_ZERO + timedelta(days=int(written))
    match = _WRITTEN_DAY.fullmatch(written.replace(" ", ""))
    if match is None:
        raise Unreadable
    year, month, day_of_month = (int(part) for part in match.groups() if part)
    try:
        return date(year, month, day_of_month)
    except ValueError:
        raise Unreadable from None


def yes_or_no(cell: Cell) -> bool:
    """是 or 否, in one of the ways in which people write them. Raises `Unreadable`."""
    answer = code(cell).lower()
    if answer in _YES:
        return True
    if answer in _NO:
        return False
    raise Unreadable
