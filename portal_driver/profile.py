"""One year's portal in one file: words, addresses, irreversible requests, limits.

A profile is what an operator corrects when the portal changes, so a mistake in it is answered
with the file, the key and what to write.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from portal_driver.contract import Click

PROFILES = Path(__file__).parent / "profiles"

Words = tuple[str, ...]
"""Spellings of one thing on the portal; the first is the one shown to people."""


class ProfileError(ValueError):
    """A profile cannot be used; the text says which file, which key and what to write."""


@dataclass(frozen=True)
class Control:
    """Where the portal's sign-in page looks for the card control, by itself."""

    page_addresses: tuple[str, ...]


@dataclass(frozen=True)
class Addresses:
    """Shortcuts; empty means: follow the words from the home page."""

    sign_in: str = ""


@dataclass(frozen=True)
class MenuWords:
    """The way through the portal: the home page's menus and the business system's tabs."""

    to_sign_in: tuple[Words, ...]
    pending: Words
    applications: Words
    policies: Words


@dataclass(frozen=True)
class SignInWords:
    """The sign-in page (guide, 一.2) and how it says no."""

    card_tab: Words
    pin: Words
    sign_in: Words
    pin_refused: Words
    card_locked: Words
    card_trouble: Words


@dataclass(frozen=True)
class CompanyWords:
    """The company data page (guide, 一.3) and the header of every page behind the sign-in."""

    title: Words
    name: Words
    insured: Words
    uscc: Words
    onward: Words


@dataclass(frozen=True)
class PendingWords:
    """The banner and the pending policy (guide, 二.1 to 二.3)."""

    banner: Words
    view: Words
    contact_name: Words
    contact_mobile: Words
    contact_email: Words
    box: Words
    application: Words
    close_application: Words
    countdown: Words
    confirm: Words
    contact_refused: Words


@dataclass(frozen=True)
class AuthorizingWords:
    """The screens that only a first-time company sees (guide, part 三)."""

    make_seal: Words
    sign_box: Words
    sign: Words
    authorize_box: Words
    authorize: Words
    finish: Words
    finish_page: Words
    finished: Words


@dataclass(frozen=True)
class ListWords:
    """The lists 投保申请 and 保险单 (guide, part 四): columns, states, buttons."""

    application_number: Words
    policy_number: Words
    year: Words
    state: Words
    reason: Words
    period: Words
    insurer: Words
    total: Words
    nothing: Words
    loading: Words
    under_review: Words
    returned: Words
    approved: Words
    acknowledged: Words
    view: Words
    download: Words
    receipt: Words


@dataclass(frozen=True)
class Notices:
    """What covers a page and is closed first, and how dialogs are answered.

    `windows` are the headings of windows that open of their own accord.
    """

    titles: Words
    close: Words
    windows: Words = ()
    accept_dialogs: Words = ()


@dataclass(frozen=True)
class Trouble:
    """How the portal says that it cannot serve, or no longer knows us."""

    unavailable: Words
    session_lost: Words
    failed: Words


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds; `reading_s` is the portal's own rule (guide, 二.3)."""

    page_s: float
    press_s: float
    settled_s: float
    quiet_s: float
    answer_s: float
    control_s: float
    reading_s: float


@dataclass(frozen=True)
class Profile:
    """A checked profile. `sha256` is the digest of the file as it was read."""

    name: str
    guide: str
    control: Control
    menu: MenuWords
    sign_in: SignInWords
    company: CompanyWords
    pending: PendingWords
    authorizing: AuthorizingWords
    lists: ListWords
    notices: Notices
    trouble: Trouble
    irreversible: dict[Click, tuple[re.Pattern[str], ...]]
    limits: Limits
    addresses: Addresses = field(default_factory=Addresses)
    sha256: str = ""


