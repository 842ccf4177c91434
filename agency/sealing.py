"""Seals small secrets, so that the database alone is not enough to read them.

A sealed text says which key sealed it and opens only in its place: table, agency and row are part of
what AES-256-GCM authenticates. Keys come from the installation's settings and never from the
database: `VAULT_KEY` seals, `VAULT_OLD_KEYS` still open until `rotate_keys` has sealed everything anew.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.1
VERSION = b"1"
_KEY_ID_BYTES = 8
_HEAD = len(VERSION) + _KEY_ID_BYTES


class WrongSeal(ValueError):
    """The sealed text was changed, moved to another row, or sealed with a key that is not here."""


@dataclass(frozen=True)
class SealedColumn:
    """A column that holds sealed texts, and where each row's text belongs (`bound_to`)."""

    model: type[models.Model]
    column: str
    place: Callable[[Any], str]


# Filled by the modules that seal; `rotate_keys` goes through it.
SEALED_COLUMNS: list[SealedColumn] = []


def seals(model: type[models.Model], column: str, place: Callable[[Any], str]) -> None:
    """Say that a column holds sealed texts, so that they are sealed anew when the key changes."""
    SEALED_COLUMNS.append(SealedColumn(model, column, place))


def seal(secret: str, *, bound_to: str) -> bytes:
    """The secret, encrypted with AES-256-GCM and bound to one place, such as `card:<agency>:<id>`."""
    nonce, key = os.urandom(NONCE_BYTES), _key(settings.VAULT_KEY)
    return VERSION + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, secret.encode(), bound_to.encode())


def unseal(sealed: bytes, *, bound_to: str) -> str:
    """The secret that was sealed for this very place, with the present or an old key. Raises `WrongSeal`."""
    key = _keys().get(sealed[:_HEAD])
    if key is None:
        raise WrongSeal("sealed with another key")
    nonce, text = sealed[_HEAD : _HEAD + NONCE_BYTES], sealed[_HEAD + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, text, bound_to.encode()).decode()
    except InvalidTag:
        raise WrongSeal("changed, or moved from another place") from None


def present_head() -> bytes:
    """What every text begins with that is sealed with the present key."""
    return VERSION + _key_id(_key(settings.VAULT_KEY))


def _keys() -> dict[bytes, bytes]:
    """Every key of the installation, by the head of the texts that it sealed."""
    keys = [_key(written) for written in (settings.VAULT_KEY, *settings.VAULT_OLD_KEYS)]
    return {VERSION + _key_id(key): key for key in keys}


def _key(written: str) -> bytes:
    return sha256(b"xubao vault\0" + written.encode()).digest()


def _key_id(key: bytes) -> bytes:
    """Says which key sealed a text without saying anything about the key."""
    return urlsafe_b64encode(sha256(b"id\0" + key).digest())[:_KEY_ID_BYTES]
