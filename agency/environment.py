"""Reads settings from the environment, and says what to write where one is wrong."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64encode
from datetime import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from agency.engines import runtime_dir


def text(name: str, default: str = "") -> str:
    """The variable, or the default where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """A yes or no. Raises `ImproperlyConfigured` for anything but "true" and "false"."""
    value = text(name, "true" if default else "false")
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f'{name} is "{value}"; write "true" or "false"')
    return value == "true"


def seconds(name: str, default: float) -> float:
    """A duration in seconds, zero or more. Raises `ImproperlyConfigured` for anything else."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise ImproperlyConfigured(f'{name} is "{value}"; write a number of seconds, such as 60')
    return number


def number(name: str, default: int) -> int:
    """A whole number. Raises `ImproperlyConfigured` for anything else."""
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f'{name} is "{value}"; write a whole number, such as {default}')
    return int(value)


def hours(name: str, default: str) -> tuple[time, time] | None:
    """Opening hours such as 08:00-20:00, or None for "always". Raises `ImproperlyConfigured`."""
    value = text(name, default)
    if value == "always":
        return None
    try:
        opens, closes = (time.fromisoformat(part.strip()) for part in value.split("-"))
    except ValueError:
        opens = closes = time()
    if opens >= closes:
        raise ImproperlyConfigured(f'{name} is "{value}"; write hours such as 08:00-20:00, or "always"')
    return opens, closes


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """One of a few words. Raises `ImproperlyConfigured` for any other."""
    value = text(name, default)
    if value not in allowed:
        words = ", ".join(word or "nothing at all" for word in allowed)
        raise ImproperlyConfigured(f'{name} is "{value}"; write one of: {words}')
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str, *, local: bool) -> str:
    """A secret of at least 32 characters, or from the file that `<name>_FILE` points to.

    On a local installation a missing one is made once and kept beside the local database,
    readable by its owner alone. Anywhere else a missing or short one is an error.
    """
    value = text(name)
    if not value and (file := text(f"{name}_FILE")):
        value = Path(file).read_text().strip()
    if not value and local:
        return _local_secret(name)
    _refuse_weak(name, value)
    return value


def old_secrets(name: str) -> list[str]:
    """Secrets that were in use before, with commas; or one a line in the file of `<name>_FILE`."""
    written = words(name)
    if not written and (file := text(f"{name}_FILE")):
        written = Path(file).read_text().split()
    for value in written:
        _refuse_weak(name, value)
    return written


# A secret of one repeated word is long, and no secret. Random hexadecimal has 16 characters.
_DIFFERENT_CHARACTERS = 10
_PLACEHOLDERS = ("changeme", "change-me", "django-insecure", "password", "example", "secret-key")


def _refuse_weak(name: str, value: str) -> None:
    """Raises `ImproperlyConfigured`, without the value, where somebody could guess it."""
    how = (
        "write a long random value, for example from: "
        "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} is missing or shorter than 32 characters; {how}")
    is_placeholder = any(word in value.lower() for word in _PLACEHOLDERS)
    if is_placeholder or len(set(value)) < _DIFFERENT_CHARACTERS:
        raise ImproperlyConfigured(f"{name} can be guessed; {how}")


def _local_secret(name: str) -> str:
    """Made at the first call in this checkout; the same from then on."""
    path = runtime_dir() / "secrets" / f"{name.lower()}.json"
    try:
        return str(json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    value = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(value))
    draft.chmod(0o600)
    try:
        # Several processes start at once: the first name stands, the others read it.
        path.hardlink_to(draft)
    except FileExistsError:
        value = str(json.loads(path.read_text()))
    draft.unlink()
    return value
