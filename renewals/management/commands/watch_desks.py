"""Watches card readers and rings their desks' workers when a card goes in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections, connections
from django.db.models import Q
from django.db.models.functions import Now

from agency.tenancy import scope
from portal_driver.card_watch import SOON_S, CardWatch, Look, Sight
from renewals.domain import across
from renewals.domain.desks import card_seen, control_answers, control_silent
from renewals.domain.doorbell import ring
from renewals.models import Desk
from renewals.sitting import card_number

log = structlog.get_logger()

# So old may be what the database said of who sits where.
KEPT_S = 0.2


class Command(BaseCommand):
    """`watch_desks CODE…`: runs until it is stopped."""

    help = "Watch the card readers of these desks, and ring their workers when a card goes in."

    # Checks are for the web and for deployments; a watcher should be up at once.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("codes", nargs="+", metavar="CODE", help="the code of a desk")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (1)")

    def handle(self, *_args: Any, codes: list[str], every: float, **_options: Any) -> None:
        found = across.desks_named(codes)
        if len(found) != len(set(codes)):
            raise CommandError(f"not every one of these desks exists: {', '.join(codes)}")
        try:
            asyncio.run(watch_all(found, every))
        except KeyboardInterrupt:
            return


class Rows:
    """A thread of its own for the database, which must not be asked in an event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "rows")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def work[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do this there, with a connection that is alive."""

        def in_thread() -> T:
            close_old_connections()
            return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_thread)


class FreeControls:
    """The controls at whose desks nobody sits: asked of the database for all of them at once, and kept.

    Each desk asks before each look. So a sitting that has just begun may be looked at once more; a run on
    this computer is not, by its lock.
    """

    def __init__(self, found: list[tuple[UUID, UUID]], rows: Rows) -> None:
        self._desks: dict[UUID, list[UUID]] = {}
        for agency, desk in found:
            self._desks.setdefault(agency, []).append(desk)
        self._rows = rows
        self._asking = asyncio.Lock()
        self._controls: dict[UUID, str] = {}
        self._asked_at = float("-inf")

    async def at(self, desk: UUID) -> str | None:
        """The address of the desk's control; None while somebody sits there."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEPT_S:
                self._controls = await self._rows.work(self._ask)
                self._asked_at = time.monotonic()
        return self._controls.get(desk)

    def _ask(self) -> dict[UUID, str]:
        return {
            desk: control
            for agency, desks in self._desks.items()
            for desk, control in free_controls(agency, desks).items()
        }


class Told:
    """What was written down last of one reader: the same again is written once in `every_s`."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._look: Look | None = None
        self._at = float("-inf")

    def is_news(self, look: Look) -> bool:
        """Whether this look is to be written down; it counts as written then."""
        now = time.monotonic()
        if look == self._look and now - self._at < self._every_s:
            return False
        self._look, self._at = look, now
        return True


async def watch_all(found: list[tuple[UUID, UUID]], every: float) -> None:
    """Watch these desks at once, until cancelled."""
    async with Rows() as rows, asyncio.TaskGroup() as group:
        free = FreeControls(found, rows)
        for agency, desk in found:
            group.create_task(watch(agency, desk, every, rows, free))


async def watch(agency: UUID, desk_id: UUID, every: float, rows: Rows, free: FreeControls) -> None:
    """Watch one desk; what fails is tried again at the next look.

    While a sitting goes on the control belongs to it, wherever its worker is.
    """
    while True:
        try:
            control = await free.at(desk_id)
            if control is not None:
                await _watch_control(agency, desk_id, control, every, rows, free)
        except Exception as error:
            # One desk's trouble (database, broker) must not end the watch over the others.
            log.warning("desk_cannot_be_watched", desk=str(desk_id), error=repr(error))
            await asyncio.sleep(every)
        # Whoever sits may be done any moment, and somebody waits to change the card then.
        await asyncio.sleep(min(SOON_S, every))


async def _watch_control(
    agency: UUID, desk_id: UUID, control: str, every: float, rows: Rows, free: FreeControls
) -> None:
    """Watch until the control belongs to somebody else, or the desk has another one."""

    async def may_look() -> bool:
        return await free.at(desk_id) == control

    told = Told(every)
    async with CardWatch(control, every_s=every, may_look=may_look) as watching:
        async for look in watching:
            if look.sight is Sight.IN_USE:
                return
            if told.is_news(look):
                await rows.work(note, agency, desk_id, look)


def free_controls(agency: UUID, desks: Collection[UUID]) -> dict[UUID, str]:
    """The controls of those of the desks at which nobody sits. One query."""
    nobody_sits = Q(sitting__isnull=True) | Q(sitting_until__lt=Now())
    with scope(agency):
        return dict(Desk.objects.filter(nobody_sits, pk__in=desks).values_list("pk", "control"))


def note(agency: UUID, desk_id: UUID, look: Look) -> None:
    """Write down what is in the reader; ring when it is another card than at the last look.

    Where the card cannot be read without a PIN, staff say which one is in, and that rings.
    """
    with scope(agency):
        desk = Desk.objects.get(pk=desk_id)
        if look.sight is Sight.UNREACHABLE:
            log.warning("desk_cannot_be_watched", desk=str(desk_id), error=look.error)
            control_silent(desk)
            return
        answers_again = control_answers(desk)
        card_seen(desk, look.number)
        if look.number and desk.reads_cards and (answers_again or look.number != desk.card_number):
            ring(desk)


def look(agency: UUID, desk_id: UUID) -> None:
    """One look, now. Raises `PortalUnavailable` when the control does not answer."""
    control = free_controls(agency, [desk_id]).get(desk_id)
    if control is None:
        return
    number = card_number(control)
    note(agency, desk_id, Look(Sight.CARD_IN if number else Sight.CARD_OUT, number))
