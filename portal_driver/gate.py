"""One click, one request: everything but reading leaves the browser through here.

Chromium sends a POST a second time by itself when the answer is lost (closed or reset connection,
408). So each request that is not a plain read is sent by Playwright's own client, once and
without retry, and its answer is handed to the page. A request that the profile calls irreversible
leaves only under a token, and a token is made from one `Armed`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_plus

from playwright.async_api import APIResponse, BrowserContext
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Armed, Click
from portal_driver.holding import READING, HeldRequest, hold_all

_PAGE_SETUP = Path(__file__).parent / "page_setup.js"
# Reports that a page sends beside its work; none of them is the request that a click caused.
_ASIDE = frozenset({"ping", "cspviolationreport", "eventsource"})
# What may differ when the same thing is sent again: times, nonces, keys, the boundaries of a form.
_USED_ONCE = re.compile(
    r"-*WebKitFormBoundary\w+|(?=(?:[A-Za-z_+/-]*\d){3})[0-9A-Za-z_+/-]{16,}"
    r"|(?<![0-9A-Za-z])(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}(?![0-9A-Za-z])|\d{6,}|0\.\d{4,}"
)
_WORDS = re.compile(r"[^\W_]+|#")


@dataclass
class Token:
    """The right to let one irreversible request out, for a few seconds.

    `fired` holds the request's digest once it left, `is_known` whether the profile knows its address;
    `lost` says why its answer never came.
    `over` is set as soon as either the answer was handed to the page or it was lost.
    `unanswered` are the other requests that the click caused and that were not answered well.
    """

    click: Click
    ends_at: float
    fired: str = ""
    is_known: bool = False
    status: int = 0
    lost: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    unanswered: set[Act] = field(default_factory=set)

    @property
    def seconds_left(self) -> float:
        """How long the press may still take, by the monotonic clock; 0 when it is too late."""
        return max(0.0, self.ends_at - time.monotonic())


class Gate:
    """Stands between one browser and the network, from before its first page.

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
        self._spent: set[Act] = set()
        self._used_before: set[Act] = set()
        self.stopped: list[str] = []

    async def guard(self, context: BrowserContext) -> None:
        """Let every request of the context's browser, whoever in it sends it, pass through this gate."""
        await context.add_init_script(path=_PAGE_SETUP)
        await hold_all(context, self._pass)

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

    def proved(self) -> None:
        """The armed request took effect, and the portal has gone on: its address may serve the next step."""
        self._spent.clear()

    async def _pass(self, request: HeldRequest) -> None:
        click = self.click_of(request.method, request.url)
        if click is None and request.method in READING:
            await request.let_go()
        elif request.body is None:
            await self._stop(request)
        else:
            await self._send_once(request, Act.of(request.method, request.url, request.body), click)

    def click_of(self, method: str, url: str) -> Click | None:
        """The irreversible click that the profile knows this request as."""
        line = f"{method} {url}"
        for click, patterns in self._irreversible.items():
            if any(pattern.search(line) for pattern in patterns):
                return click
        return None

    async def _send_once(self, request: HeldRequest, act: Act, click: Click | None) -> None:
        token = self._token
        if token is not None and self._is_fired_by(token, click, request):
            await self._fire(request, act, token, is_known=click is not None)
        elif click is not None or self._is_repeat(act):
            await self._stop(request)
        elif token is None:
            self._used_before.add(act.address_only())
            await self._exchange(request)
        else:
            token.unanswered.add(act)
            answer = await self._exchange(request)
            if answer is not None and answer.ok:
                token.unanswered.discard(act)

    async def _fire(self, request: HeldRequest, act: Act, token: Token, *, is_known: bool) -> None:
        """Let the armed request out, once, and write down in the token what came of it."""
        if not token.seconds_left:
            await self._stop(request)
            return
        token.over.clear()
        token.fired, token.is_known = _digest(request), is_known
        self._spend(act)
        self._on_fired(token.click, token.fired)
        answer = await self._exchange(request, token)
        token.status = answer.status if answer is not None else 0
        token.over.set()

    def _spend(self, act: Act) -> None:
        """From now on nothing that looks like this leaves, until it is proved that it took effect.

        An address that was never used before belongs to this act alone, whatever is sent to it. One that
        reads were sent to as well is the portal's counter for everything: there the words tell.
        """
        self._spent.add(act)
        if act.address_only() not in self._used_before:
            self._spent.add(act.address_only())

    def _is_repeat(self, act: Act) -> bool:
        """Whether it was done already, or is being tried again because no good answer came."""
        if self._token is not None and act in self._token.unanswered:
            return True
        return act in self._spent or act.address_only() in self._spent

    async def _stop(self, request: HeldRequest) -> None:
        self.stopped.append(f"{request.method} {_without_query(request.url)}")
        await request.stop()

    def _is_fired_by(self, token: Token, click: Click | None, request: HeldRequest) -> bool:
        """Whether this is *the* request of the armed click.

        One that the profile knows as the click's own always is. A portal whose addresses the profile does
        not know is driven too: there it is the first request of the click that is not a mere report.
        """
        if click is not None:
            return click is token.click and not token.is_known
        return not token.fired and request.kind not in _ASIDE

    async def _exchange(self, request: HeldRequest, token: Token | None = None) -> APIResponse | None:
        """Send the request once and hand its answer to the page; None when the answer was lost."""
        try:
            answer = await request.send_once(timeout_ms=self._answer_ms)
        except PlaywrightError as error:
            if token is not None:
                token.lost = _cause(error)
            await request.say_lost()
            return None
        await request.hand_over(answer)
        return answer


@dataclass(frozen=True)
class Act:
    """What a request does, told apart from the same thing sent once more.

    Two requests to one address with the same words are the same act, also as a form and as JSON,
    and also where a number used once (a nonce, a time, a boundary) differs.
    """

    address: str
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, method: str, url: str, body: bytes) -> Act:
        """The act of a request; its query counts as words, since that is where such numbers stand too."""
        path, _, query = url.partition("?")
        text = f"{unquote_plus(query)}\n{unquote_plus(body.decode('utf-8', 'replace'))}"
        return cls(f"{method} {path}", tuple(sorted(set(_WORDS.findall(_USED_ONCE.sub("#", text))))))

    def address_only(self) -> Act:
        """Where it is sent, whatever it says."""
        return Act(self.address)


def _digest(request: HeldRequest) -> str:
    """What makes a request the same request: sha256 of its method, address and body."""
    digest = hashlib.sha256(f"{request.method}\n{request.url}\n".encode())
    digest.update(request.body or b"")
    return digest.hexdigest()


def _cause(error: PlaywrightError) -> str:
    """The first line of Playwright's message; the lines after it repeat headers and cookies."""
    return error.message.splitlines()[0].removeprefix("APIRequestContext.fetch: ")


def _without_query(url: str) -> str:
    return url.split("?", 1)[0].split("#", 1)[0]
