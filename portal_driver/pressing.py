"""Presses with the mouse what lies open and at rest; for everything else Playwright's own press is better.

Playwright takes a script of 340 KB into each document of which it holds an element, once to name the element
and once to press it: that was a seventh of what a way through the portal costs. Its press makes sure at the
very moment that nothing has slid over, and goes on to explain what is in the way: it stays the one for what
is irreversible and for the PIN, and wherever anything is unclear here.
"""

from __future__ import annotations

import asyncio
import contextlib

from portal_driver.finding import Box, Press, aim

# A page may be busy with a press for long; what comes of it is seen by looking.
_TAKEN_WITHIN_S = 5.0


async def press_if_open(thing: Press | Box) -> bool:
    """Press a thing in its middle, as a person does; False where it is not clear that it would be hit.

    It is aimed at before the mouse comes and once more with the mouse over it, since a menu or a hint may
    open then. Nothing was pressed where this is False; Playwright's errors come from the press itself.
    """
    mouse = thing.document.frame.page.mouse
    point = await aim(thing)
    if point is None:
        return False
    await mouse.move(point.x, point.y)
    if await aim(thing, at=point) is None:
        return False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TAKEN_WITHIN_S):
            await mouse.down()
            await mouse.up()
    return True
