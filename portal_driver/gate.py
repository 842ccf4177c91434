"""One click, one request: everything but reading leaves the browser through here.

Chromium sends a POST a second time by itself when the answer is lost (closed or reset connection,
408). So each request that is not a plain read is sent by Playwright's own client, once and
without retry, and its answer is handed to the page. A request that the profile calls irreversible
leaves only under a token, and a token is made from one `Armed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, Request, Route
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Armed, Click

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Reports that a page sends beside its work; none of them is the request that a click caused.
_ASIDE = frozenset({"ping", "cspviolationreport", "eventsource"})
# Chromium would send the same body again to the new address, past this gate.
_REPEATING = frozenset({307, 308})


@dataclass
class Token:
    """The right to let one irreversible request out, for a few seconds.

    `fired` holds the request's digest once it left; `lost` says why its answer never came.
    `over` is set as soon as either the answer was handed to the page or it was lost.
    """

    click: Click
    ends_at: float
    fired: str = ""
    status: int = 0
    lost: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    sent: set[str] = field(default_factory=set)

    @property
    def seconds_left(self) -> float:
        """How long the press may still take, by the monotonic clock; 0 when it is too late."""
        return max(0.0, self.ends_at - time.monotonic())


class Gate:
    """Stands between one browser context and the network, from before its first page.

    `on_fired` is called at the moment the armed request leaves. `stopped` lists the irreversible
    requests that were held back, without their bodies.
    """

    def __init__(
        self,
        irreversible: Mapping[Click, tuple[re.Pattern[str], ...]],
        *,
        answer_s: float,
        on_fired: Callable[[Click, str], None],
    ) -> None:
        self._irreversible = irreversible
        self._answer_ms = answer_s * 1000
        self._on_fired = on_fired
        self._token: Token | None = None
        self.stopped: list[str] = []

    async def guard(self, context: BrowserContext) -> None:
        """Route every request of the context's pages, popups included, through this gate."""
        await context.route("**/*", self._pass)

    def open(self, armed: Armed) -> Token:
        """Make the token for one click; the one before it is void from now on."""
        self._token = Token(armed.click, time.monotonic() + armed.valid_s)
        return self._token

    @property
    def is_armed(self) -> bool:
        """Whether a token is out: from now on only a read result is a result."""
        return self._token is not None

    def close(self) -> None:
        """Void the token: nothing irreversible leaves any more."""
        self._token = None

    async def _pass(self, route: Route) -> None:
        request = route.request
        click = self.click_of(request.method, request.url)
        if request.method in _READING and click is None:
            await _harmlessly(route.continue_())
            return
        await self._send_once(route, click)

    def click_of(self, method: str, url: str) -> Click | None:
        """The irreversible click that the profile knows this request as."""
        line = f"{method} {url}"
        for click, patterns in self._irreversible.items():
            if any(pattern.search(line) for pattern in patterns):
                return click
        return None

    async def _send_once(self, route: Route, click: Click | None) -> None:
        token = self._token
        digest = request_digest(route.request)
        if token is None:
            await self._exchange(route, None) if click is None else await self._stop(route)
            return
        fires = self._is_fired_by(token, click, route.request)
        if digest in token.sent or (click is not None and not fires) or (fires and not token.seconds_left):
            await self._stop(route)
            return
        token.sent.add(digest)
        if fires:
            token.fired = digest
            self._on_fired(token.click, digest)
        await self._exchange(route, token if fires else None)

    async def _stop(self, route: Route) -> None:
        self.stopped.append(f"{route.request.method} {_without_query(route.request.url)}")
        await _harmlessly(route.abort("blockedbyclient"))

    def _is_fired_by(self, token: Token, click: Click | None, request: Request) -> bool:
        """Whether this is *the* request of the armed click.

        Where the profile knows the click's address only that counts; where it does not, the first
        request that the click caused and that is not a mere report.
        """
        if token.fired or request.resource_type in _ASIDE:
            return False
        if click is not None:
            return click is token.click
        return not self._irreversible.get(token.click)

    async def _exchange(self, route: Route, token: Token | None) -> None:
        """Send the request once and hand its answer to the page."""
        try:
            answer = await route.fetch(max_retries=0, max_redirects=0, timeout=self._answer_ms)
            if answer.status in _REPEATING:
                raise PlaywrightError(f"the portal asks to send it again elsewhere ({answer.status})")
            if token is not None:
                token.status = answer.status
            await route.fulfill(response=answer)
        except PlaywrightError as error:
            if token is not None and not token.status:
                token.lost = _cause(error)
            await _harmlessly(route.abort("connectionfailed"))
        finally:
            if token is not None:
                token.over.set()


def request_digest(request: Request) -> str:
    """What makes a request the same request: sha256 of its method, address and body."""
    digest = hashlib.sha256(f"{request.method}\n{request.url}\n".encode())
    digest.update(request.post_data_buffer or b"")
    return digest.hexdigest()


async def _harmlessly(answering: Awaitable[None]) -> None:
    """Answer a route whose page may be gone by now; then nobody waits for the answer."""
    with contextlib.suppress(PlaywrightError):
        await answering


def _cause(error: PlaywrightError) -> str:
    """The first line of Playwright's message; the lines after it repeat headers and cookies."""
    return error.message.splitlines()[0].removeprefix("Route.fetch: ")


def _without_query(url: str) -> str:
    return url.split("?", 1)[0].split("#", 1)[0]
