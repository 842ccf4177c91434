"""Finds things by their visible words, whatever bears them, in a tab and all its frames.

A `View` is one look at a tab. It holds no browser objects, only what was seen; `take` goes back
to the page for the element and comes empty-handed when the page has moved on meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from playwright.async_api import ElementHandle, Frame, JSHandle, Page
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Reason
from portal_driver.errors import PageChanged
from portal_driver.profile import Words
from portal_driver.words import begins, mentions, nearest, normalise, says

# It goes to each document once: without its comments it is half as long.
_SCRIPT = re.sub(
    r"^ *//.*\n|^ +",
    "",
    (Path(__file__).parent / "finding.js").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)
_FIND = "(find, query) => find(query)"
_FINDERS: WeakKeyDictionary[Frame, JSHandle] = WeakKeyDictionary()
_SCROLL = (Path(__file__).parent / "scrolling.js").read_text(encoding="utf-8")
_PRESSABLE = 3
_STANDS_ALONE = 3
# A document whose script is busy, or that waits for the next one, answers no question for a long time.
ANSWERS_WITHIN_S = 3.0
# A frame without any document yet: one whose document became a download (a PDF) answers at once, and is
# done; one whose document is still on its way answers when that has come.
_EMPTY_ANSWERS_WITHIN_S = 0.3


class Rect(NamedTuple):
    """Where something is, in its frame's pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def shares_column(self, other: Rect) -> int:
        """How many pixels the two share from left to right; 0 or less when they share none."""
        return min(self.right, other.right) - max(self.left, other.left)

    def holds(self, other: Rect) -> bool:
        """Whether the other is no larger and lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def is_level_with(self, other: Rect) -> bool:
        """Whether the middle of one is on the height of the other."""
        middle, others = (self.top + self.bottom) / 2, (other.top + other.bottom) / 2
        return other.top <= middle <= other.bottom or self.top <= others <= self.bottom


@dataclass(frozen=True)
class Document:
    """One frame as it was seen, and what was asked of it."""

    frame: Frame
    query: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Press:
    """Something that can be pressed.

    `sure` tells how surely: 1 is made for it, 2 is styled or scripted so, 3 only stands alone, 9
    is text. `layer` is how far on top it lies and `inside` what the layer around it says. `leads`
    is a link's address, `menu` whether it stands in a menu, `order` its place in the document.
    """

    document: Document
    index: int
    said: str
    sure: int
    layer: int
    inside: str
    covered: bool
    disabled: bool
    order: int
    rect: Rect
    leads: str
    menu: bool


@dataclass(frozen=True)
class Field:
    """Something that can be filled. A secret field's value is never read."""

    document: Document
    index: int
    labels: tuple[str, ...]
    beside: str
    secret: bool
    value: str
    rect: Rect


@dataclass(frozen=True)
class Box:
    """Something that can be ticked. `ticked` is None where the page does not say.

    `drawn` is whether only its look tells that it is a box.
    """

    document: Document
    index: int
    labels: tuple[str, ...]
    beside: str
    ticked: bool | None
    drawn: bool


@dataclass(frozen=True)
class Leaf:
    """A run of text where it stands; `order` is its place in the document.

    `layer` is how far on top it lies, told only of runs that hold a word of the profile.
    """

    document: Document
    text: str
    rect: Rect
    order: int
    layer: int


@dataclass(frozen=True)
class Cell:
    """A cell of a table's row."""

    text: str
    rect: Rect


@dataclass(frozen=True)
class Row:
    """A row of a table that is marked up as one."""

    document: Document
    cells: tuple[Cell, ...]
    rect: Rect


@dataclass(frozen=True)
class Region:
    """A part of a document: a row of a table, an entry of a list.

    Holds what is level with `rect`, or comes from place `first` to before place `last`.
    """

    document: Document
    rect: Rect | None = None
    first: int = 0
    last: int = 0

    def holds(self, press: Press) -> bool:
        """Whether the thing to press belongs to this part."""
        if press.document.frame is not self.document.frame:
            return False
        if self.rect is not None:
            return press.rect.is_level_with(self.rect)
        return self.first <= press.order < self.last


