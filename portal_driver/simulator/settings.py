"""How a simulator is set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

# The portal lives by the clock of Beijing, wherever the simulator runs.
BEIJING = timezone(timedelta(hours=8), "UTC+8")


def beijing_now() -> datetime:
    """The server's clock."""
    return datetime.now(BEIJING)


@dataclass(frozen=True)
class Settings:
    """`port` is that of the public pages; the others are taken next to it, or anywhere when it is 0.

    `skin` is the folder in `skins/` that says what the portal looks like. `approve_after_s` is the time
    from application to policy, `None` for "only by hand". `pin_tries` is how many wrong PINs lock a
    card. `session_s` ends a session that was idle for so long.
    """

    year: int
    skin: str = "frames"
    host: str = "127.0.0.1"
    port: int = 0
    desks: int = 1
    read_seconds: float = 10
    approve_after_s: float | None = 30
    session_s: float = 1800
    latency_ms: int = 0
    pin_tries: int = 3
