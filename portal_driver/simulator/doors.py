"""From a skin's doors to routes: which place a request asks for, whatever its address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .skin import Door
from .web import fields_of

Answer = Callable[[Request, Door, Mapping[str, str]], Awaitable[Response]]


def routes_for(doors: Sequence[Door], answer: Answer) -> list[BaseRoute]:
    """One route an address; where several places share it, their fields tell which is meant."""
    shared: dict[tuple[str, str], list[Door]] = {}
    for door in doors:
        shared.setdefault((door.method, door.path), []).append(door)
    return [_route(method, path, at_address, answer) for (method, path), at_address in shared.items()]


def _route(method: str, path: str, doors: Sequence[Door], answer: Answer) -> Route:
    async def endpoint(request: Request) -> Response:
        said = {**await fields_of(request), **request.path_params}
        for door in doors:
            if not door.field or said.get(door.field) == door.value:
                return await answer(request, door, said)
        return Response("404 Not Found", 404)

    return Route(path, endpoint, methods=[method])
