"""Watches one card reader for insert and removal, and keeps away from it while a run uses it.

The control tells nothing by itself, so the watch asks for the card's number, one request a look,
over a connection that it keeps. Driver and watcher know of each other by `card_lock`; a caller
that knows more (somebody sits at the desk, on another computer) says so through `may_look`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from websockets.exceptions import WebSocketException

from portal_driver.card_lock import looking_at_card
from portal_driver.control import CardControl
from portal_driver.errors import PersonNeeded, PortalUnavailable

LONGEST_PAUSE_S = 60.0
# Where a card has just come or gone, or a run has just ended, somebody stands at the reader.
SOON_S = 0.3
ATTENDED_S = 20.0


class Sight(StrEnum):
    """What one look came to."""

    CARD_IN = "card_in"
    CARD_OUT = "card_out"
    IN_USE = "in_use"  # a run has the control: nothing was asked
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Look:
    """One look at a reader: the number of the card in it, or why the control said nothing."""

    sight: Sight
    number: str = ""
    error: str = ""


async def _always() -> bool:
    return True


class CardWatch:
    """One reader, looked at again and again: `async with CardWatch(…) as watch: async for look in watch`.

    `every_s` lies between two looks, and less while somebody changes cards; an unreachable control is
    tried again after growing pauses.
    """

    def __init__(
        self,
        control: str,
        *,
        every_s: float = 1.0,
        timeout_s: float = 5.0,
        may_look: Callable[[], Awaitable[bool]] = _always,
    ) -> None:
        self.control = control
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._may_look = may_look
        self._connection: CardControl | None = None
        self._failures = 0
        self._seen: Look | None = None
        self._seen_at = time.monotonic()  # when it last looked otherwise than before

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._let_go()

    async def __aiter__(self) -> AsyncIterator[Look]:
        while True:
            look = await self.look()
            yield look
            if look != self._seen:
                self._seen, self._seen_at = look, time.monotonic()
            same_for_s = time.monotonic() - self._seen_at
            await asyncio.sleep(pause_s(self._failures, self._every_s, same_for_s=same_for_s))

    async def look(self) -> Look:
        """Look once, now. The control is let go while a run uses it, and when it fails."""
        if not await self._may_look():
            await self._let_go()
            return Look(Sight.IN_USE)
        with looking_at_card(self.control) as may:
            look = await self._ask() if may else Look(Sight.IN_USE)
        self._failures = self._failures + 1 if look.sight is Sight.UNREACHABLE else 0
        if look.sight in (Sight.IN_USE, Sight.UNREACHABLE):
            await self._let_go()
        return look

    async def _ask(self) -> Look:
        try:
            # A run that begins waits for this look: connecting and asking have one limit together.
            async with asyncio.timeout(self._timeout_s):
                if self._connection is None:
                    self._connection = await CardControl.connect(self.control, timeout_s=self._timeout_s)
                return Look(Sight.CARD_IN, number=await self._connection.read_number())
        except PersonNeeded:
            return Look(Sight.CARD_OUT)
        except PortalUnavailable as error:
            return Look(Sight.UNREACHABLE, error=error.detail["control"])
        except (OSError, TimeoutError, WebSocketException, ValueError) as error:
            return Look(Sight.UNREACHABLE, error=str(error))

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def pause_s(failures: int, every_s: float, *, same_for_s: float) -> float:
    """Seconds until the next look: `every_s`, sooner while what is seen has not been the same for long.

    After failures it is doubled for each in a row up to a minute, and jittered: many desks that lost their
    controls at once do not come back all at once.
    """
    if failures == 0:
        return min(SOON_S, every_s) if same_for_s < ATTENDED_S else every_s
    longest = min(every_s * 2.0 ** min(failures, 16), max(LONGEST_PAUSE_S, every_s))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # spreads the load, guards nothing
