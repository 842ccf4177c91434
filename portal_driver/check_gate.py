"""The check's gate: reading passes; what is more is written down and, behind the sign-in, stopped.

There is no token here and nothing that could make one: whatever is pressed, nothing irreversible
leaves. Behind the sign-in every request that is not a plain read is stopped, also those that a page
sends by itself: in a page of scripts nobody can tell for sure which request a press caused, and a
query that was stopped costs another look, while one wrong guess costs a legal act. A query that a
person has looked at is named by its method and address and then passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Click
from portal_driver.holding import READING, HeldRequest, hold_all


class Fate(StrEnum):
    """What became of a request."""

    SENT = "sent"  # before the sign-in, where nothing can be done in a company's name
    LET_THROUGH = "let through"  # named by whoever started the check
    STOPPED = "stopped"
    IRREVERSIBLE = "stopped, irreversible by the profile"


@dataclass(frozen=True)
class SeenRequest:
    """A request that is no plain read: `line` is its method and its address without parameters."""

    line: str
    screen: str
    pressed: str
    fate: Fate


class ReadingGate:
    """Stands between one browser and the network, from before its first page.

    `screen` and `pressed` say where the check is and what it pressed last; `seen` lists each request
    that was no plain read, without its parameters and its body.
    """

    def __init__(
        self,
        irreversible: Mapping[Click, tuple[re.Pattern[str], ...]],
        *,
        let_through: frozenset[str] = frozenset(),
        answer_s: float = 60.0,
    ) -> None:
        self._irreversible = [pattern for patterns in irreversible.values() for pattern in patterns]
        self._let_through = let_through
        self._answer_ms = answer_s * 1000
        self._is_shut = False
        self.screen = ""
        self.pressed = ""
        self.seen: list[SeenRequest] = []

    async def guard(self, context: BrowserContext) -> None:
        """Let every request of the context's browser, whoever in it sends it, pass through this gate."""
        await hold_all(context, self._pass)

    def shut(self) -> None:
        """From now on, and for good, only reading passes: somebody is signed in."""
        self._is_shut = True

    def stopped(self) -> list[SeenRequest]:
        """What did not leave."""
        return [request for request in self.seen if request.fate in (Fate.STOPPED, Fate.IRREVERSIBLE)]

    async def _pass(self, request: HeldRequest) -> None:
        is_irreversible = self._is_irreversible(request.method, request.url)
        if request.method in READING and not is_irreversible:
            await request.let_go()
            return
        line = f"{request.method} {without_parameters(request.url)}"
        fate = Fate.IRREVERSIBLE if is_irreversible else self._fate(line, request)
        self.seen.append(SeenRequest(line, self.screen, self.pressed, fate))
        if fate in (Fate.STOPPED, Fate.IRREVERSIBLE):
            await request.stop()
        else:
            await self._send_once(request)

    def _is_irreversible(self, method: str, url: str) -> bool:
        return any(pattern.search(f"{method} {url}") for pattern in self._irreversible)

    def _fate(self, line: str, request: HeldRequest) -> Fate:
        if request.body is None:
            return Fate.STOPPED
        if not self._is_shut:
            return Fate.SENT
        return Fate.LET_THROUGH if line in self._let_through else Fate.STOPPED

    async def _send_once(self, request: HeldRequest) -> None:
        """Send it as the driver does, without Chromium's own second try."""
        try:
            answer = await request.send_once(timeout_ms=self._answer_ms)
        except PlaywrightError:
            await request.say_lost()
        else:
            await request.hand_over(answer)


def without_parameters(address: str) -> str:
    """An address without what stands behind `?`, `#` or `;`."""
    return re.split(r"[?#;]", address, maxsplit=1)[0]
