"""The profile that a check proposes: the same file with what was found added, for a person to review.

Nothing is taken out and nothing replaced: a spelling is added behind the others, and every comment
stays. The words of the five irreversible buttons and of the boxes before them are never proposed: a
person writes those, having seen the page.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.items import Array, Item

from portal_driver.check_notes import Finding, Notes, likeness
from portal_driver.profile import Words
from portal_driver.words import core, says

# Less alike than this is another thing: 我要理赔 is half of 我要投保, and its contrary.
_ALIKE = 0.75
_LONGEST = 20
# 不同意 and 退出登录 hold 同意 and 登录 whole.
_CONTRARY = ("不", "否", "未", "无", "非", "拒", "撤", "取消", "退出", "注销", "删除", "关闭", "返回")
_BY_HAND = frozenset(
    {
        "pending.box",
        "pending.confirm",
        "authorizing.make_seal",
        "authorizing.sign_box",
        "authorizing.sign",
        "authorizing.authorize_box",
        "authorizing.authorize",
        "lists.receipt",
    }
)


@dataclass(frozen=True)
class Addition:
    """One thing that is added to a key of the profile: `menu.to_sign_in[3]`, `addresses.sign_in`."""

    key: str
    said: str


def additions_from(notes: Notes, known: dict[str, Words], page_addresses: Words) -> list[Addition]:
    """What the check found that the profile does not say yet. `known` is every key with its words."""
    taken = [word for words in known.values() for word in words]
    found: list[Addition] = []
    for finding in notes.missing():
        said = _likely(finding, taken, notes)
        if said:
            taken.append(said)
            found.append(Addition(finding.want.key, said))
    if notes.shortcut:
        found.append(Addition("addresses.sign_in", notes.shortcut))
    ends = {address.rstrip("/") for address in page_addresses}
    new_ends = (socket for socket in notes.controls if socket.rstrip("/") not in ends)
    found += [Addition("control.page_addresses", socket.rstrip("/")) for socket in new_ends]
    return found


def _likely(finding: Finding, taken: Sequence[str], notes: Notes) -> str:
    """The one thing on the page that is surely another spelling; nothing where there is none, or are two."""
    if finding.want.key in _BY_HAND:
        return ""
    likely = {
        core(text)
        for text in finding.nearest
        if _is_alike(finding.want.words, text)
        and not says(text, tuple(taken))
        and notes.masker.clean(text) == text
    }
    return likely.pop() if len(likely) == 1 else ""


def _is_alike(words: Words, text: str) -> bool:
    """Whether a text holds one of the words whole, or nearly is one, and does not say the contrary."""
    plain = core(text)
    if len(plain) > _LONGEST or plain.startswith(_CONTRARY):
        return False
    return any(core(word) in plain for word in words) or likeness(words, text) >= _ALIKE


def proposed(text: str, additions: Iterable[Addition], *, day: str) -> str:
    """The profile's text with the additions, each marked in its line's comment with the day."""
    document = tomlkit.parse(text)
    for addition in additions:
        path, _, place = addition.key.removesuffix("]").partition("[")
        table, key = path.split(".")
        lines = document.setdefault(table, tomlkit.table())
        if place:
            lines[key][int(place)] = _with(lines[key][int(place)], addition.said)
        elif table == "addresses":
            _replace(lines, key, tomlkit.string(addition.said))  # there is one, or none
        else:
            _replace(lines, key, _with(lines[key], addition.said))
        _remark(lines[key], f"check {day}" if table == "addresses" else f"check {day}: {addition.said}")
    return tomlkit.dumps(document)


def _replace(lines: Any, key: str, new: Item) -> None:
    """Put the new value where the old one stands, with the old one's comment behind it."""
    before = lines.get(key)
    if isinstance(before, Item):
        new.trivia.comment_ws, new.trivia.comment = before.trivia.comment_ws, before.trivia.comment
        new.trivia.trail = before.trivia.trail
    lines[key] = new


def _with(before: Any, said: str) -> Array:
    spellings = [str(before)] if isinstance(before, str) else [str(one) for one in before]
    array = tomlkit.array()
    array.extend([*spellings, said])
    return array


def _remark(item: Any, mark: str) -> None:
    """Put the mark behind what the line's comment says already."""
    said = item.trivia.comment.removeprefix("#").strip()
    item.comment(f"{said}; {mark}" if said else mark)
    item.trivia.comment_ws = "  "


def difference(before: str, after: str, name: str) -> str:
    """What was added, as a diff that `git apply` and people read."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, f"{name} (proposed)", n=1
    )
    return "".join(lines)