def load_profile(name: str) -> Profile:
    """The profile of that name in `profiles/`, or the file when `name` is a path to a `.toml`.

    Raises `ProfileError`, which says what to write.
    """
    path = profile_path(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        there = ", ".join(sorted(p.stem for p in PROFILES.glob("*.toml")))
        raise ProfileError(f"{path}: cannot be read; profiles at hand: {there}") from error
    try:
        raw = tomllib.loads(content.decode())
    except ValueError as error:
        raise ProfileError(f"{path}: not TOML: {error}") from error
    raw["sha256"] = hashlib.sha256(content).hexdigest()
    profile: Profile = _Reader(path.name).table(Profile, raw, "")
    return profile


def profile_path(name: str) -> Path:
    """Where the profile of that name lies; a name that ends in `.toml` is a path."""
    return Path(name) if name.endswith(".toml") else PROFILES / f"{name}.toml"


class _Reader:
    """Turns TOML tables into the dataclasses above; every complaint names file and key."""

    def __init__(self, file: str) -> None:
        self.file = file

    def table(self, kind: Any, raw: Any, where: str) -> Any:
        if not isinstance(raw, dict):
            raise self._error(where, f"write a table: [{where}]")
        known = {f.name: f for f in fields(kind)}
        for key in raw:
            if key not in known:
                raise self._error(_join(where, key), _meant(key, known))
        for key, known_field in known.items():
            if key not in raw and known_field.default is known_field.default_factory is MISSING:
                raise self._error(_join(where, key), "is missing; write it")
        hints = get_type_hints(kind)
        return kind(**{key: self.value(hints[key], value, _join(where, key)) for key, value in raw.items()})

    def value(self, hint: Any, value: Any, where: str) -> Any:
        if is_dataclass(hint):
            return self.table(hint, value, where)
        if hint is float:
            return self.seconds(value, where)
        if hint is str:
            return self.text(value, where)
        if hint == Words:
            return self.words(value, where)
        if get_origin(hint) is dict:
            return self.irreversible(value, where)
        if get_args(hint)[0] == Words:
            return tuple(self.words(item, where) for item in self.items(value, where))
        raise TypeError(f"no reader for {where}: {hint}")

    def text(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise self._error(where, f"is {value!r}; write a text in quotes")
        return value

    def seconds(self, value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self._error(where, f"is {value!r}; write a number of seconds above 0")
        return float(value)

    def items(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise self._error(where, f'is {value!r}; write a list: ["…"]')
        return value

    def words(self, value: Any, where: str) -> Words:
        spellings = [value] if isinstance(value, str) else self.items(value, where)
        if not all(isinstance(word, str) and word.strip() for word in spellings):
            raise self._error(where, f"is {value!r}; write the words as the portal shows them, in quotes")
        return tuple(spellings)

    def irreversible(self, value: Any, where: str) -> dict[Click, tuple[re.Pattern[str], ...]]:
        if not isinstance(value, dict):
            raise self._error(where, f"write a table: [{where}]")
        clicks = {str(click): click for click in Click}
        for key in value:
            if key not in clicks:
                raise self._error(_join(where, key), _meant(key, clicks))
        return {
            click: self.patterns(value[str(click)], _join(where, str(click))) if str(click) in value else ()
            for click in Click
        }

    def patterns(self, value: Any, where: str) -> tuple[re.Pattern[str], ...]:
        if not isinstance(value, list):
            raise self._error(where, f"is {value!r}; write a list, empty where the address is not known: []")
        try:
            return tuple(re.compile(pattern) for pattern in value)
        except (re.error, TypeError) as error:
            raise self._error(
                where, f"holds a pattern that cannot be read ({error}); write 'POST .*/path$'"
            ) from error

    def _error(self, where: str, what: str) -> ProfileError:
        return ProfileError(f"{self.file}: {where or 'the file'}: {what}")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _meant(key: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    if near:
        return f"is not a key of a profile; did you mean {near[0]!r}?"
    return f"is not a key of a profile; write one of: {', '.join(known)}"
