"""What the three sites share: pages, latency, faults that any page can have, and hanging up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .addresses import Addresses
from .faults import Kind, Screen
from .sign_in import SignIns
from .world import World

_HERE = Path(__file__).parent
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

# What `layout_moved` writes instead of a word.
_MOVED_WORDS = {
    "我要投保": "在线投保服务",
    "卡介质": "电子钥匙",
    "查看保单": "前往处理",
    "确认投保": "提交投保信息",
    "保存印章并生成协议": "生成电子协议",
    "同意": "接受",
    "授权": "提交授权书",
    "确定": "完成办理",
    "投保申请": "投保记录",
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


async def hang_up(request: Request) -> Response:
    """Close the browser's connection; the response that is returned reaches nobody."""
    key = (tuple(request.scope["client"]), tuple(request.scope["server"]))
    DroppableHttp.open[key].transport.close()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


class Site:
    """What the screens stand on."""

    def __init__(self, world: World, sign_ins: SignIns, addresses: Addresses) -> None:
        self.world = world
        self.sign_ins = sign_ins
        self._addresses = addresses

    def addresses(self, request: Request) -> Addresses:
        """Where the other sites are for this browser."""
        return self._addresses.seen_by(request)

    async def trouble(self, screen: Screen, company: str | None = None) -> Response | None:
        """Be slow, if so told; the error to answer with instead of doing anything, if so told."""
        if slow := self.world.faults.take(Kind.SLOW, company, screen):
            await asyncio.sleep(slow.seconds)
        if broken := self.world.faults.take(Kind.HTTP_5XX, company, screen):
            page = _TEMPLATES.get_template("unavailable.html").render(status=broken.status)
            return HTMLResponse(page, broken.status)
        return None

    def page(
        self,
        request: Request,
        template: str,
        screen: Screen | None,
        company: str | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A page, with a notice on top or a word moved where that was asked for."""
        faults = self.world.faults
        moved = screen is not None and faults.take(Kind.LAYOUT_MOVED, company, screen) is not None
        return HTMLResponse(
            _TEMPLATES.get_template(template).render(
                at=self.addresses(request),
                settings=self.world.settings,
                notice=screen is not None and faults.take(Kind.NOTICE_ON_TOP, company, screen) is not None,
                word=lambda text: _MOVED_WORDS.get(text, text) if moved else text,
                **context,
            ),
            headers={"Cache-Control": "no-store"},
        )


def website(site: Site, routes: Sequence[BaseRoute]) -> ASGIApp:
    """An application with the routes, the style sheets, and the portal's latency."""
    static = Mount("/static", StaticFiles(directory=_HERE / "static"))
    return _Latency(Starlette(routes=[*routes, static]), site.world.settings.latency_ms / 1000)


class _Latency:
    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self._seconds)
        # A browser that leaves in the middle of an answer is its own business.
        with contextlib.suppress(OSError):
            await self._app(scope, receive, send)
