"""Stamps: how a second run knows that a step is done, in a millisecond."""

from __future__ import annotations

import hashlib
from pathlib import Path


class Stamp:
    """Lies inside what a step made, and names the files it was made from.

    It goes when that directory is removed, and no longer fits when one of the files has changed.
    """

    def __init__(self, made: Path, *sources: Path) -> None:
        self._file = made / ".xubao-stamp"
        self._sources = sources

    def fits(self) -> bool:
        """Whether the step was finished from these very sources."""
        try:
            return self._file.read_text() == self._digest()
        except FileNotFoundError:
            return False

    def set(self) -> None:
        """Note that the step is finished."""
        self._file.write_text(self._digest())

    def _digest(self) -> str:
        return hashlib.sha256(b"\0".join(source.read_bytes() for source in self._sources)).hexdigest()
