"""What both gates stand on: each request of the whole browser is held until a gate has decided about it.

Held at the browser, not at its pages: a gate at a page does not see the requests of a shared worker, nor
what Chromium sends by itself. A request that outlives its page (keepalive) is let go by a gate at the page
when the page closes, while the gate is sending it, and would be sent twice.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from playwright.async_api import APIResponse, BrowserContext, CDPSession
from playwright.async_api import Error as PlaywrightError

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Chromium would send the same body again to the new address, past the gate.
_REPEATING = frozenset({307, 308})
# Of what pages are made of; nothing in it says how things stand, so it may come from the browser's cache.
_MAKINGS = frozenset({"stylesheet", "script", "image", "font"})
# They speak of the bytes on the wire, and the page is handed what they unpacked to.
_OF_THE_WIRE = frozenset({"content-length", "content-encoding", "transfer-encoding"})


class HeldRequest:
    """One request that something in the browser wants to send, and that waits.

    `kind` is what it is for, in small letters ("document", "xhr", "ping"); `body` is None where the browser
    does not tell it all (a file from the disk): then it cannot be sent for the browser.
    """

    def __init__(self, context: BrowserContext, session: CDPSession, paused: Mapping[str, Any]) -> None:
        self._context, self._session = context, session
        self._held = {"requestId": paused["requestId"]}
        request = paused["request"]
        self.method: str = request["method"]
        self.url: str = request["url"]
        self.kind: str = paused["resourceType"].lower()
        self.body = _body(request)
        self._headers: dict[str, str] = request["headers"]

    async def let_go(self) -> None:
        """The browser sends it by itself; what could tell how things stand never comes from its cache."""
        if self.kind in _MAKINGS:
            await self._decide("Fetch.continueRequest")
        else:
            await self._decide("Fetch.continueRequest", headers=_anew(self._headers))

    async def stop(self) -> None:
        """It does not leave; the page is told so."""
        await self._decide("Fetch.failRequest", errorReason="BlockedByClient")

    async def send_once(self, *, timeout_ms: float) -> APIResponse:
        """Send it with Playwright's own client, once and without retry; the page is not answered yet.

        Raises `PlaywrightError` when the answer was lost, and when it asks to send the same again elsewhere.
        """
        answer = await self._context.request.fetch(
            self.url,
            method=self.method,
            headers=self._headers,
            data=self.body,
            max_retries=0,
            max_redirects=0,
            timeout=timeout_ms,
        )
        if answer.status in _REPEATING:
            raise PlaywrightError(f"the portal asks to send it again elsewhere ({answer.status})")
        return answer

    async def hand_over(self, answer: APIResponse) -> None:
        """Give the page the answer that came."""
        headers = [header for header in answer.headers_array if header["name"].lower() not in _OF_THE_WIRE]
        try:
            body = base64.b64encode(await answer.body()).decode()
        except PlaywrightError:
            await self.say_lost()
            return
        await self._decide(
            "Fetch.fulfillRequest", responseCode=answer.status, responseHeaders=headers, body=body
        )

    async def say_lost(self) -> None:
        """Tell the page that no answer came."""
        await self._decide("Fetch.failRequest", errorReason="ConnectionFailed")

    async def _decide(self, decision: str, **details: object) -> None:
        """Its page may be gone by now; then nobody waits for the decision."""
        with contextlib.suppress(PlaywrightError):
            await self._session.send(decision, self._held | details)


async def hold_all(context: BrowserContext, decide: Callable[[HeldRequest], Awaitable[None]]) -> None:
    """Hold each request of the context's browser, whoever in it sends it, until `decide` has decided.

    A request that nothing is decided about does not leave. It is so for as long as the browser lives: were
    the session ended before, Chromium would let go what is held.
    """
    browser = context.browser
    if browser is None:  # only a context on a person's own profile has none, and we never open one
        raise PlaywrightError("the requests of a context without a browser cannot be held")
    session = await browser.new_browser_cdp_session()

    async def hold(paused: dict[str, Any]) -> None:
        await decide(HeldRequest(context, session, paused))

    session.on("Fetch.requestPaused", hold)
    await session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})


def _anew(headers: Mapping[str, str]) -> list[dict[str, str]]:
    """The same headers, and that no stored answer will do; the browser adds its cookies by itself."""
    asked = {name: value for name, value in headers.items() if name.lower() != "cookie"}
    return [{"name": name, "value": value} for name, value in (asked | {"Cache-Control": "no-cache"}).items()]


def _body(request: Mapping[str, Any]) -> bytes | None:
    """All of a request's body; None when a part of it is not told."""
    if not request.get("hasPostData"):
        return b""
    parts = [part.get("bytes") for part in request.get("postDataEntries", ())]
    return b"".join(map(base64.b64decode, parts)) if parts and None not in parts else None
