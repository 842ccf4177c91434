"""What a run keeps as proof: pictures, page texts, documents; complete, private, without secrets."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from portal_driver.contract import Evidence, Reason, Stage
from portal_driver.errors import PortalUnavailable

LONGEST_TEXT = 200_000  # bytes
ROOM_FOR_PICTURES = (
    900_000  # bytes a run: a renewal takes two or three, and looks between them only read lists
)

_STRUCK_OUT = "●●●●"
_CUT = "\n[…]".encode()


class Scrubber:
    """Strikes out what must not be kept, wherever it stands in a text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Strike this out from now on. Values too short to be a secret would only spoil texts."""
        if len(secret) >= 4:
            self._secrets.add(secret)

    def add_private(self, text: str) -> None:
        """Strike out what names a person; a name may be short."""
        if len(text) >= 2:
            self._secrets.add(text)

    def clean(self, text: str) -> str:
        """The text without the secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _STRUCK_OUT)
        return text


class EvidenceBox:
    """The run's evidence directory. Each file is whole on disk before its event is told.

    Files are readable by their owner only, and chained in the order in which they were kept. Raises
    `PortalUnavailable` (EVIDENCE_NOT_WRITABLE) when one cannot be kept: without evidence there is no
    next click. Texts are cut and pictures left out where a run would keep more than its share of the
    renewal's 3 MB; documents and records are always kept.
    """

    def __init__(self, directory: str, scrubber: Scrubber, tell: Callable[[Evidence], None]) -> None:
        self._directory = Path(directory)
        self._scrubber = scrubber
        self._tell = tell
        self._kept: list[Evidence] = []

    def keep_text(self, text: str, *, page: str, stage: Stage | None, ending: str = "txt") -> Evidence:
        """Keep a page's text, scrubbed."""
        content = self._scrubber.clean(text).encode()
        if len(content) > LONGEST_TEXT:
            content = content[:LONGEST_TEXT].decode(errors="ignore").encode() + _CUT
        return self._keep(content, "text", page, stage, ending)

    def keep_picture(self, picture: bytes, *, page: str, stage: Stage | None) -> Evidence | None:
        """Keep a picture of which the private parts are masked already; None when there is no room for it."""
        if self._size_of("picture") + len(picture) > ROOM_FOR_PICTURES:
            return None
        return self._keep(picture, "picture", page, stage, "jpg")

    def keep_document(self, content: bytes, *, page: str, stage: Stage | None, ending: str) -> Evidence:
        """Keep a document that the portal showed, for the client."""
        return self._keep(content, "document", page, stage, ending)

    def keep_policy(self, content: bytes, *, stage: Stage) -> Evidence:
        """Keep the policy as it was downloaded."""
        return self._keep(content, "policy", "policy", stage, "pdf")

    def keep_record(self, facts: Mapping[str, object], *, page: str, stage: Stage | None) -> Evidence:
        """Keep what a stage came to, with the digests of the files that show it."""
        shown = [{"file": kept.file, "sha256": kept.sha256} for kept in self._kept if kept.stage is stage]
        lines = json.dumps({**facts, "files": shown}, ensure_ascii=False, indent=1)
        return self._keep(self._scrubber.clean(lines).encode(), "record", page, stage, "json")

    def check_writable(self) -> None:
        """Fail now rather than between a click and its proof."""
        probe = self._directory / ".writable"
        _write_whole(probe, b"", self._directory)
        probe.unlink()

    def _keep(self, content: bytes, kind: str, page: str, stage: Stage | None, ending: str) -> Evidence:
        name = f"{len(self._kept) + 1:02d}-{_plain(page)}.{ending}"
        _write_whole(self._directory / name, content, self._directory)
        digest = hashlib.sha256(content).hexdigest()
        link = Evidence(stage, kind, page, name, digest, len(content), now())
        evidence = replace(link, chain=chained(self._kept[-1].chain if self._kept else "", link))
        self._kept.append(evidence)
        self._tell(evidence)
        return evidence

    def _size_of(self, kind: str) -> int:
        return sum(kept.size for kept in self._kept if kept.kind == kind)


def chained(before: str, evidence: Evidence) -> str:
    """The chain that this evidence makes of the one before it."""
    words = (
        before,
        evidence.stage or "",
        evidence.kind,
        evidence.page,
        evidence.file,
        evidence.sha256,
        evidence.at,
    )
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def now() -> str:
    """This moment with its offset, as evidence dates itself."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def _write_whole(path: Path, content: bytes, directory: Path) -> None:
    """Write under a temporary name, flush to disk, then rename: never a half file."""
    partial = path.with_suffix(path.suffix + ".part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise PortalUnavailable(
            Reason.EVIDENCE_NOT_WRITABLE, directory=str(directory), error=error.strerror or str(error)
        ) from None


def _plain(page: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", page.lower()).strip("-") or "page"
