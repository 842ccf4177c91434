"""Finds things by their visible words, whatever bears them, in a tab and all its frames.

A `View` is one look at a tab. It holds no browser objects, only what was seen; `take` goes back
to the page for the element and comes empty-handed when the page has moved on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import ElementHandle, Frame, Page
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Reason
from portal_driver.errors import PageChanged
from portal_driver.profile import Words
from portal_driver.words import begins, mentions, nearest, normalise, says

_SCRIPT = (Path(__file__).parent / "finding.js").read_text(encoding="utf-8")
_PRESSABLE = 3


@dataclass(frozen=True)
class Press:
    """Something that can be pressed.

    `sure` tells how surely: 1 is made for it, 2 is styled or scripted so, 3 only stands alone, 9
    is text. `layer` is how far on top it lies and `inside` what the layer around it says; `row`
    is the table row it stands in.
    """

    frame: Frame
    index: int
    said: str
    row: int
    sure: int
    layer: int
    inside: str
    covered: bool
    disabled: bool


@dataclass(frozen=True)
class Field:
    """Something that can be filled. A secret field's value is never read."""

    frame: Frame
    index: int
    labels: tuple[str, ...]
    beside: str
    secret: bool
    value: str


@dataclass(frozen=True)
class Box:
    """Something that can be ticked. `ticked` is None where the page does not say."""

    frame: Frame
    index: int
    labels: tuple[str, ...]
    beside: str
    ticked: bool | None


@dataclass(frozen=True)
class Row:
    """A row of a table: what its cells say."""

    frame: Frame
    index: int
    cells: tuple[str, ...]


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

    @property
    def asks_for_pin(self) -> bool:
        """Whether a field for a PIN or password is on the screen."""
        return any(field.secret for field in self.fields)

    def mentions(self, words: Words) -> str:
        """The first of the words that stands anywhere in the text, or nothing."""
        return mentions(self.text, words)

    def press(self, words: Words, *, row: Row | None = None) -> Press | None:
        """The one thing to press that says the words, in that row if one is given; or None.

        Raises `PageChanged` (PAGE_AMBIGUOUS) when several stand side by side and no layer on top
        tells which is meant.
        """
        saying = [press for press in self.presses if press.sure <= _PRESSABLE and says(press.said, words)]
        if row is not None:
            saying = [press for press in saying if (press.frame, press.row) == (row.frame, row.index)]
        return _the_one(saying, words)

    def has_press(self, words: Words) -> bool:
        """Whether there is at least one thing to press that says the words."""
        return any(press.sure <= _PRESSABLE and says(press.said, words) for press in self.presses)

    def field(self, words: Words) -> Field | None:
        """The field that the words label, or None; a field that shows them as a hint comes last."""
        labelled = [field for field in self.fields if any(says(label, words) for label in field.labels)]
        beside = [field for field in self.fields if says(field.beside, words)]
        hinted = [field for field in self.fields if any(mentions(label, words) for label in field.labels)]
        found = labelled or beside or hinted
        if len(found) > 1:
            raise _ambiguous(words, [field.beside or " ".join(field.labels) for field in found])
        return found[0] if found else None

    def box(self, words: Words) -> Box | None:
        """The box that the words stand beside, or None."""
        found = [
            box
            for box in self.boxes
            if any(begins(said, words) for said in (*box.labels, box.beside) if said)
        ]
        if len(found) > 1:
            raise _ambiguous(words, [box.beside or " ".join(box.labels) for box in found])
        return found[0] if found else None


def _the_one(saying: list[Press], words: Words) -> Press | None:
    """Narrow down: not covered before covered, surer before less sure, then the top layer."""
    if saying:
        best = min(_rank(press) for press in saying)
        saying = [press for press in saying if _rank(press) == best]
    if len(saying) > 1:
        raise _ambiguous(words, [press.said for press in saying])
    return saying[0] if saying else None


def _rank(press: Press) -> tuple[bool, int, int]:
    return press.covered, press.sure, -press.layer


def _ambiguous(words: Words, found: Sequence[str]) -> PageChanged:
    return PageChanged(
        Reason.PAGE_AMBIGUOUS, expected=words[0], seen=f"{len(found)} ×: {' | '.join(found[:5])}"
    )


async def look(page: Page, wanted: Iterable[str] | None) -> View:
    """Look at a tab. `wanted` limits the pressable things to those that hold one of these words; None is all.

    Frames that are not shown are left out; one that goes away while we look makes the view unready.
    """
    query = {"wanted": None if wanted is None else sorted({normalise(word) for word in wanted}), "take": None}
    frames = page.frames
    seen = await asyncio.gather(*(_look_at(frame, query) for frame in frames))
    parts = [(frame, part) for frame, part in zip(frames, seen, strict=True) if part]
    return View(
        page=page,
        text="\n".join(part["text"] for _, part in parts if part["text"]),
        ready=all(part is not None and part.get("ready", True) for part in seen),
        secret=any(part["secret"] for _, part in parts),
        presses=tuple(Press(frame, **press) for frame, part in parts for press in part["presses"]),
        fields=tuple(_field(frame, field) for frame, part in parts for field in part["fields"]),
        boxes=tuple(_box(frame, box) for frame, part in parts for box in part["boxes"] if box.pop("shown")),
        rows=tuple(
            Row(frame, index, tuple(cells))
            for frame, part in parts
            for index, cells in enumerate(part["rows"])
        ),
    )


async def take(thing: Press | Field | Box) -> ElementHandle | None:
    """The element behind a thing that was seen, or None when the page is another one by now."""
    kind = {Press: "presses", Field: "fields", Box: "boxes"}[type(thing)]
    said = thing.said if isinstance(thing, Press) else ""
    wanted = [said] if isinstance(thing, Press) else []
    query = {"wanted": wanted, "take": {"kind": kind, "index": thing.index, "said": said}}
    try:
        handle = await thing.frame.evaluate_handle(_SCRIPT, query)
    except PlaywrightError:
        return None
    return handle.as_element()


def closest(view: View, words: Words) -> str:
    """What on the page looks most like the words, for the operator who mends the profile."""
    lines: Iterator[str] = (line.strip() for line in view.text.split("\n") if len(line) < 60)
    pressable = [press.said for press in view.presses if press.sure <= _PRESSABLE]
    return " | ".join(nearest(words, [*pressable, *lines]))


async def _look_at(frame: Frame, query: dict[str, Any]) -> dict[str, Any] | None:
    """What a frame shows: nothing ({}) when it is hidden, None when it is between two documents."""
    try:
        seen: dict[str, Any] = await frame.evaluate(_SCRIPT, query)
    except PlaywrightError:
        return None
    return seen


def _field(frame: Frame, seen: dict[str, Any]) -> Field:
    return Field(frame, **{**seen, "labels": tuple(seen["labels"])})


def _box(frame: Frame, seen: dict[str, Any]) -> Box:
    return Box(frame, **{**seen, "labels": tuple(seen["labels"])})
