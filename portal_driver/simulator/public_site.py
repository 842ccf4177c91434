"""The public pages (1): 业务应用 → 金融服务 → 中国出口信用保险公司 → 我要投保 → 小微投保."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from .doors import routes_for
from .faults import Screen
from .places import Place
from .skin import Door
from .web import Site


def public_site(site: Site) -> list[BaseRoute]:
    """The routes of the public origin, without the control page."""

    async def home(request: Request, door: Door, said: Mapping[str, str]) -> Response:
        return await site.public_trouble(request, Screen.HOME) or site.page(request, "home.html", Screen.HOME)

    return routes_for([door for door in site.skin.doors if door.place is Place.HOME], home)