@dataclass(frozen=True)
class View:
    """One look at a tab: its visible text, the things in it, the rows of its tables.

    `ready` is whether all frames had loaded; `secret` whether a PIN field is anywhere in them.
    """

    page: Page
    text: str
    ready: bool
    secret: bool
    presses: tuple[Press, ...]
    fields: tuple[Field, ...]
    boxes: tuple[Box, ...]
    rows: tuple[Row, ...]
    leaves: tuple[Leaf, ...]

    @property
    def asks_for_pin(self) -> bool:
        """Whether a field for a PIN or password is on the screen."""
        return any(field.secret for field in self.fields)

    def mentions(self, words: Words) -> str:
        """The first of the words that stands anywhere in the text, or nothing."""
        return mentions(self.text, words)

    def saying(self, words: Words, *, within: Region | None = None) -> list[Press]:
        """All that can be pressed and says the words, in that part of a page if one is given."""
        saying = [
            press
            for press in self.presses
            if press.sure <= _PRESSABLE
            and says(press.said, words)
            and (within is None or within.holds(press))
        ]
        return [press for press in saying if not any(_stands_for(other, press) for other in saying)]

    def has_press(self, words: Words) -> bool:
        """Whether there is at least one thing to press that says the words."""
        return bool(self.saying(words))

    def offers(self, words: Words) -> bool:
        """Whether something that is made to be pressed says the words: a link or a button, not a heading."""
        return any(press.sure < _STANDS_ALONE and says(press.said, words) for press in self.presses)

    def has_press_but(self, words: Words) -> bool:
        """Whether there is anything to press that says none of the words."""
        return any(press.sure <= _PRESSABLE and not says(press.said, words) for press in self.presses)

    def press(self, words: Words, *, within: Region | None = None) -> Press | None:
        """The one thing to press that says the words, or None.

        Raises `PageChanged` (PAGE_AMBIGUOUS) when several stand side by side and no layer on top
        tells which is meant.
        """
        return _the_one(self.saying(words, within=within), words)

    def ways(self, words: Words) -> list[Press]:
        """All that says the words and only leads somewhere; the likeliest first, a menu before a tab."""
        rank = operator.attrgetter("covered", "disabled", "sure")
        return sorted(self.saying(words), key=lambda way: (*rank(way), -way.layer, not way.menu, way.order))

    def near(self, words: Words, thing: Field) -> Press | None:
        """The thing to press that says the words and stands nearest to a field, in the same frame."""
        beside = [press for press in self.saying(words) if press.document.frame is thing.document.frame]
        nearest_first = sorted(beside, key=lambda press: _distance(press.rect, thing.rect))
        return nearest_first[0] if nearest_first else None

    def field(self, words: Words) -> Field | None:
        """The field that the words label, or None; a field that shows them as a hint comes last."""
        labelled = [field for field in self.fields if any(says(label, words) for label in field.labels)]
        beside = [field for field in self.fields if says(field.beside, words)]
        hinted = [field for field in self.fields if any(mentions(label, words) for label in field.labels)]
        found = labelled or beside or hinted
        if len(found) > 1:
            raise _ambiguous(words, [field.beside or " ".join(field.labels) for field in found])
        return found[0] if found else None

    def label(self, words: Words) -> Press | None:
        """The text that begins with the words: what a person presses where a box is only drawn beside it."""
        saying = [press for press in self.presses if begins(press.said, words)]
        saying = [press for press in saying if not any(_stands_for(other, press) for other in saying)]
        best = _best(saying, lambda press: (press.covered, press.sure, -press.layer))
        if len(best) > 1:
            raise _ambiguous(words, [press.said for press in best])
        return best[0] if best else None

    def sentence(self, *parts: Words) -> Press | None:
        """The one thing made to be pressed whose text mentions each of the parts, or None."""
        made = [press for press in self.presses if press.sure < _STANDS_ALONE]
        saying = [press for press in made if all(mentions(press.said, part) for part in parts)]
        return _the_one(saying, parts[0])

    def has_box(self, words: Words) -> bool:
        """Whether the words stand beside a box, or where one would be."""
        return self.box(words) is not None or self.label(words) is not None

    def box(self, words: Words) -> Box | None:
        """The box that the words stand beside, or None."""
        found = [
            box
            for box in self.boxes
            if any(begins(said, words) for said in (*box.labels, box.beside) if said)
        ]
        found = [box for box in found if not box.drawn] or found
        if len(found) > 1:
            raise _ambiguous(words, [box.beside or " ".join(box.labels) for box in found])
        return found[0] if found else None


def _stands_for(one: Press, other: Press) -> bool:
    """Whether two that say the same, one around the other, are one thing, and this is its better half."""
    if one is other or one.document.frame is not other.document.frame or one.layer != other.layer:
        return False
    if one.rect.holds(other.rect) and one.rect != other.rect:
        return one.sure < other.sure
    is_inside = other.rect.holds(one.rect) and (one.rect != other.rect or one.order > other.order)
    return is_inside and one.sure <= other.sure


def _the_one(saying: list[Press], words: Words) -> Press | None:
    """Narrow down: not covered before covered, made to be pressed before standing alone, the top layer."""
    best = _best(saying, lambda press: (press.covered, press.sure == _STANDS_ALONE, -press.layer))
    if len(best) > 1 and not _lead_to_one_place(best):
        raise _ambiguous(words, [press.said for press in best])
    return best[0] if best else None


def _best(presses: list[Press], rank: Any) -> list[Press]:
    """Those of the lowest rank."""
    lowest = min((rank(press) for press in presses), default=None)
    return [press for press in presses if rank(press) == lowest]


def _lead_to_one_place(presses: list[Press]) -> bool:
    return bool(presses[0].leads) and len({press.leads for press in presses}) == 1


def _distance(one: Rect, other: Rect) -> int:
    """Pixels between two things, as the crow flies along the edges."""
    return max(0, -one.shares_column(other)) + max(0, max(one.top, other.top) - min(one.bottom, other.bottom))


