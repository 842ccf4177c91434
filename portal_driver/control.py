"""The card control on the desk's computer: whose card is in the reader, without any PIN.

The control (电子口岸客户端控件) also offers methods that spend one of the card's few PIN tries.
This client cannot name them: what it may send is a closed list, checked where bytes leave.
Method names and the wire format were seen in public code that talks to the real control.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from enum import StrEnum
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from portal_driver.contract import CardRead, ExpectedCard, Reason
from portal_driver.errors import PersonNeeded, PortalUnavailable


class Method(StrEnum):
    """Everything that this program ever asks of a control. None of it takes a PIN."""

    CARD_NUMBER = "cus-sec_SpcGetCardID"
    CERTIFICATE = "cus-sec_SpcGetCertNo"
    HOLDER = "cus-sec_SpcGetUName"
    COMPANY = "cus-sec_SpcGetEntName"
    VALIDITY = "cus-sec_SpcGetValidTimeFromCert"
    VERSION = "ver"


class CardError(Exception):
    """The control answered that it cannot read the card; the text is the control's own."""


class CardControl:
    """An open connection to one control.

    Answers are matched by method name, so one request of a method may be open at a time: the
    methods below are asked one after another.
    """

    def __init__(self, socket: ClientConnection, timeout_s: float) -> None:
        self._socket = socket
        self._timeout_s = timeout_s
        self._id = 0

    @classmethod
    @asynccontextmanager
    async def at(cls, address: str, *, timeout_s: float) -> AsyncIterator[CardControl]:
        """Connect to `address`. Raises `PortalUnavailable` (CONTROL_UNREACHABLE)."""
        try:
            socket = await connect(address, open_timeout=timeout_s, close_timeout=1, proxy=None)
        except (OSError, TimeoutError, WebSocketException, ValueError) as error:
            raise PortalUnavailable(Reason.CONTROL_UNREACHABLE, control=address, error=str(error)) from None
        try:
            yield cls(socket, timeout_s)
        except (OSError, TimeoutError, WebSocketException) as error:
            raise PortalUnavailable(Reason.CONTROL_UNREACHABLE, control=address, error=str(error)) from None
        finally:
            await socket.close()

    async def ask(self, method: Method) -> list[str]:
        """The `Data` of the control's answer. Raises `CardError` with the control's words."""
        request: dict[str, Any] = {"_method": Method(method).value, "_id": self._next_id(), "args": {}}
        await self._socket.send(json.dumps(request))
        async with asyncio.timeout(self._timeout_s):
            answer = await self._answer_to(method)
        arguments = answer.get("_args") or {}
        if not arguments.get("Result"):
            raise CardError(" ".join(str(error) for error in arguments.get("Error") or ["no answer"]))
        return [str(item) for item in arguments.get("Data") or []]

    async def read_card(self) -> CardRead:
        """Whose card is in the reader. Raises `PersonNeeded` (CARD_ABSENT) when there is none."""
        version = await self._optional(Method.VERSION)
        try:
            [number, *_] = await self.ask(Method.CARD_NUMBER)
        except (CardError, ValueError) as error:
            raise PersonNeeded(Reason.CARD_ABSENT, control=str(error)) from None
        return CardRead(
            number=number,
            certificate=await self._optional(Method.CERTIFICATE),
            holder=await self._optional(Method.HOLDER),
            company=await self._optional(Method.COMPANY),
            valid_until=last_day(await self._all(Method.VALIDITY)),
            control_version=version,
        )

    async def _optional(self, method: Method) -> str:
        """The first item, or nothing where this card does not say it without a PIN."""
        return next(iter(await self._all(method)), "")

    async def _all(self, method: Method) -> list[str]:
        try:
            return await self.ask(method)
        except CardError:
            return []

    async def _answer_to(self, method: Method) -> dict[str, Any]:
        while True:
            answer = _json_object(await self._socket.recv())
            if answer.get("_method") == method.value:
                return answer

    def _next_id(self) -> int:
        self._id += 1
        return self._id


def check_card(card: CardRead, expected: ExpectedCard, *, today: date) -> None:
    """Let only the plan's card pass, and only while its certificate is valid.

    All of this stands before any PIN: the portal refuses another company's card or an expired
    certificate only after a PIN was typed, and that can cost a try. Raises `PersonNeeded`.
    """
    same_certificate = expected.certificate in ("", card.certificate)
    if card.number != expected.number or not same_certificate:
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


def _json_object(frame: str | bytes) -> dict[str, Any]:
    try:
        answer = json.loads(frame)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
