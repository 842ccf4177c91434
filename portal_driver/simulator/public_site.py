"""The public pages (1): 业务应用 → 金融服务 → 中国出口信用保险公司 → 我要投保 → 小微投保."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .faults import Screen
from .web import Site


def public_site(site: Site) -> list[BaseRoute]:
    """The routes of the public origin, without the control page."""

    async def home(request: Request) -> Response:
        return await site.trouble(Screen.HOME) or site.page(request, "home.html", Screen.HOME)

    return [Route("/", home)]
