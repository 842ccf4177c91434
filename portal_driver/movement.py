"""What moves in a browser context: requests, documents, tabs.

It ends a wait early, and tells a page that has come to rest from one that is slow.
"""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import BrowserContext, Download, Page, Request, Response

from portal_driver.finding import View

# Looks that no event of the browser brings about: scripts change pages without any request.
_LOOK_AGAIN_S = 0.1
_BROKEN_PAGE = "chrome-error:"  # what Chromium shows where no answer came


class Movement:
    """Watches one context from before its first tab.

    `gone` is set when the browser or one of its tabs died; `downloads` takes every download.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.gone = asyncio.Event()
        self.downloads: asyncio.Queue[Download] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._in_flight: set[Request] = set()
        self._last_at = time.monotonic()
        self._statuses: dict[str, int] = {}  # of each document's last answer
        self._last_failure = ""
        self._failed_calls: list[str] = []
        context.on("page", self._on_page)
        context.on("close", lambda _: self.gone.set())
        context.on("request", self._on_request)
        context.on("requestfinished", self._on_over)
        context.on("requestfailed", self._on_failed)
        context.on("response", self._on_response)

    def begin(self) -> None:
        """Something is done to the page now: what failed before has nothing to do with what follows."""
        self._failed_calls.clear()
        self._last_at = time.monotonic()

    def is_still(self, view: View, *, for_s: float) -> bool:
        """Whether the page has loaded and nothing has moved for so long."""
        return view.ready and not self._in_flight and time.monotonic() - self._last_at > for_s

    def broken(self, view: View) -> str:
        """What came instead of a document in one of the tab's frames; nothing when all are well."""
        for frame in view.page.frames:
            status = self._statuses.get(_document(frame.url), 200)
            if status >= 500:
                return f"HTTP {status}"
            if frame.url.startswith(_BROKEN_PAGE):
                return self._last_failure or "no answer"
        return ""

    def failed_call(self) -> str:
        """The first call of the page's scripts that failed since `begin`; nothing when none did."""
        return next(iter(self._failed_calls), "")

    async def next_look(self) -> None:
        """Wait until something changes, or until it is time to look again anyway."""
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self._changed.wait()
        except TimeoutError:
            return

    def forget(self) -> None:
        """What changed so far will be seen by the look that follows."""
        self._changed.clear()

    def _on_page(self, page: Page) -> None:
        page.on("framenavigated", self._stir)
        page.on("domcontentloaded", self._stir)
        page.on("load", self._stir)
        page.on("close", self._stir)
        page.on("download", self.downloads.put_nowait)
        page.on("crash", lambda _: self.gone.set())
        self._stir()

    def _stir(self, *_: object) -> None:
        self._last_at = time.monotonic()
        self._changed.set()

    def _on_request(self, request: Request) -> None:
        self._in_flight.add(request)
        self._last_at = time.monotonic()

    def _on_over(self, request: Request) -> None:
        self._in_flight.discard(request)
        self._stir()

    def _on_failed(self, request: Request) -> None:
        self._on_over(request)
        if request.is_navigation_request():
            self._last_failure = request.failure or ""

    def _on_response(self, response: Response) -> None:
        request, status = response.request, response.status
        if request.is_navigation_request():
            self._statuses[_document(response.url)] = status
        elif status >= 500 and request.resource_type in ("xhr", "fetch"):
            self._failed_calls.append(f"HTTP {status}")


def _document(url: str) -> str:
    return url.split("#", 1)[0]
