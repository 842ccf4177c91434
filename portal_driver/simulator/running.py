"""A running simulator: three web servers and the card controls, in a thread of their own.

with Simulator(read_companies(path, today=date.today()), Settings(year=2026)) as sim:
    sim.insert(1, "C440010000417")
    ...  # browse sim.portal, speak with sim.controls[0]
    sim.state()["companies"]["91440100MAB53RXR8B"]["clicks"]["confirm"]
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Self

import uvicorn
from websockets.asyncio.server import serve

from .addresses import Addresses
from .backstage import backstage_routes
from .business_site import BusinessSite
from .companies import Company
from .control import Control
from .faults import Fault
from .login_site import LoginSite
from .public_site import public_site
from .settings import Settings, beijing_now
from .sign_in import SignIns
from .skin import load_skin
from .web import DroppableHttp, Site, website
from .world import Clock, Step, World

_STOP_WITHIN_S = 10


class Simulator:
    """The portal and its card controls, for as long as `with` lasts.

    Its methods may be called from any thread.
    """

    def __init__(
        self, companies: Sequence[Company], settings: Settings, *, clock: Clock = beijing_now
    ) -> None:
        self.settings = settings
        self._skin = load_skin(settings.skin)
        self._world = World(companies, settings, clock)
        self._sign_ins = SignIns(self._world)
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._is_up = threading.Event()
        self._failure: BaseException | None = None

    # --- addresses -----------------------------------------------------------------------------

    addresses: Addresses
    """Where everything is; known once the simulator runs."""

    @property
    def portal(self) -> str:
        """The home page."""
        return self.addresses.portal

    @property
    def login(self) -> str:
        """The sign-in origin."""
        return self.addresses.login

    @property
    def business(self) -> str:
        """The business system's origin."""
        return self.addresses.business

    @property
    def controls(self) -> tuple[str, ...]:
        """The card controls, one a desk."""
        return self.addresses.controls

    @property
    def api(self) -> str:
        """The JSON API."""
        return self.addresses.api

    # --- what a test or a demo does to it --------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """As `GET /_sim/api/state` answers."""
        return self._do(self._world.as_json)

    def insert(self, desk: int, card_number: str) -> None:
        """Put a card into a desk's reader. Raises `Refused`."""
        self._do(lambda: self._world.insert(desk, card_number))

    def remove(self, desk: int) -> None:
        """Take the card out of a desk's reader."""
        self._do(lambda: self._world.remove(desk))

    def put(self, uscc: str, step: Step) -> None:
        """Begin this company's year again, at this step, with no deed counted. Raises `Refused`."""
        self._do(lambda: self._world.put(uscc, step))

    def approve(self, uscc: str) -> None:
        """Have the insurer approve this company's application now. Raises `Refused`."""
        self._do(lambda: self._world.account(uscc).approve(self._world.clock()))

    def return_application(self, uscc: str, reason: str) -> None:
        """Have the insurer return (退回) this company's application now. Raises `Refused`."""
        self._do(lambda: self._world.account(uscc).return_application(reason))

    def fault(self, kind: str, company: str = "*", **more: Any) -> Fault:
        """Set a fault; the fields are those of `Fault`. Raises `BadFault`."""
        return self._do(lambda: self._world.faults.set({"kind": kind, "company": company, **more}))

    def clear_faults(self) -> None:
        """End all faults."""
        self._do(self._world.faults.clear)

    def reset(self) -> None:
        """Begin again, with everybody signed out."""
        self._do(self._reset)

    def _reset(self) -> None:
        self._world.reset()
        self._sign_ins.forget_all()

    def _do[T](self, act: Callable[[], T]) -> T:
        """Run the act where all requests run, so that it never meets one half way."""

        async def in_loop() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(in_loop(), self._loop).result()

    # --- life -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def start(self) -> None:
        """Return when every address answers. Raises `OSError` when the host cannot be served."""
        self._sockets = _open_sockets(self.settings)
        ports = [opened.getsockname()[1] for opened in self._sockets]
        self.addresses = Addresses(self.settings.host, ports[0], ports[1], ports[2], tuple(ports[3:]))
        self._thread.start()
        self._is_up.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End all servers and their thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._is_up.is_set():
                raise
            self._failure = error
            self._is_up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        site = Site(self._world, self._sign_ins, self.addresses, self._skin)
        apps = [
            website(site, [*public_site(site), *backstage_routes(site, reset=self._reset)]),
            website(site, LoginSite(site).routes()),
            website(site, BusinessSite(site).routes()),
        ]
        servers = [uvicorn.Server(_config(app)) for app in apps]
        async with AsyncExitStack() as stack:
            for desk, opened in enumerate(self._sockets[3:], start=1):
                control = Control(self._world, desk)
                await stack.enter_async_context(
                    serve(control.converse, sock=opened, process_request=control.admit)
                )
            async with asyncio.TaskGroup() as group:
                for server, opened in zip(servers, self._sockets, strict=False):
                    group.create_task(server.serve(sockets=[opened]))
                self._is_up.set()
                await self._stopping.wait()
                for server in servers:
                    server.should_exit = True


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=DroppableHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def _open_sockets(settings: Settings) -> list[socket.socket]:
    """Listening sockets for three sites and the desks' controls, in that order. Raises `OSError`."""
    with ExitStack() as undo:
        opened = []
        for place in range(3 + settings.desks):
            wished = settings.port + place if settings.port else 0
            opened.append(undo.enter_context(_listen(settings.host, wished)))
        undo.pop_all()
    return opened


def _listen(host: str, wished: int) -> socket.socket:
    """A listening socket on the wished port, or on any when that one is taken."""
    try:
        listening = socket.create_server((host, wished))
    except OSError:
        if wished == 0:
            raise
        listening = socket.create_server((host, 0))
    # asyncio does this only for sockets that it made itself; without it each answer waits 40 ms for an
    # acknowledgement between its head and its body. Connections inherit it.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
