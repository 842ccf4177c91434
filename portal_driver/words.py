"""Whether a thing on a page says a word of the profile, however the page spells it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from portal_driver.profile import Words

APART = "\u2063"
"""Stands between two runs of text on one line that a gap keeps apart; invisible, and no part of any word."""

# Spaces, invisible characters, and the private-use ones that icon fonts draw their pictures with.
_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff\ue000-\uf8ff]+")
# What pages put behind a word: a count or a countdown, an arrow, a colon, the star of a required field.
_BEHIND = re.compile(
    r"(?:[(\[【]?(?<![0-9A-Za-z])\d{1,4}(?:[+条个份项]|s|秒)?[)\]】]?|[>›»→▶►▸▾▼▽∨⌄…:*!。.,;、)\]】》」”\"'✓✔√⏎↗])+$"
)
_BEFORE = re.compile(r"^[*>›»←◀◄▶►<«·•◦●○■☐☑□✓✔√+\-([【《「“\"'#@]+")

# Another label behind a value, on the same line.
_NEXT_LABEL = re.compile(rf"[\s{APART}]+(?=[^\s:：{APART}]{{2,16}}[:：])")


# Each look compares the same few thousand words and texts again.
_kept = lru_cache(maxsize=8192)


@_kept
def normalise(text: str) -> str:
    """The text without any spaces, full-width forms turned into plain ones."""
    # Twice: a space that goes may bring a letter and its accent together.
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


@_kept
def core(text: str) -> str:
    """The normalised text without a count, arrow, colon or star around it; never nothing."""
    plain = normalise(text)
    return _BEFORE.sub("", _BEHIND.sub("", plain)) or plain


def says(text: str, words: Words) -> bool:
    """Whether the text is one of the words and nothing else."""
    return core(text) in {core(word) for word in words}


def mentions(text: str, words: Words) -> str:
    """The first of the words that stands anywhere in the text, or nothing."""
    plain = normalise(text)
    return next((word for word in words if normalise(word) in plain), "")


def begins(text: str, words: Words) -> bool:
    """Whether the text begins with one of the words: a box's label may go on after them."""
    plain = _BEFORE.sub("", normalise(text))
    return any(plain.startswith(core(word)) for word in words)


def value_after(text: str, labels: Words) -> str:
    """What a page says behind the first of such labels, or nothing; one run of text only."""
    return next(values_after(text, labels), "").split(APART, 1)[0].strip()


def values_after(text: str, labels: Words) -> Iterator[str]:
    """What a page says behind each of such labels, on the same line or alone on the next.

    `text` is a page's visible text, where cells are parted by tabs, blocks by line ends and runs that stand
    apart on one line by `APART`. A value goes on to the end of its line: it may itself stand in several runs.
    """
    pieces = [piece for piece in re.split(r"[\n\t]+", text) if piece.strip()]
    for place, piece in enumerate(pieces):
        for label in labels:
            if says(piece, (label,)):
                yield "".join(pieces[place + 1 : place + 2]).strip()
            behind = re.search(
                rf"(?:^|[\s{APART}])[*]?{_loosely(label)}[\s*]*[:：{APART}][\s:：{APART}]*(\S.*)", piece
            )
            if behind:
                yield _NEXT_LABEL.split(behind.group(1), maxsplit=1)[0].strip()


def uscc_in(text: str) -> str:
    """The 统一社会信用代码 in a text, or the whole text where it holds none."""
    plain = normalise(text).upper()
    found = re.search(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])", plain)
    return found.group() if found else plain


def years_in(text: str) -> set[int]:
    """The policy years (年度) that a page names."""
    named = (re.findall(r"(?<!\d)(20\d\d)年?度", normalise(piece)) for piece in re.split(r"[\n\t]+", text))
    return {int(year) for years in named for year in years}


def nearest(words: Words, texts: Iterable[str], *, limit: int = 5) -> list[str]:
    """The texts that look most like the words, best first: what an operator may have to write."""
    wanted = [normalise(word) for word in words]

    def likeness(text: str) -> float:
        return max(difflib.SequenceMatcher(None, word, normalise(text)).ratio() for word in wanted)

    scored = {text: likeness(text) for text in texts if text}
    best_first = sorted(scored, key=lambda text: scored[text], reverse=True)
    return [text for text in best_first if scored[text] > 0][:limit]


def _loosely(word: str) -> str:
    """A pattern for the word with any spaces inside it."""
    return rf"[\s{APART}]*".join(re.escape(character) for character in word if not character.isspace())
