"""Sign-in (2), as CAS does it: a page, its tabs, and in the tab 卡介质 a form with a challenge."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from .doors import routes_for
from .faults import Screen
from .places import LOGIN_PLACES, Place
from .sign_in import SignedForm
from .skin import Door
from .web import Site
from .world import Refused

COOKIE = "sim_cas"
DESK_COOKIE = "sim_desk"
# Where the real page looks for the control on its own computer [P].
_USUAL_CONTROL = "ws://127.0.0.1:61232"


class LoginSite:
    """The sign-in origin."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._skin = site.skin
        # The tabs bear what faults put on the page, wherever they are.
        self._dressed = Place.LOGIN_TABS if site.skin.has(Place.LOGIN_TABS) else Place.LOGIN

    def routes(self) -> list[BaseRoute]:
        """All of the origin's routes."""
        return routes_for([door for door in self._skin.doors if door.place in LOGIN_PLACES], self._answer)

    async def _answer(self, request: Request, door: Door, said: Mapping[str, str]) -> Response:
        is_public = door.place is Place.LOGIN
        if is_public and (trouble := await self._site.public_trouble(request, Screen.LOGIN)):
            return trouble
        if door.place is Place.LOGIN_CARD:
            return self._card_form(request, door, error="")
        if door.place is Place.SIGN_IN:
            return self._sign_in(request, door, said)
        screen = Screen.LOGIN if door.place is self._dressed else None
        return self._site.page(request, f"{door.place}.html", screen)

    def _card_form(self, request: Request, door: Door, *, error: str) -> Response:
        cookie = request.cookies.get(COOKIE) or secrets.token_hex(16)
        challenge = self._site.sign_ins.challenge(cookie)
        facts: dict[str, Any] = {
            "challenge": {name: getattr(challenge, name) for name in ("random", "lt", "execution")},
            "control": self._control(request),
            "server_date": self._site.world.clock().strftime("%Y%m%d%H%M%S"),
            "error": error,
        }
        if door.is_call:
            response = self._site.call(request, ok=not error, words=error, facts=facts)
        else:
            response = self._site.page(request, "login_card.html", None, **facts)
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return response

    def _control(self, request: Request) -> str:
        """The control for this browser's page: its desk's, the only one, or the usual address."""
        controls = self._site.addresses(request).controls
        desk = request.cookies.get(DESK_COOKIE, "")
        if desk.isdecimal() and 1 <= int(desk) <= len(controls):
            return controls[int(desk) - 1]
        return controls[0] if len(controls) == 1 else _USUAL_CONTROL

    def _sign_in(self, request: Request, door: Door, said: Mapping[str, str]) -> Response:
        def text(name: str) -> str:
            return said.get(self._skin.fields[name], "")

        signed = SignedForm(
            card_number=text("card_number"),
            certificate=text("certificate"),
            signature=text("signature"),
            random=text("random"),
            lt=text("lt"),
            execution=text("execution"),
            cookie=request.cookies.get(COOKIE, ""),
        )
        try:
            ticket = self._site.sign_ins.ticket(signed)
        except Refused as refused:
            return self._card_form(request, door, error=str(refused))
        entry = self._site.addresses(request).business + self._skin.href(Place.ENTER, ticket=ticket)
        if door.is_call:
            return self._site.call(request, ok=True, then="enter", facts={"entry": entry})
        return self._site.page(request, "login_done.html", None, entry=entry)
