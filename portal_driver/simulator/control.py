"""The card control of one desk (电子口岸客户端控件), as a WebSocket server.

Seen in public code that talks to the real one [P]: the greeting with method `open`, requests and answers
matched by method, the end of the certificate as `{"szEndTime": "20260101235959"}`, a signature answered as
`[signature, certificate number]`, error 50070 for an empty reader. Not seen, and chosen here [?]: the errors
50021 (wrong PIN, with the tries left) and 50022 (locked), what `SpcGetEntID`, `SpcGetEntMode` and
`SpcGetCardUserInfo` hold, and `Err:Base60404` for a method that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from .cards import Card, CardLocked, NoCard, PinRefused, Reader
from .faults import Kind
from .world import World

VERSION = "1.6.56"

_EMPTY_READER = ["[读卡器底层库]复位读卡器失败:错误码：50070", "Err:Custom50070"]
_LOCKED = ["[读卡器底层库]卡密码已锁定:错误码：50022", "Err:Custom50022"]
_TIME = "%Y%m%d%H%M%S"

Arguments = dict[str, Any]


class Control:
    """Answers what is asked about the card in one reader."""

    def __init__(self, world: World, desk: int) -> None:
        self._world = world
        self._desk = desk
        self._methods: dict[str, Callable[[Arguments], list[Any]]] = {
            "ver": lambda _: [VERSION],
            "cus-sec_SpcInitEnvEx": lambda _: self._of_card(lambda card: []),
            "cus-sec_SpcClearEnv": lambda _: [],
            "cus-sec_SpcGetCardID": lambda _: self._of_card(lambda card: [card.number]),
            "cus-sec_SpcGetCertNo": lambda _: self._of_card(lambda card: [card.company.card.certificate]),
            "cus-sec_SpcGetUName": lambda _: self._of_card(lambda card: [card.company.card.holder]),
            "cus-sec_SpcGetEntID": lambda _: self._of_card(lambda card: [card.company.uscc]),
            "cus-sec_SpcGetEntName": lambda _: self._of_card(lambda card: [card.company.name]),
            "cus-sec_SpcGetEntMode": lambda _: self._of_card(lambda card: ["0"]),
            "cus-sec_SpcGetCardUserInfo": lambda _: self._of_card(_user_info),
            "cus-sec_SpcGetValidTimeFromCert": lambda _: self._of_card(_validity),
            "cus-sec_SpcGetSignCertAsPEM": lambda _: self._of_card(lambda card: [card.certificate_pem()]),
            "cus-sec_SpcVerifyPIN": self._verify_pin,
            "cus-sec_SpcVerifyPINAll": self._verify_pin,
            "cus-sec_SpcSignDataAsPEM": lambda args: self._sign(args, str(args.get("inData", ""))),
            "cus-sec_SpcSignRandom": lambda args: self._sign(args, str(args.get("random", ""))),
            "swc_security_login": self._log_in,
        }

    @property
    def _reader(self) -> Reader:
        return self._world.reader(self._desk)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse the handshake while the control is said to be missing."""
        card = self._reader.inserted
        if self._world.faults.take(Kind.CONTROL_MISSING, card.company.uscc if card else None):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        return None

    async def converse(self, connection: ServerConnection) -> None:
        """Greet, then answer each request until the caller leaves."""
        await connection.send(_answer("open", 0, data=[]))
        async for message in connection:
            await connection.send(self.answer(message))

    def answer(self, message: str | bytes) -> str:
        """The answer to one request, as JSON."""
        try:
            request = json.loads(message)
            method, number, args = request["_method"], request["_id"], request.get("args") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return _answer("", 0, error=["请求格式不正确", "Err:Base60400"])
        if method not in self._methods:
            return _answer(method, number, error=["不支持的方法", "Err:Base60404"])
        try:
            return _answer(method, number, data=self._methods[method](args))
        except NoCard:
            return _answer(method, number, error=_EMPTY_READER)
        except CardLocked:
            return _answer(method, number, error=_LOCKED)
        except PinRefused as refused:
            words = f"[读卡器底层库]验证卡密码失败:错误码：50021,剩余次数：{refused.tries_left}"
            return _answer(method, number, error=[words, "Err:Custom50021"])

    def _of_card(self, read: Callable[[Card], list[Any]]) -> list[Any]:
        return read(self._reader.card)

    def _use_pin(self, args: Arguments) -> Card:
        """The card, after its PIN was right. This is where a card is pulled, locked or made to refuse."""
        card = self._reader.card
        faults, uscc = self._world.faults, card.company.uscc
        if faults.take(Kind.CARD_PULLED, uscc):
            self._reader.inserted = None
            raise NoCard
        if faults.take(Kind.CARD_LOCKED, uscc):
            raise CardLocked
        if faults.take(Kind.WRONG_PIN, uscc) and not card.is_locked:
            card.spend_try()
        card.verify_pin(str(args.get("passwd", "")))
        return card

    def _verify_pin(self, args: Arguments) -> list[Any]:
        self._use_pin(args)
        return []

    def _sign(self, args: Arguments, data: str) -> list[Any]:
        card = self._use_pin(args)
        return [card.sign(data), card.company.card.certificate]

    def _log_in(self, args: Arguments) -> list[Any]:
        card = self._use_pin(args)
        return [card.number, card.company.card.certificate]


def _user_info(card: Card) -> list[Any]:
    company = card.company
    return ["||".join((company.card.holder, company.name, company.uscc, card.number))]


def _validity(card: Card) -> list[Any]:
    return [{"szStartTime": card.valid_from.strftime(_TIME), "szEndTime": card.valid_to.strftime(_TIME)}]


def _answer(
    method: str, number: Any, *, data: list[Any] | None = None, error: list[str] | None = None
) -> str:
    args = {"Result": error is None, "Data": data or [], "Error": error or []}
    return json.dumps({"_id": number, "_method": method, "_status": "00", "_args": args}, ensure_ascii=False)
