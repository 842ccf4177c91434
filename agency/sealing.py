"""Seals small secrets, so that the database alone is not enough to read them."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.1
VERSION = b"1"


class WrongSeal(ValueError):
    """The sealed text was changed, moved to another row, or sealed with another key."""


def seal(secret: str, *, bound_to: str) -> bytes:
    """The secret, encrypted with AES-256-GCM and bound to one place, such as `card:<agency>:<id>`."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + _key_id() + nonce + _cipher().encrypt(nonce, secret.encode(), bound_to.encode())


def unseal(sealed: bytes, *, bound_to: str) -> str:
    """The secret that was sealed for this very place. Raises `WrongSeal`."""
    head, nonce = len(VERSION) + len(_key_id()), NONCE_BYTES
    if sealed[:head] != VERSION + _key_id():
        raise WrongSeal("sealed with another key")
    try:
        return (
            _cipher().decrypt(sealed[head : head + nonce], sealed[head + nonce :], bound_to.encode()).decode()
        )
    except InvalidTag:
        raise WrongSeal("changed, or moved from another place") from None


def _key() -> bytes:
    return sha256(b"xubao vault\0" + settings.VAULT_KEY.encode()).digest()


def _cipher() -> AESGCM:
    return AESGCM(_key())


def _key_id() -> bytes:
    """Says which key sealed a text without saying anything about the key."""
    return urlsafe_b64encode(sha256(b"id\0" + _key()).digest())[:8]
