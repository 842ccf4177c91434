"""What moves in a browser context: requests, documents, tabs.

It ends a wait early, and tells a page that has come to rest from one that is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from pathlib import Path

from playwright.async_api import BrowserContext, Download, Page, Request, Response

from portal_driver.finding import View

# Looks that no event of the browser brings about: scripts change pages without any request.
_LOOK_AGAIN_S = 0.1
# A press's request and a new document's scripts follow each other closer than this.
_CALM_S = 0.02
# A document that is on its way for longer is waited for between looks at what is there meanwhile.
_LOOK_ANYWAY_S = 0.5
_BROKEN_PAGE = "chrome-error:"  # what Chromium shows where no answer came
# A call that a page makes again and again is its heartbeat, not the answer to what was done.
_HEARTBEATS = 3
_NEVER_OVER = frozenset({"eventsource", "websocket", "ping", "media"})


class Movement:
    """Watches one context from before its first tab.

    `gone` is set when the browser or one of its tabs died; `downloads` takes every download and
    `documents` the answers that were PDFs, which a full browser shows instead of downloading them.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.gone = asyncio.Event()
        self.downloads: asyncio.Queue[Download] = asyncio.Queue()
        self.documents: list[Response] = []
        self._changed = asyncio.Event()
        self._stirred = asyncio.Event()
        self._in_flight: set[Request] = set()
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._last_at = self._moved_at = time.monotonic()
        self._looked = ""
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
        """Something is done to the page now: what went before has nothing to do with what follows."""
        self._failed_calls.clear()
        self._in_flight.clear()
        self._calls.clear()
        self.documents.clear()
        self._move()

    def is_still(self, view: View, *, for_s: float) -> bool:
        """Whether the page has loaded, waits for nothing, and has looked the same for so long.

        A clock that ticks on it and a call that it repeats like a heartbeat do not count.
        """
        presses = [(press.said, press.disabled) for press in view.presses]
        looks = re.sub(r"\d+", "#", f"{view.text}{presses}")
        if looks != self._looked:
            self._looked = looks
            self._last_at = time.monotonic()
        return view.ready and not self._in_flight and time.monotonic() - self._last_at > for_s

    async def file(self, download_follows_s: float) -> bytes:
        """The file that comes: a download, or a document that the browser shows instead of downloading it."""
        while True:
            self._changed.clear()
            if self.documents and self.downloads.empty():
                # Some pages load a document by script and make a download of it then.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(download_follows_s):
                        return await self._saved(await self.downloads.get())
                return await self.documents[-1].body()
            if not self.downloads.empty():
                return await self._saved(self.downloads.get_nowait())
            await self.next_look()

    async def _saved(self, download: Download) -> bytes:
        return await asyncio.to_thread(Path(await download.path()).read_bytes)

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

    async def calm(self) -> None:
        """Wait while a document is on its way or something has just moved: a look would come too early.

        No longer than half a second: what moves all the time is looked at in between.
        """
        give_up_at = time.monotonic() + _LOOK_ANYWAY_S
        while (now := time.monotonic()) < give_up_at:
            is_on_its_way = any(request.is_navigation_request() for request in self._in_flight)
            calm_at = give_up_at if is_on_its_way else self._moved_at + _CALM_S
            if calm_at <= now:
                return
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(calm_at, give_up_at) - now):
                    await self._changed.wait()

    def has_moved_since(self, moment: float) -> bool:
        """Whether anything was done or moved since then, by the monotonic clock."""
        return self._moved_at >= moment

    async def next_look(self, *, loading: bool = False) -> None:
        """Wait until something changes, or until it is time to look again anyway.

        A page that is `loading` is looked at again when a document of it has come or gone: each of its
        pictures and scripts moves too, and every look takes time from its loading.
        """
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await (self._stirred if loading else self._changed).wait()
        except TimeoutError:
            return

    def forget(self) -> None:
        """What changed so far will be seen by the look that follows."""
        self._changed.clear()
        self._stirred.clear()

    def _on_page(self, page: Page) -> None:
        page.on("framenavigated", self.stir)
        page.on("domcontentloaded", self.stir)
        page.on("load", self.stir)
        page.on("close", self.stir)
        page.on("download", self.downloads.put_nowait)
        page.on("crash", lambda _: self.gone.set())
        self.stir()

    def stir(self, *_: object) -> None:
        """A document or a tab came, loaded or went."""
        self._move()
        self._changed.set()
        self._stirred.set()

    def _move(self) -> None:
        self._last_at = self._moved_at = time.monotonic()

    def _on_request(self, request: Request) -> None:
        body = (request.post_data_buffer or b"").decode("utf-8", "replace")
        call = (request.method, request.url.split("?", 1)[0], re.sub(r"\d", "#", body))
        self._calls[call] += 1
        if self._calls[call] <= _HEARTBEATS and request.resource_type not in _NEVER_OVER:
            self._in_flight.add(request)
            self._move()
            self._changed.set()

    def _on_over(self, request: Request) -> None:
        if request in self._in_flight:
            self._in_flight.discard(request)
            self._move()
        self._changed.set()

    def _on_failed(self, request: Request) -> None:
        self._on_over(request)
        if request.is_navigation_request():
            self._last_failure = request.failure or ""

    def _on_response(self, response: Response) -> None:
        request, status = response.request, response.status
        if response.headers.get("content-type", "").startswith("application/pdf"):
            self.documents.append(response)
        if request.is_navigation_request():
            self._statuses[_document(response.url)] = status
        elif status >= 500 and request.resource_type in ("xhr", "fetch"):
            self._failed_calls.append(f"HTTP {status}")


def _document(url: str) -> str:
    return url.split("#", 1)[0]
