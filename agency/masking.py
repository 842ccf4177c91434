"""Personal data, masked for where it is only to be recognised: the audit trail, mails, lists."""

from __future__ import annotations


def email(address: str) -> str:
    """The domain, and of the rest the first letter: `m…@lingnan.example`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}"


def tail(number: str, *, shown: int = 4) -> str:
    """The end of a telephone, card or certificate number: `…8000`."""
    return f"…{number[-shown:]}" if len(number) > shown else "…"


def name(text: str) -> str:
    """A person's name: its first character, `王…`."""
    return f"{text[:1]}…" if text else ""


def text(words: str) -> str:
    """Free words, of which only the length may be known."""
    return f"…({len(words)})" if words else ""