def _ambiguous(words: Words, found: Sequence[str]) -> PageChanged:
    return PageChanged(
        Reason.PAGE_AMBIGUOUS, expected=words[0], seen=f"{len(found)} ×: {' | '.join(found[:5])}"
    )


async def look(page: Page, wanted: Iterable[str] | None) -> View:
    """Look at a tab. `wanted` limits the pressable things to those that hold one of these words; None is all.

    Frames that are not shown are left out; one that goes away while we look makes the view unready.
    """
    query = {"wanted": None if wanted is None else "\n".join(sorted({normalise(word) for word in wanted}))}
    seen = await asyncio.gather(*(_look_at(frame, query) for frame in page.frames))
    parts = [part for part in seen if part is not None and part[1]]
    return View(
        page=page,
        text="\n".join(part["text"] for _, part in parts if part["text"]),
        ready=all(part is not None and part[1].get("ready", True) for part in seen),
        secret=any(part["secret"] for _, part in parts),
        presses=tuple(_press(document, press) for document, part in parts for press in part["presses"]),
        fields=tuple(_field(document, field) for document, part in parts for field in part["fields"]),
        boxes=tuple(
            _box(document, box) for document, part in parts for box in part["boxes"] if box.pop("shown")
        ),
        rows=tuple(_row(document, row) for document, part in parts for row in part["rows"]),
        leaves=tuple(_leaf(document, leaf) for document, part in parts for leaf in part["leaves"]),
    )


async def scroll_through(page: Page) -> bool:
    """Scroll all that can be scrolled to its end, as one who looks for something; whether anything could.

    Pages load what is further down only when it comes into sight.
    """
    scrolled = await asyncio.gather(*(_scroll(frame) for frame in page.frames))
    return any(scrolled)


async def _scroll(frame: Frame) -> bool:
    if not frame.url:  # as in `_look_at`
        return False
    try:
        scrolled: bool = await frame.evaluate(_SCROLL)
    except PlaywrightError:
        return False
    return scrolled


async def take(thing: Press | Field | Box) -> ElementHandle | None:
    """The element behind a thing that was seen, or None when it is no longer on the page."""
    kind = {Press: "presses", Field: "fields", Box: "boxes"}[type(thing)]
    said = thing.said if isinstance(thing, Press) else ""
    query = {**thing.document.query, "take": {"kind": kind, "index": thing.index, "said": said}}
    try:
        finder = await _finder_in(thing.document.frame)
        found = await finder.evaluate_handle(_FIND, query)
    except PlaywrightError:
        return None
    return found.as_element()


def closest(view: View, words: Words) -> str:
    """What on the page looks most like the words, for the operator who mends the profile."""
    lines: Iterator[str] = (line.strip() for line in view.text.split("\n") if len(line) < 60)
    pressable = [press.said for press in view.presses if press.sure <= _PRESSABLE]
    return " | ".join(nearest(words, [*pressable, *lines]))


async def _look_at(frame: Frame, query: dict[str, Any]) -> tuple[Document, dict[str, Any]] | None:
    """What a frame shows: nothing ({}) when it is hidden, None when it is between two documents."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S if frame.url else _EMPTY_ANSWERS_WITHIN_S):
            seen: dict[str, Any] = json.loads(await _ask(frame, query))
    except (PlaywrightError, TimeoutError):
        return None
    return Document(frame, query), seen


async def _ask(frame: Frame, query: dict[str, Any]) -> str:
    finder = await _finder_in(frame)
    try:
        seen: str = await finder.evaluate(_FIND, query)
    except PlaywrightError:  # another document has come into the frame
        _FINDERS.pop(frame, None)
        finder = await _finder_in(frame)
        seen = await finder.evaluate(_FIND, query)
    return seen


async def _finder_in(frame: Frame) -> JSHandle:
    """The script in the frame's document, which keeps it for the looks to come. The page cannot see it."""
    if frame not in _FINDERS:
        _FINDERS[frame] = await frame.evaluate_handle(f"() => {_SCRIPT}")
    return _FINDERS[frame]


def _press(document: Document, seen: dict[str, Any]) -> Press:
    return Press(document, **{**seen, "rect": Rect(*seen["rect"])})


def _field(document: Document, seen: dict[str, Any]) -> Field:
    return Field(document, **{**seen, "labels": tuple(seen["labels"]), "rect": Rect(*seen["rect"])})


def _box(document: Document, seen: dict[str, Any]) -> Box:
    return Box(document, **{**seen, "labels": tuple(seen["labels"])})


def _row(document: Document, seen: dict[str, Any]) -> Row:
    cells = tuple(Cell(cell["text"], Rect(*cell["rect"])) for cell in seen["cells"])
    return Row(document, cells, Rect(*seen["rect"]))


def _leaf(document: Document, seen: dict[str, Any]) -> Leaf:
    return Leaf(document, seen["text"], Rect(*seen["rect"]), seen["order"], seen["layer"])
