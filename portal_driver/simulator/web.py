"""What the three sites share: pages, answers to calls, latency, faults that any page can have, hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .addresses import Addresses
from .faults import Kind, Screen
from .sign_in import SignIns
from .skin import Skin
from .world import World

_HERE = Path(__file__).parent
_FRESH = {"Cache-Control": "no-store"}

# What `layout_moved` writes instead of a word.
_MOVED_WORDS = {
    "我要投保": "在线投保服务",
    "卡介质": "电子钥匙",
    "信用保险系统": "出口信用服务",
    "统一社会信用代码": "企业识别编号",
    "查看保单": "前往处理",
    "确认投保": "提交投保信息",
    "保存印章并生成协议": "生成电子协议",
    "同意": "接受",
    "授权": "提交授权书",
    "确定": "完成办理",
    "投保操作完成": "办理完毕",
    "投保申请": "投保记录",
    "申请编号": "单据编号",
    "保险单": "电子保函",
    "查看": "详情",
    "收悉": "回执",
}

_Connection = tuple[tuple[str, int] | None, tuple[str, int | None] | None]


class DroppableHttp(H11Protocol):
    """HTTP that can hang up in the middle, which ASGI has no word for."""

    open: ClassVar[dict[_Connection, DroppableHttp]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.open[self.client, self.server] = self

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.pop((self.client, self.server), None)
        super().connection_lost(exc)


async def hang_up(request: Request, *, by_reset: bool = False) -> Response:
    """Close or reset the browser's connection; the response that is returned reaches nobody."""
    key = (tuple(request.scope["client"]), tuple(request.scope["server"]))
    transport = DroppableHttp.open[key].transport
    if by_reset:
        # To close without lingering is what makes the kernel send a reset.
        no_linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        transport.abort()
    else:
        transport.close()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


async def fields_of(request: Request) -> dict[str, str]:
    """What the request says: its query and its form or JSON object, whichever it has, as texts."""
    said = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        with contextlib.suppress(ValueError):
            body = await request.json()
            said |= {key: _as_text(value) for key, value in body.items()} if isinstance(body, Mapping) else {}
    elif request.method != "GET":
        said |= {key: str(value) for key, value in (await request.form()).items()}
    return said


def _as_text(value: Any) -> str:
    return "on" if value is True else "" if value in (False, None) else str(value)


class Site:
    """What the screens stand on."""

    def __init__(self, world: World, sign_ins: SignIns, addresses: Addresses, skin: Skin) -> None:
        self.world = world
        self.sign_ins = sign_ins
        self.skin = skin
        self._addresses = addresses
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([skin.folder / "templates", _HERE / "templates"]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}

    def addresses(self, request: Request) -> Addresses:
        """Where the other sites are for this browser."""
        return self._addresses.seen_by(request)

    def error(self, status: int) -> Response:
        """The page with which a server says that it cannot."""
        return HTMLResponse(self._templates.get_template("unavailable.html").render(status=status), status)

    async def public_trouble(self, request: Request, screen: Screen) -> Response | None:
        """As `trouble`, for a page that does nothing: its connection may be reset at once."""
        if self.world.faults.take(Kind.CONNECTION_RESET, None, screen):
            return await hang_up(request, by_reset=True)
        return await self.trouble(screen)

    async def trouble(self, screen: Screen, company: str | None = None) -> Response | None:
        """Be slow, if so told; what to answer with instead of doing anything, if so told."""
        faults = self.world.faults
        if slow := faults.take(Kind.SLOW, company, screen):
            await faults.wait(slow)
        if broken := faults.take(Kind.HTTP_5XX, company, screen):
            return self.error(broken.status)
        if faults.take(Kind.UNKNOWN_PAGE, company, screen):
            return HTMLResponse(self._templates.get_template("captcha.html").render(), headers=_FRESH)
        return None

    def dress(self, screen: Screen | None, company: str | None = None) -> dict[str, Any]:
        """What lies on a page or is written otherwise in it, as faults ask for. Uses those faults up."""

        def struck(kind: Kind) -> bool:
            return screen is not None and self.world.faults.take(kind, company, screen) is not None

        return {
            "notice": struck(Kind.NOTICE_ON_TOP),
            "asks": struck(Kind.CONFIRM_DIALOG),
            "popup": struck(Kind.POPUP),
            "moved": _MOVED_WORDS if struck(Kind.LAYOUT_MOVED) else {},
        }

    def page(
        self,
        request: Request,
        template: str,
        screen: Screen | None,
        whose: str | None = None,
        **facts: Any,
    ) -> HTMLResponse:
        """A page, with a notice on top or a word moved where that was asked for."""
        return HTMLResponse(self._render(request, template, self.dress(screen, whose), facts), headers=_FRESH)

    def call(
        self,
        request: Request,
        *,
        ok: bool,
        words: str = "",
        then: str = "",
        login: str = "",
        screen: Screen | None = None,
        whose: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Response:
        """The answer to a call. `then` is the place that comes next, `login` where to sign in again."""
        dress = self.dress(screen, whose)
        shown = {**(facts or {}), "dress": dress}
        data = {"ok": ok, "words": words, "then": then, "login": login, "facts": shown}
        return Response(
            self._render(request, "call.json", dress, data), media_type="application/json", headers=_FRESH
        )

    def redirect(self, address: str) -> Response:
        """Lead the browser there by GET."""
        return RedirectResponse(address, 303)

    def _render(
        self, request: Request, template: str, dress: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> str:
        return self._templates.get_template(template).render(
            at=self.addresses(request),
            settings=self.world.settings,
            href=self.skin.href,
            f=self.skin.fields,
            static=self.skin.static,
            n=_FreshNames(),
            word=lambda text: dress["moved"].get(text, text),
            dress=dress,
            **facts,
        )


class _FreshNames:
    """Names for ids and classes that are the same within one page and other ones in the next."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, meaning: str) -> str:
        return self._names.setdefault(meaning, f"{secrets.choice('abcdefgh')}{secrets.token_hex(4)}")


class _StaticFiles(StaticFiles):
    """A skin's files, where it has any, and those that any skin may use."""

    def __init__(self, *directories: Path) -> None:
        there = [directory for directory in directories if directory.is_dir()]
        super().__init__(directory=there[0])
        self.all_directories = list(there)


def website(site: Site, routes: Sequence[BaseRoute]) -> ASGIApp:
    """An application with the routes, the style sheets, and the portal's latency."""
    files = _StaticFiles(site.skin.folder / "static", _HERE / "static")
    static = [Mount(site.skin.static, files), Mount("/_sim/static", StaticFiles(directory=_HERE / "static"))]
    return _Latency(Starlette(routes=[*static, *routes]), site.world.settings.latency_ms / 1000)


class _Latency:
    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self._seconds)
        # A browser that leaves in the middle of an answer is its own business.
        with contextlib.suppress(OSError):
            await self._app(scope, receive, send)
