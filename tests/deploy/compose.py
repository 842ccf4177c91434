"""docker-compose.yml as Docker reads it, as far as ours goes: merged, and with variables filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What an operator must write; everything else has its default in the file.
WRITTEN = {"SITE_HOST": "xubao.example"}
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


def text() -> str:
    """The file as it stands."""
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def read(written: Mapping[str, str] = WRITTEN) -> dict[str, Any]:
    """The file with its variables filled in. Raises `KeyError` for one that must be written and is not."""
    loaded: dict[str, Any] = _fill(yaml.safe_load(text()), written)
    return loaded


def variables() -> set[str]:
    """The variables that an operator may write for it."""
    return {match[1] for match in _VARIABLE.finditer(text()) if match[1]}


def words(command: str | list[str]) -> list[str]:
    """A command, or a health check's, as the list of words that is run."""
    if isinstance(command, str):
        return shlex.split(command)
    if command[0] == "CMD-SHELL":
        return ["sh", "-c", command[1]]
    return command[1:] if command[0] == "CMD" else command


def _fill(node: Any, written: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _fill(value, written) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, written) for value in node]
    return _VARIABLE.sub(lambda match: _value(match, written), node) if isinstance(node, str) else node


def _value(match: re.Match[str], written: Mapping[str, str]) -> str:
    name, kind, word = match.groups()
    if name is None:
        return "$"
    return written.get(name) or word if kind == "-" else written[name]
