"""Sign-in (2), as CAS does it, in nested frames as on the regional sites [P]."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .faults import Screen
from .sign_in import SignedForm
from .web import Site
from .world import Refused

COOKIE = "sim_cas"
DESK_COOKIE = "sim_desk"
# Where the real page looks for the control on its own computer [P].
_USUAL_CONTROL = "ws://127.0.0.1:61232"


class LoginSite:
    """The sign-in origin: a page, in it the tabs, in it the form of 卡介质."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """All of the origin's routes."""
        return [
            Route("/cas/login", self._login),
            Route("/cas/tabs", self._tabs),
            Route("/cas/card", self._card),
            Route("/cas/card", self._sign_in, methods=["POST"]),
        ]

    async def _login(self, request: Request) -> Response:
        trouble = await self._site.trouble(Screen.LOGIN)
        return trouble or self._site.page(request, "login.html", None)

    async def _tabs(self, request: Request) -> Response:
        return self._site.page(request, "login_tabs.html", Screen.LOGIN)

    async def _card(self, request: Request) -> Response:
        return self._card_form(request, error="")

    def _card_form(self, request: Request, *, error: str) -> Response:
        cookie = request.cookies.get(COOKIE) or secrets.token_hex(16)
        response = self._site.page(
            request,
            "login_card.html",
            None,
            challenge=self._site.sign_ins.challenge(cookie),
            control=self._control(request),
            server_date=self._site.world.clock().strftime("%Y%m%d%H%M%S"),
            error=error,
        )
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return response

    def _control(self, request: Request) -> str:
        """The control for this browser's page: its desk's, the only one, or the usual address."""
        controls = self._site.addresses(request).controls
        desk = request.cookies.get(DESK_COOKIE, "")
        if desk.isdecimal() and 1 <= int(desk) <= len(controls):
            return controls[int(desk) - 1]
        return controls[0] if len(controls) == 1 else _USUAL_CONTROL

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()

        def text(name: str) -> str:
            return str(form.get(name, ""))

        signed = SignedForm(
            card_number=text("icCard"),
            certificate=text("certNo"),
            signature=text("signData"),
            random=text("random"),
            lt=text("lt"),
            execution=text("execution"),
            cookie=request.cookies.get(COOKIE, ""),
        )
        try:
            ticket = self._site.sign_ins.ticket(signed)
        except Refused as refused:
            return self._card_form(request, error=str(refused))
        return self._site.page(request, "login_done.html", None, ticket=ticket)
