"""Behind the scenes: the control page `/_sim/` and the JSON API.

    GET  /_sim/api/state                     everything that happened; holds no PIN
    POST /_sim/api/approve                   {"company": USCC or "*"}   the insurer says yes now
    POST /_sim/api/return                    {"company": USCC, "reason": …}   the insurer says no (退回) now
    POST /_sim/api/desks/{n}/insert          {"card": number}   in place of the card that is there
    POST /_sim/api/desks/{n}/remove
    POST /_sim/api/faults                    {"kind": …, "company": USCC or "*", "screen": …, "times": …, …}
    POST /_sim/api/faults                    {"clear": true, "kind": …, "company": …}   both optional
    POST /_sim/api/reset

Every POST answers `{"ok": true, "done": …}` or, with 400 or 409, `{"ok": false, "error": …}`. The public and
sign-in pages do not know who is looking: only faults for "*" strike there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .faults import EVERYBODY, BadFault, Kind, Screen
from .login_site import DESK_COOKIE
from .web import Site
from .world import ApplicationState, Refused, World

Act = Callable[[Request, dict[str, Any]], Any]


class BadRequest(ValueError):
    """The body is not what the API expects; the text says what is."""


def backstage_routes(site: Site, *, reset: Callable[[], None]) -> list[BaseRoute]:
    """The control page and the API. `reset` begins the whole simulator again."""
    world = site.world

    async def page(request: Request) -> Response:
        world.settle()
        return site.page(
            request,
            "backstage.html",
            None,
            skin=site.skin,
            accounts=list(world.accounts.values()),
            cards=world.cards,
            readers=world.readers,
            inserted={reader.inserted.number: reader.desk for reader in world.readers if reader.inserted},
            faults=world.faults.as_json(),
            kinds=list(Kind),
            screens=list(Screen),
            in_review=ApplicationState.IN_REVIEW,
            my_desk=request.cookies.get(DESK_COOKIE, ""),
        )

    async def state(request: Request) -> Response:
        answer = world.as_json()
        for desk, control in zip(answer["desks"], site.addresses(request).controls, strict=True):
            desk["control"] = control
        return JSONResponse(answer)

    async def sit_at(request: Request) -> Response:
        """This browser is at that desk: its login page speaks with that desk's control."""
        response = RedirectResponse("/_sim/", 303)
        response.set_cookie(DESK_COOKIE, str(request.path_params["desk"]), samesite="lax")
        return response

    def insert(request: Request, body: dict[str, Any]) -> None:
        world.insert(request.path_params["desk"], _text(body, "card"))

    def remove(request: Request, body: dict[str, Any]) -> None:
        world.remove(request.path_params["desk"])

    def approve(request: Request, body: dict[str, Any]) -> list[str]:
        company = _text(body, "company")
        approved = _in_review(world) if company == EVERYBODY else [company]
        for uscc in approved:
            world.account(uscc).approve(world.clock())
        return approved

    def send_back(request: Request, body: dict[str, Any]) -> None:
        world.account(_text(body, "company")).return_application(_text(body, "reason"))

    def faults(request: Request, body: dict[str, Any]) -> None:
        if body.pop("clear", False):
            world.faults.clear(kind=body.get("kind"), company=body.get("company"))
        else:
            world.faults.set(body)

    def begin_again(request: Request, body: dict[str, Any]) -> None:
        reset()

    return [
        Route("/_sim/", page),
        Route("/_sim/desks/{desk:int}", sit_at),
        Route("/_sim/api/state", state),
        _act("/_sim/api/desks/{desk:int}/insert", insert),
        _act("/_sim/api/desks/{desk:int}/remove", remove),
        _act("/_sim/api/approve", approve),
        _act("/_sim/api/return", send_back),
        _act("/_sim/api/faults", faults),
        _act("/_sim/api/reset", begin_again),
    ]


def _in_review(world: World) -> list[str]:
    return [
        uscc
        for uscc, account in world.accounts.items()
        if account.application and account.application.state is ApplicationState.IN_REVIEW
    ]


def _act(path: str, act: Act) -> Route:
    """A POST of a JSON object that is answered with `{"ok": …}`; 400 for a bad body, 409 for a refusal."""

    async def endpoint(request: Request) -> Response:
        try:
            done = act(request, await _body(request))
        except (BadRequest, BadFault) as bad:
            return JSONResponse({"ok": False, "error": str(bad)}, 400)
        except Refused as refused:
            return JSONResponse({"ok": False, "error": str(refused)}, 409)
        return JSONResponse({"ok": True, "done": done})

    return Route(path, endpoint, methods=["POST"])


async def _body(request: Request) -> dict[str, Any]:
    if not await request.body():
        return {}
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f'"{name}" is missing')
    return value
