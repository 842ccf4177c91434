"""What both gates stand on: the browser itself sends nothing but reads, and all else is sent once.

A gate sees the requests of pages. It does not see those of a shared worker, nor what Chromium sends
by itself: a request that outlives its page (keepalive) is let go when the page closes, while the gate
is sending it, and would be sent twice. So the browser as a whole is walled off beneath the pages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import APIResponse, BrowserContext, CDPSession, Route
from playwright.async_api import Error as PlaywrightError

MayLeave = Callable[[str, str], bool]
"""Whether a request may leave the browser by itself: told of its method and its address."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Chromium would send the same body again to the new address, past the gate.
_REPEATING = frozenset({307, 308})


async def wall_off(context: BrowserContext, may_leave: MayLeave) -> None:
    """Let nothing leave the context's browser by itself that may not, whoever in the browser sends it.

    The gate sends what it lets through with Playwright's own client, which is not the browser.
    """
    browser = context.browser
    if browser is None:  # only a context on a person's own profile has none, and we never open one
        raise PlaywrightError("a context without a browser cannot be walled off")
    session = await browser.new_browser_cdp_session()

    async def hold(paused: dict[str, Any]) -> None:
        request, held = paused["request"], {"requestId": paused["requestId"]}
        if may_leave(request["method"], request["url"]):
            await harmlessly(session.send("Fetch.continueRequest", held))
        else:
            await harmlessly(session.send("Fetch.failRequest", held | {"errorReason": "BlockedByClient"}))

    session.on("Fetch.requestPaused", hold)
    await session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
    context.on("close", lambda _: _take_down(session))


async def _take_down(session: CDPSession) -> None:
    await harmlessly(session.detach())


async def send_once(route: Route, *, timeout_ms: float) -> APIResponse:
    """Send a held request with Playwright's own client, once and without retry; the page is not answered yet.

    Raises `PlaywrightError` when the answer was lost, and when the portal asks to send it again elsewhere.
    """
    answer = await route.fetch(max_retries=0, max_redirects=0, timeout=timeout_ms)
    if answer.status in _REPEATING:
        raise PlaywrightError(f"the portal asks to send it again elsewhere ({answer.status})")
    return answer


async def harmlessly(answering: Awaitable[object]) -> None:
    """Answer a held request whose page may be gone by now; then nobody waits for the answer."""
    with contextlib.suppress(PlaywrightError):
        await answering
