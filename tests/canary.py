"""Looks for secrets that must be nowhere, in whatever a run leaves behind or shows while it lives."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from pypdf import PdfReader
from pypdf.errors import PyPdfError

Places = dict[str, bytes]


def forms(secret: str) -> set[bytes]:
    """The secret as it could stand somewhere: plain, in UTF-16, hex, base64 at any place, in an address."""
    plain = secret.encode()
    found = {plain, secret.encode("utf-16-le"), plain.hex().encode(), quote(secret, safe="").encode()}
    for before in range(3):
        # The characters that lie wholly within the secret, whatever stands around it.
        encoded = base64.b64encode(b"\0" * before + plain)
        found.add(encoded[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6])
    return found


def leaks(places: Mapping[str, bytes], secrets: Mapping[str, Iterable[str]]) -> list[str]:
    """`secret in place` for each secret that stands in one of the places, without the secret itself."""
    return sorted(
        f"{name} in {place}"
        for name, values in secrets.items()
        for place, content in places.items()
        if any(form in content for value in values for form in forms(value))
    )


def files(directory: Path) -> Places:
    """All files below, and what is packed in them. A file that goes away meanwhile is gone."""
    found: Places = {}
    for path in directory.rglob("*"):
        with suppress(OSError):
            if path.is_file() and not path.is_symlink():
                found[str(path)] = path.read_bytes() + _unpacked(path.read_bytes())
    return found


def processes(pids: Iterable[int]) -> Places:
    """Command lines and environments, which everybody on the computer may read."""
    found: Places = {}
    for pid in pids:
        for what in ("cmdline", "environ"):
            with suppress(OSError):
                found[f"{what} of {pid}"] = Path(f"/proc/{pid}/{what}").read_bytes()
    return found


def _unpacked(content: bytes) -> bytes:
    with suppress(OSError, zipfile.BadZipFile, PyPdfError, ValueError, EOFError):
        if content.startswith(b"%PDF"):
            return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).encode()
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                return b"".join(packed.read(name) for name in packed.namelist())
        if content.startswith(b"\x1f\x8b"):
            return gzip.decompress(content)
    return b""
