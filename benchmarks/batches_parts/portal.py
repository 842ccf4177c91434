"""The simulator as all contenders meet it, and what it counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from agency.engines import Supervisor


@dataclass(frozen=True)
class Portal:
    """A running simulator's addresses."""

    portal: str
    api: str
    controls: list[str]

    def received(self) -> int:
        """How many companies have their policy and acknowledged it."""
        return sum(bool(one["policy"] and one["policy"]["received"]) for one in self._companies())

    def pressed_at_most(self) -> int:
        """How often the most frequent irreversible request of one company arrived."""
        return max(int(tally["received"]) for one in self._companies() for tally in one["clicks"].values())

    def _companies(self) -> list[dict[str, Any]]:
        state = httpx.get(f"{self.api}/state", timeout=30).raise_for_status().json()
        return list(state["companies"].values())


@contextmanager
def portal(
    supervisor: Supervisor, season: Path, *, year: int, desks: int, latency_ms: int
) -> Iterator[Portal]:
    """A simulator of its own process with the portal's 10 s of reading, which approves at once.

    So a whole renewal is one sitting, for everybody who drives it.
    """
    log = supervisor.runtime / "log" / "portal.log"
    child = supervisor.spawn(
        "portal",
        [
            *(sys.executable, "-m", "portal_driver.simulator", "--companies", str(season)),
            *("--year", str(year), "--desks", str(desks)),
            *("--latency-ms", str(latency_ms), "--approve-after-seconds", "0"),
        ],
        ready=lambda: log.read_text().startswith("{") and log.read_text().endswith("\n"),
    )
    at = json.loads(log.read_text())
    try:
        yield Portal(at["portal"], at["api"], at["controls"])
    finally:
        supervisor.stop(child)
