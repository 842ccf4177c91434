"""The card control on the desk's computer: whose card is in the reader, without any PIN.

The control (电子口岸客户端控件) also offers methods that spend one of the card's few PIN tries.
This client cannot name them: what it may send is a closed list, checked where bytes leave.
Method names and the wire format were seen in public code that talks to the real control.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from enum import StrEnum
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from portal_driver.contract import CardRead, ExpectedCard, Reason
from portal_driver.errors import PersonNeeded, PortalUnavailable

# A certificate in PEM is the longest honest answer: a few kilobytes.
_LONGEST_ANSWER = 256 * 1024


class Method(StrEnum):
    """Everything that this program ever asks of a control. None of it takes a PIN."""

    CARD_NUMBER = "cus-sec_SpcGetCardID"
    CERTIFICATE = "cus-sec_SpcGetCertNo"
    HOLDER = "cus-sec_SpcGetUName"
    COMPANY = "cus-sec_SpcGetEntName"
    VALIDITY = "cus-sec_SpcGetValidTimeFromCert"
    VERSION = "ver"


_MAY_LEAVE = frozenset(method.value for method in Method)


class Trouble(StrEnum):
    """What a control's error text means for us; the codes are the control's own (`Err:Custom50070`)."""

    NO_CARD = "no_card"  # the reader cannot be reset: no card in it, or not properly
    NO_READER = "no_reader"  # the reader cannot be opened: unplugged, or the control must be restarted
    UNREACHABLE = "unreachable"  # a script's own word for a control that does not answer
    OTHER = "other"


_TROUBLES = {"50070": Trouble.NO_CARD, "50200": Trouble.NO_READER, "60408": Trouble.UNREACHABLE}


class CardError(Exception):
    """The control answered that it cannot read the card; the text is the control's own."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        codes = re.findall(r"(?:Err:[A-Za-z]*|错误码\s*[：:=]\s*)(\d+)", text)
        self.trouble = next((_TROUBLES[code] for code in codes if code in _TROUBLES), Trouble.OTHER)


class MethodForbidden(ValueError):
    """Somebody tried to send what is not on the closed list. Nothing has left."""


