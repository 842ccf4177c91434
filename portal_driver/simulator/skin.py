"""A skin: what the portal looks like and where its things are. See docs/simulator.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .places import Place

SKINS = Path(__file__).parent / "skins"

# What our handlers call a field, and what it is called in a request unless a skin says otherwise [P].
_USUAL_FIELDS = {
    "contact_name": "contactName",
    "mobile": "mobile",
    "email": "email",
    "agree": "agree",
    "number": "number",
    "card_number": "icCard",
    "certificate": "certNo",
    "signature": "signData",
    "random": "random",
    "lt": "lt",
    "execution": "execution",
}
_DOOR = re.compile(r"(GET|POST|PUT) (/\S*)(?: (\w+)=(\S+))?")


class BadSkin(ValueError):
    """The skin cannot be used; the text says which file and what to write."""


@dataclass(frozen=True)
class Door:
    """How one place is asked for: `field=value` tells places at one address apart.

    A call is answered with the skin's `call.json`, anything else with a page or a redirect to one.
    """

    place: Place
    method: str
    path: str
    field: str
    value: str
    is_call: bool


@dataclass(frozen=True)
class Skin:
    """What `skin.toml` says. `landing` is where a sign-in leads; `shells` are documents that hold no data."""

    name: str
    title: str
    static: str
    doors: tuple[Door, ...]
    shells: Mapping[str, str] = field(default_factory=dict)
    landing: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: dict(_USUAL_FIELDS))

    @property
    def folder(self) -> Path:
        """Where its templates and its static files are."""
        return SKINS / self.name

    def has(self, place: Place) -> bool:
        """Whether the place has an address in this skin."""
        return any(door.place is place for door in self.doors)

    def href(self, place: str, **values: str) -> str:
        """The path of a place; `values` fill its `{…}`, and what is left of them goes behind a `?`."""
        door = next((door for door in self.doors if door.place == place), None)
        if door is None:
            raise BadSkin(f"{self.name}/skin.toml: {place} has no address")
        path = door.path
        left = {door.field: door.value} if door.field and door.method == "GET" else {}
        for name, value in values.items():
            slot = "{" + name + "}"
            if slot in path:
                path = path.replace(slot, value)
            else:
                left[self.fields.get(name, name)] = value
        return f"{path}?{urlencode(left)}" if left else path

    def after_sign_in(self) -> str:
        """Where a fresh session begins."""
        return self.landing or self.href(Place.WORKSPACE)


def skin_names() -> list[str]:
    """The skins at hand."""
    return sorted(file.parent.name for file in SKINS.glob("*/skin.toml"))


def load_skin(name: str) -> Skin:
    """The skin in the folder of that name. Raises `BadSkin`."""
    file = SKINS / name / "skin.toml"
    if name not in skin_names():
        raise BadSkin(f"There is no skin {name!r}; at hand: {', '.join(skin_names())}.")
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        return Skin(
            name=name,
            title=raw["title"],
            static=raw["static"],
            doors=(
                *_doors(name, raw["pages"], is_call=False),
                *_doors(name, raw.get("calls", {}), is_call=True),
            ),
            shells=raw.get("shells", {}),
            landing=raw.get("landing", ""),
            fields={**_USUAL_FIELDS, **raw.get("fields", {})},
        )
    except KeyError as error:
        raise BadSkin(f"{name}/skin.toml: {error} is missing") from error


def _doors(skin: str, raw: Mapping[str, Any], *, is_call: bool) -> list[Door]:
    return [_door(skin, key, str(value), is_call) for key, value in raw.items()]


def _door(skin: str, key: str, text: str, is_call: bool) -> Door:
    written = _DOOR.fullmatch(text)
    if written is None or key not in set(Place):
        expected = 'a place\'s name and "METHOD /path field=value"'
        raise BadSkin(f'{skin}/skin.toml: {key} = "{text}"; write {expected}')
    method, path, field_name, value = written.groups(default="")
    return Door(Place(key), method, path, field_name, value, is_call)
