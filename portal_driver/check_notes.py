"""What a check found: the profile's words on the pages, the pages themselves, and what stood in the way."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from playwright.async_api import Error as PlaywrightError

from portal_driver.camera import picture, without_values
from portal_driver.check_gate import without_parameters
from portal_driver.check_mask import Masker
from portal_driver.errors import DriverError, PageChanged
from portal_driver.evidence import EvidenceBox
from portal_driver.finding import View
from portal_driver.profile import Words
from portal_driver.words import begins, nearest, normalise, says, value_after

_PRESSABLE = 3
_LONGEST = 40


class State(StrEnum):
    """Whether a word of the profile was seen where it belongs."""

    FOUND = "found"
    MISSING = "MISSING"
    NOT_TODAY = "not today"  # stands there only in some cases, and may be right


@dataclass(frozen=True)
class Want:
    """One key of the profile, what kind of thing bears its words, and whether it stands there always."""

    key: str
    words: Words
    kind: Kind
    always: bool = True


@dataclass(frozen=True)
class Finding:
    """What was seen of one key: the spelling of the profile that was found, or the nearest things."""

    want: Want
    screen: str
    state: State
    said: str = ""
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """Where the walk could not go on, in the driver's words."""

    screen: str
    reason: str
    detail: dict[str, str]


@dataclass(frozen=True)
class Form:
    """A form that a page holds, which was not sent."""

    screen: str
    line: str
    buttons: str


@dataclass(frozen=True)
class Kind:
    """How words are borne: how to see one spelling in a view, and what else of that kind is there."""

    name: str
    shows: Callable[[View, str], bool]
    others: Callable[[View], Iterable[str]]


def _pieces(view: View) -> list[str]:
    return [piece.strip() for piece in re.split(r"[\n\t]+", view.text) if 0 < len(piece.strip()) < _LONGEST]


def _tolerant(shows: Callable[[View, str], object]) -> Callable[[View, str], bool]:
    """Two that say the same are there, too."""

    def sees(view: View, word: str) -> bool:
        try:
            return bool(shows(view, word))
        except PageChanged:
            return True

    return sees


def _counts(view: View, pattern: str) -> bool:
    return bool(re.search(re.escape(normalise(pattern)).replace(r"\#", r"\d+"), normalise(view.text)))


def _cells(view: View) -> list[str]:
    """What stands in cells: of tables, or in runs of text where boxes only look like one."""
    return [cell.text for row in view.rows for cell in row.cells] or [leaf.text for leaf in view.leaves]


PRESS = Kind(
    "to press",
    lambda view, word: view.has_press((word,)),
    lambda view: [press.said for press in view.presses if press.sure <= _PRESSABLE],
)
FIELD = Kind(
    "field",
    _tolerant(lambda view, word: view.field((word,))),
    lambda view: [said for one in view.fields for said in (*one.labels, one.beside)],
)
BOX = Kind(
    "box",
    _tolerant(lambda view, word: view.has_box((word,)) or None),
    lambda view: [said for one in view.boxes for said in (*one.labels, one.beside)],
)
TEXT = Kind("text", lambda view, word: bool(view.mentions((word,))), _pieces)
LABEL = Kind("label", lambda view, word: bool(value_after(view.text, (word,))), _pieces)
COUNT = Kind("count", _counts, _pieces)
HEADING = Kind(
    "heading",
    lambda view, word: any(says(said, (word,)) for said in _cells(view)),
    lambda view: [said for said in _cells(view) if said and len(said) < _LONGEST],
)
TITLE = Kind(
    "to press or to read",
    lambda view, word: view.has_press((word,)) or any(begins(piece, (word,)) for piece in _pieces(view)),
    lambda view: [*PRESS.others(view), *_pieces(view)],
)


@dataclass
class Notes:
    """Everything that one check writes down. `tell` says to the person who waits what is looked at."""

    box: EvidenceBox
    masker: Masker
    tell: Callable[[str], None]
    findings: list[Finding] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    controls: list[str] = field(default_factory=list)
    shortcut: str = ""
    remarks: list[str] = field(default_factory=list)

    def look_for(self, screen: str, view: View, wants: Sequence[Want]) -> None:
        """Note for each key whether one of its spellings is there, else what comes nearest."""
        for want in wants:
            said = next((word for word in want.words if want.kind.shows(view, word)), "")
            if said:
                self.note(Finding(want, screen, State.FOUND, said))
            elif want.always:
                self.note(Finding(want, screen, State.MISSING, "", near(want, view)))
            else:
                self.note(Finding(want, screen, State.NOT_TODAY))

    def note(self, finding: Finding) -> None:
        """Keep a finding; a key that was found once is found."""
        before = next((one for one in self.findings if one.want.key == finding.want.key), None)
        if before is None:
            self.findings.append(finding)
        elif finding.state is State.FOUND and before.state is not State.FOUND:
            self.findings[self.findings.index(before)] = finding

    def trouble(self, screen: str, error: DriverError) -> None:
        """Note where the walk could not go on."""
        self.troubles.append(Trouble(screen, str(error.reason), error.detail))
        self.tell(f"  {screen}: cannot go on here ({error.reason})")

    def missing(self) -> list[Finding]:
        """The keys of which no spelling was there."""
        return [finding for finding in self.findings if finding.state is State.MISSING]

    async def keep_page(self, screen: str, view: View) -> None:
        """Keep a page, masked: what it says, its markup, how it looks; and the forms that it holds."""
        self.masker.learn_from(view)
        shown = [without_parameters(frame.url) for frame in view.page.frames if frame.url.startswith("http")]
        self.addresses.setdefault(screen, shown or [view.page.url])
        self.box.keep_text(view.text, page=screen, stage=None)
        parts = []
        for frame in view.page.frames:
            with contextlib.suppress(PlaywrightError):
                markup = without_values(await frame.content())
                parts.append(f"<!-- frame {frame.name}: {without_parameters(frame.url)} -->\n{markup}")
                self.forms += [
                    Form(screen, f"{method} {without_parameters(action)}", buttons)
                    for method, action, buttons in await frame.evaluate(_FORMS)
                ]
        self.box.keep_text("\n".join(parts), page=screen, stage=None, ending="html")
        image = await picture(view, self.masker.found_in(view.text))
        if image is not None:
            self.box.keep_picture(image, page=screen, stage=None)


# The forms that a person could send from here, and what stands on their buttons.
_FORMS = """() => [...document.forms].map(form => [
  form.method.toUpperCase(), form.action,
  [...form.querySelectorAll("button, a, input[type=submit], input[type=button], [onclick]")]
    .map(one => (one.innerText || one.value || "").trim()).filter(Boolean).join(" | ").slice(0, 120),
])"""


def near(want: Want, view: View) -> tuple[str, ...]:
    """What of the same kind looks most like the words, best first; then anything else on the page."""
    same_kind = nearest(want.words, (text for text in want.kind.others(view) if text))
    return tuple(dict.fromkeys([*same_kind, *nearest(want.words, _pieces(view), limit=3)]))[:5]


def likeness(words: Words, text: str) -> float:
    """How much a text looks like one of the words, from 0 to 1."""
    plain = normalise(text)
    return max(difflib.SequenceMatcher(None, normalise(word), plain).ratio() for word in words)
