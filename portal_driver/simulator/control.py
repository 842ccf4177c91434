"""The card control of one desk (电子口岸客户端控件), as a WebSocket server.

Seen in public code that talks to the real one [P]: the greeting with method `open`, requests and answers
matched by method, frames that begin with `{` and nothing else, the end of the certificate as
`{"szEndTime": "20260101235959"}`, a signature answered as `[signature, certificate number]`, the errors 50070
(no card) and 50200 (no reader), a PIN verified once for the card's whole opening and optional in a signature
after that, blocks with a 128-character header and their answers `_nextBlock`.
Not seen, and chosen here [?]: the errors 50021 (wrong PIN, with the tries left), 50022 (locked) and 50020 (no
PIN given, which spends no try; a silent card answers so to whatever it is asked before its PIN), what
`SpcGetEntID`, `SpcGetEntMode` and `SpcGetCardUserInfo` hold,
`Err:Base60400`, `60404` and `60413` for requests that are malformed, unknown or in blocks, and that a
wrong PIN in `SpcChangePIN` spends a try and a right one changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from .cards import Card, CardLocked, NoCard, PinRefused, Reader
from .faults import Kind, Screen
from .world import World

VERSION = "1.6.56"

_EMPTY_READER = ["[读卡器底层库]复位读卡器失败:错误码：50070", "Err:Custom50070"]
_LOCKED = ["[读卡器底层库]卡密码已锁定:错误码：50022", "Err:Custom50022"]
_NO_PIN = ["[读卡器底层库]卡密码未验证:错误码：50020", "Err:Custom50020"]
_MALFORMED = ["请求格式不正确", "Err:Base60400"]
_UNKNOWN = ["不支持的方法", "Err:Base60404"]
_BLOCKS = ["不支持分块传输", "Err:Base60413"]
_TIME = "%Y%m%d%H%M%S"

# "BLOCKTXT", six numbers, the group's guid (44 to 80), the block's place in it (80 to 84), 44 spare [P].
_BLOCK = "BLOCKTXT"
_BLOCK_HEADER = 128
_GUID = slice(44, 80)
_PLACE = slice(80, 84)

Arguments = dict[str, Any]


class _Missing(Exception):
    """A request lacks an argument; the text is its name."""


class _NoPin(Exception):
    """The card's PIN was neither given nor verified before."""


