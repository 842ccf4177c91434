"""What a run keeps as proof: pictures, page texts, documents; complete, private, without secrets."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from portal_driver.contract import Evidence, Reason, Stage
from portal_driver.errors import PortalUnavailable

_STRUCK_OUT = "●●●●"


class Scrubber:
    """Strikes out what must not be kept, wherever it stands in a text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Strike this out from now on. Values too short to be a secret would only spoil texts."""
        if len(secret) >= 4:
            self._secrets.add(secret)

    def clean(self, text: str) -> str:
        """The text without the secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _STRUCK_OUT)
        return text


class EvidenceBox:
    """The run's evidence directory. Each file is whole on disk before its event is told.

    Files are readable by their owner only. Raises `PortalUnavailable` (EVIDENCE_NOT_WRITABLE)
    when one cannot be kept: without evidence there is no next click.
    """

    def __init__(self, directory: str, scrubber: Scrubber, tell: Callable[[Evidence], None]) -> None:
        self._directory = Path(directory)
        self._scrubber = scrubber
        self._tell = tell
        self._count = 0

    def keep_text(self, text: str, *, page: str, stage: Stage | None, ending: str = "txt") -> Evidence:
        """Keep a page's text, scrubbed."""
        return self._keep(self._scrubber.clean(text).encode(), "text", page, stage, ending)

    def keep_picture(self, picture: bytes, *, page: str, stage: Stage | None) -> Evidence:
        """Keep a picture of which the private parts are masked already."""
        return self._keep(picture, "picture", page, stage, "jpg")

    def keep_document(self, content: bytes, *, page: str, stage: Stage | None, ending: str) -> Evidence:
        """Keep a document that the portal showed, for the client."""
        return self._keep(content, "document", page, stage, ending)

    def keep_policy(self, content: bytes, *, stage: Stage) -> Evidence:
        """Keep the policy as it was downloaded."""
        return self._keep(content, "policy", "policy", stage, "pdf")

    def check_writable(self) -> None:
        """Fail now rather than between a click and its proof."""
        probe = self._directory / ".writable"
        _write_whole(probe, b"", self._directory)
        probe.unlink()

    def _keep(self, content: bytes, kind: str, page: str, stage: Stage | None, ending: str) -> Evidence:
        self._count += 1
        name = f"{self._count:02d}-{_plain(page)}.{ending}"
        _write_whole(self._directory / name, content, self._directory)
        digest = hashlib.sha256(content).hexdigest()
        evidence = Evidence(stage, kind, page, name, digest, len(content))
        self._tell(evidence)
        return evidence


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