class CardControl:
    """An open connection to one control. May be asked by several callers at once.

    Answers are matched by method name, so one request of a method is open at a time: a second
    caller waits. A request that is given up (timeout, cancelled) ends the connection, because an
    answer that comes later could be taken for the next request's. Where the control repeats the
    request's `_id`, an answer to an earlier request is passed over as well.
    """

    def __init__(self, socket: ClientConnection, timeout_s: float) -> None:
        self._socket = socket
        self._timeout_s = timeout_s
        self._id = 0
        self._turns: defaultdict[Method, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._open: dict[str, tuple[int, asyncio.Future[dict[str, Any]]]] = {}
        self._failure: Exception | None = None
        self._hearing = asyncio.ensure_future(self._hear())

    @classmethod
    @asynccontextmanager
    async def at(cls, address: str, *, timeout_s: float) -> AsyncIterator[CardControl]:
        """Connect to `address`. Raises `PortalUnavailable` (CONTROL_UNREACHABLE)."""
        try:
            control = await cls.connect(address, timeout_s=timeout_s)
            try:
                yield control
            finally:
                await control.close()
        except (OSError, TimeoutError, WebSocketException, ValueError) as error:
            # `MethodForbidden` is a mistake of ours, not the control's.
            if isinstance(error, MethodForbidden):
                raise
            raise PortalUnavailable(Reason.CONTROL_UNREACHABLE, control=address, error=str(error)) from None

    @classmethod
    async def connect(cls, address: str, *, timeout_s: float) -> CardControl:
        """A connection that the caller closes. Raises what the network and websockets raise."""
        socket = await connect(
            address, open_timeout=timeout_s, close_timeout=1, proxy=None, max_size=_LONGEST_ANSWER
        )
        return cls(socket, timeout_s)

    async def close(self) -> None:
        """End the connection; whoever still waits is told so."""
        await self._socket.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._hearing

    async def ask(self, method: Method) -> list[str]:
        """The `Data` of the control's answer, in at most the timeout for each request.

        Raises `CardError` with the control's words, `MethodForbidden`, `TimeoutError` or
        `WebSocketException`.
        """
        if method not in _MAY_LEAVE:
            raise MethodForbidden(f"{method!r} is not a valid Method")
        async with self._turns[Method(method)]:
            answer = await self._answer_to(Method(method))
        return _data(answer)

    async def read_card(self, *, may_be_silent: bool = False) -> CardRead:
        """Whose card is in the reader. One that `may_be_silent` need not tell even its number.

        Raises `PersonNeeded` (CARD_ABSENT) when there is none, and `PortalUnavailable`
        (CONTROL_UNREACHABLE) when the control cannot open its reader.
        """
        version = await self._optional(Method.VERSION)
        return CardRead(
            number=await self.read_number(may_be_silent=may_be_silent),
            certificate=await self._optional(Method.CERTIFICATE),
            holder=await self._optional(Method.HOLDER),
            company=await self._optional(Method.COMPANY),
            valid_until=last_day(await self._all(Method.VALIDITY)),
            control_version=version,
        )

    async def read_number(self, *, may_be_silent: bool = False) -> str:
        """The number of the card in the reader, by one request. Raises as `read_card` does."""
        try:
            number = next(iter(await self.ask(Method.CARD_NUMBER)), "")
        except CardError as error:
            if error.trouble in (Trouble.NO_READER, Trouble.UNREACHABLE):
                raise PortalUnavailable(Reason.CONTROL_UNREACHABLE, control=str(error)) from None
            if may_be_silent and error.trouble is not Trouble.NO_CARD:
                return ""
            raise PersonNeeded(Reason.CARD_ABSENT, control=str(error)) from None
        if not number:
            raise PersonNeeded(Reason.CARD_ABSENT, control="no card number")
        return number

    async def _optional(self, method: Method) -> str:
        """The first item, or nothing where this card does not say it without a PIN."""
        return next(iter(await self._all(method)), "")

    async def _all(self, method: Method) -> list[str]:
        try:
            return await self.ask(method)
        except CardError:
            return []

    async def _answer_to(self, method: Method) -> dict[str, Any]:
        if self._failure is not None:
            raise self._failure
        self._id += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[method.value] = (self._id, answer)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send({"_method": method.value, "_id": self._id, "args": {}})
                return await answer
        except (TimeoutError, asyncio.CancelledError):
            self._give_up(method)
            raise
        finally:
            del self._open[method.value]

    async def _send(self, request: dict[str, Any]) -> None:
        """The only place where bytes leave for a control: the text itself is held against the list."""
        text = json.dumps(request)
        leaving = json.loads(text)
        if leaving["_method"] not in _MAY_LEAVE or leaving["args"] != {}:
            raise MethodForbidden("only the closed list of methods, without arguments, may leave")
        await self._socket.send(text)

    def _give_up(self, method: Method) -> None:
        self._failure = TimeoutError(f"the control left {method.value} unanswered")
        # Without a closing handshake: a control that is silent would not take part in it.
        self._socket.transport.abort()

    async def _hear(self) -> None:
        """Give each answer to whoever asked for it; tell everybody when nothing can come any more."""
        try:
            async for frame in self._socket:
                self._take(_json_object(frame))
            raise ConnectionError("the control closed the connection")
        except (OSError, WebSocketException) as error:
            self._failure = self._failure or error
        for _, answer in self._open.values():
            if not answer.done():
                answer.set_exception(self._failure)

    def _take(self, answer: dict[str, Any]) -> None:
        asked, waiting = self._open.get(str(answer.get("_method")), (0, None))
        number = answer.get("_id")
        is_late = isinstance(number, int) and 0 < number < asked
        if waiting is not None and not waiting.done() and not is_late:
            waiting.set_result(answer)


def check_card(card: CardRead, expected: ExpectedCard, *, today: date) -> None:
    """Let only the plan's card pass, and only while its certificate is valid.

    All of this stands before any PIN: the portal refuses another company's card or an expired
    certificate only after a PIN was typed, and that can cost a try. A person's word stands only for
    what the card itself does not tell. Raises `PersonNeeded`.
    """
    untold = ("",) if expected.is_said else ()
    same_number = card.number in (expected.number, *untold)
    same_certificate = expected.certificate == "" or card.certificate in (expected.certificate, *untold)
    if not (same_number and same_certificate):
        raise PersonNeeded(Reason.CARD_WRONG, expected=expected.number, seen=card.number)
    if card.valid_until and date.fromisoformat(card.valid_until) < today:
        raise PersonNeeded(Reason.CERTIFICATE_EXPIRED, valid_until=card.valid_until)


def last_day(validity: list[str]) -> str:
    """The latest day named in a control's answer on validity, as ISO date; empty when none is."""
    days = []
    for year, month, day in re.findall(r"(20\d\d)\D?(\d\d)\D?(\d\d)", " ".join(validity)):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return max(days).isoformat() if days else ""


def _data(answer: dict[str, Any]) -> list[str]:
    """What an answer holds. Raises `CardError` for a refusal, and for an answer of another form."""
    arguments = answer.get("_args")
    if not isinstance(arguments, dict):
        raise CardError("an answer without _args")
    data, errors = arguments.get("Data") or [], arguments.get("Error") or []
    if not arguments.get("Result"):
        texts = errors if isinstance(errors, list) else [errors]
        raise CardError(" ".join(map(str, texts)) or "no answer")
    return [str(item) for item in data] if isinstance(data, list) else [str(data)]


def _json_object(frame: str | bytes) -> dict[str, Any]:
    """The frame as an object; an empty one, which answers nobody, when it is none."""
    try:
        answer = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