class Control:
    """Answers what is asked about the card in one reader, whoever asks: there is one control a computer."""

    def __init__(self, world: World, desk: int) -> None:
        self._world = world
        self._desk = desk
        # The card whose PIN was verified since it was opened: it signs without another until it is closed.
        self._verified: Card | None = None
        # The card whose PIN was right since it was opened: it tells about itself then, however silent.
        self._proved: Card | None = None
        self._methods: dict[str, Callable[[Arguments], list[Any]]] = {
            "ver": lambda _: [VERSION],
            "cus-sec_SpcInitEnvEx": lambda _: self._of_card(lambda card: [], also_silent=True),
            "cus-sec_SpcClearEnv": lambda _: self._close(),
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
            "cus-sec_SpcVerifyPINAll": self._verify_pin_all,
            "cus-sec_SpcChangePIN": self._change_pin,
            "cus-sec_SpcSignData": lambda args: self._sign(args, _text(args, "inData")),
            "cus-sec_SpcSignDataAsPEM": lambda args: self._sign(args, _text(args, "inData")),
            "cus-sec_SpcSignDataNoHashAsPEM": lambda args: self._sign(args, _text(args, "inData")),
            "cus-sec_SpcVerifySignData": self._verify_signature,
            "cus-sec_SpcSignRandom": lambda args: self._sign(args, _text(args, "random")),
            "swc_security_login": self._log_in,
        }

    @property
    def _reader(self) -> Reader:
        return self._world.reader(self._desk)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse the handshake while the control is said to be missing."""
        card = self._reader.inserted
        if self._world.faults.take(Kind.CONTROL_MISSING, card.company.uscc if card else None, Screen.LOGIN):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        return None

    async def converse(self, connection: ServerConnection) -> None:
        """Greet, then answer each request until the caller leaves."""
        with suppress(ConnectionClosed):
            await connection.send(_answer("open", 0, data=[]))
            async for text in connection:
                for answer in self.answers(text):
                    await connection.send(answer)

    def answers(self, message: str | bytes) -> list[str]:
        """What one frame is answered with, as JSON: one answer, or two to a block."""
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
        if text.startswith(_BLOCK):
            return _refuse_block(text)
        return [self._answer_request(text)]

    def _answer_request(self, text: str) -> str:
        method, number, args = _read_request(text)
        if not method or args is None:
            return _answer(method, number, error=_MALFORMED)
        if method not in self._methods:
            return _answer(method, number, error=_UNKNOWN)
        try:
            return _answer(method, number, data=self._methods[method](args))
        except _Missing as missing:
            return _answer(method, number, error=[f"缺少参数:{missing}", "Err:Base60400"])
        except _NoPin:
            return _answer(method, number, error=_NO_PIN)
        except NoCard:
            return _answer(method, number, error=_EMPTY_READER)
        except CardLocked:
            return _answer(method, number, error=_LOCKED)
        except PinRefused as refused:
            words = f"[读卡器底层库]验证卡密码失败:错误码：50021,剩余次数：{refused.tries_left}"
            return _answer(method, number, error=[words, "Err:Custom50021"])

    def _of_card(self, read: Callable[[Card], list[Any]], *, also_silent: bool = False) -> list[Any]:
        card = self._reader.card
        if card.company.card.is_silent and self._proved is not card and not also_silent:
            raise _NoPin
        return read(card)

    def _close(self) -> list[Any]:
        self._verified = self._proved = None
        return []

    def _use_pin(self, pin: str) -> Card:
        """The card, after its PIN was right. This is where a card is pulled, locked or made to refuse."""
        card = self._reader.card
        if not pin:
            raise _NoPin
        self._verified = None
        faults, uscc = self._world.faults, card.company.uscc
        if faults.take(Kind.CARD_PULLED, uscc, Screen.LOGIN):
            self._reader.inserted = None
            raise NoCard
        if faults.take(Kind.CARD_LOCKED, uscc, Screen.LOGIN):
            raise CardLocked
        if faults.take(Kind.WRONG_PIN, uscc, Screen.LOGIN) and not card.is_locked:
            card.spend_try()
        card.verify_pin(pin)
        self._proved = card
        return card

    def _verify_pin(self, args: Arguments) -> list[Any]:
        self._verified = self._use_pin(_text(args, "passwd"))
        return []

    def _verify_pin_all(self, args: Arguments) -> list[Any]:
        """As above, but it opens and closes the card by itself."""
        self._use_pin(_text(args, "passwd"))
        return []

    def _change_pin(self, args: Arguments) -> list[Any]:
        _text(args, "newPin")
        self._use_pin(_text(args, "oldPin"))
        return []

    def _unlocked(self, args: Arguments) -> Card:
        """The card, with its PIN given now or verified since it was opened."""
        card = self._reader.card
        if not args.get("passwd") and self._verified is card:
            return card
        return self._use_pin(_text(args, "passwd", optional=True))

    def _sign(self, args: Arguments, data: str) -> list[Any]:
        card = self._unlocked(args)
        return [card.sign(data), card.company.card.certificate]

    def _verify_signature(self, args: Arguments) -> list[Any]:
        data, signature = _text(args, "inData"), _text(args, "signData")
        return [self._reader.card.has_signed(data, signature)]

    def _log_in(self, args: Arguments) -> list[Any]:
        card = self._use_pin(_text(args, "passwd"))
        return [card.number, card.company.card.certificate]


def _read_request(text: str) -> tuple[str, Any, Arguments | None]:
    """Method, id and arguments of a request; no method or no arguments where it is malformed."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return "", 0, None
    if not isinstance(request, dict):
        return "", 0, None
    method, number, args = request.get("_method"), request.get("_id", 0), request.get("args") or {}
    if not isinstance(method, str):
        return "", number, None
    return method, number, args if isinstance(args, dict) else None


def _text(args: Arguments, name: str, *, optional: bool = False) -> str:
    """An argument. Raises `_Missing`."""
    if name not in args and not optional:
        raise _Missing(name)
    return str(args.get(name) or "")


def _refuse_block(text: str) -> list[str]:
    """Say no to a request that comes in blocks, in the two ways in which its sender listens.

    The sender keeps the blocks until it hears that the group is finished, and the method's own
    caller waits for the method's answer; its name stands in the first block.
    """
    guid = text[_GUID].strip()
    released = _answer(
        "_nextBlock", 0, data=[{"id": 0, "guid": guid, "next": 0, "finish": True}], error=_BLOCKS
    )
    if text[_PLACE].strip().strip("0"):
        return [released]
    method, number = _named_in(text[_BLOCK_HEADER:])
    return [released, _answer(method, number, error=_BLOCKS)]


def _named_in(beginning: str) -> tuple[str, Any]:
    """Method and id out of the beginning of a request, whose end is missing."""
    found: dict[str, Any] = {}
    for key in ("_method", "_id"):
        _, _, rest = beginning.partition(f'"{key}":')
        with suppress(ValueError):
            found[key], _ = json.JSONDecoder().raw_decode(rest.lstrip())
    return str(found.get("_method", "")), found.get("_id", 0)


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
