"""Named crash points, put on from outside: production code knows nothing of them.

Each is a moment before or after a function of the engine, in a process that the fault tests
started. `docs/adr/0013` says why this and no hook in the code.
"""

from __future__ import annotations

import functools
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import psycopg
from django.db import OperationalError, connection
from django.utils import timezone

from portal_driver import contract


@dataclass(frozen=True)
class Point:
    """A moment: before or after a function, when it deals with this kind of message."""

    name: str
    target: str  # "module:attribute.path"
    when: str  # "before" or "after"
    message: type | None = None

    @property
    def of_click(self) -> bool:
        """Whether it comes once for each of the five clicks."""
        return self.message in (contract.Arm, contract.Armed, contract.Fired, contract.Confirmed)


_TALK = "renewals.driving:_Conversation"
POINTS = {
    point.name: point
    for point in (
        Point("claim_uncommitted", "renewals.domain.claiming:claim_for_card", "after"),
        Point("claimed", "renewals.sitting:_claim", "after"),
        Point("driver_started", "renewals.drivers:_start", "after"),
        Point("plan_given", f"{_TALK}._say", "after", contract.Plan),
        Point("pin_uncommitted", "renewals.domain.pins:use_pin", "after"),
        Point("pin_committed", f"{_TALK}._hear", "after", contract.NeedPin),
        Point("pin_given", f"{_TALK}._say", "after", contract.Pin),
        Point("signed_in_unheard", f"{_TALK}._hear", "before", contract.SignedIn),
        Point("signed_in", f"{_TALK}._hear", "after", contract.SignedIn),
        Point("reading_uncommitted", "renewals.domain.intents:read", "after"),
        Point("reading_committed", f"{_TALK}._hear", "after", contract.Reading),
        Point("arm_unheard", f"{_TALK}._hear", "before", contract.Arm),
        Point("arm_uncommitted", "renewals.domain.intents:arm", "after", contract.Arm),
        Point("armed_committed", f"{_TALK}._hear", "after", contract.Arm),
        Point("armed_told", f"{_TALK}._say", "after", contract.Armed),
        Point("fired_unheard", f"{_TALK}._hear", "before", contract.Fired),
        Point("fired_uncommitted", "renewals.domain.intents:fired", "after", contract.Fired),
        Point("fired_committed", f"{_TALK}._hear", "after", contract.Fired),
        Point("confirmed_unheard", f"{_TALK}._hear", "before", contract.Confirmed),
        Point("confirmed_uncommitted", "renewals.domain.intents:confirmed", "after", contract.Confirmed),
        Point("confirmed_committed", f"{_TALK}._hear", "after", contract.Confirmed),
        Point("evidence_stored", "renewals.domain.keeping:_store", "after"),
        Point("policy_uncommitted", "renewals.domain.keeping:keep_policy", "after"),
        Point("policy_committed", f"{_TALK}._hear", "after", contract.PolicyRead),
        Point("run_over", f"{_TALK}.hold", "after"),
        Point("settle_uncommitted", "renewals.domain.settling:settle", "after"),
        Point("settled", "renewals.sitting:drive", "after"),
        Point("sitting_over", "renewals.domain.claiming:end_sitting", "before"),
    )
}
# Points inside the driver's process (`tests/faults/model_driver.py`).
DRIVER_POINTS = ("driver_began", "driver_has_pin", "driver_armed", "driver_pressing", "driver_pressed")
HOWS = ("kill", "database", "unclear")


def install(name: str, how: str, *, click: str = "", nth: int = 1, superuser: str = "") -> None:
    """Let this process meet its fate at a point, the nth time that it comes there (with this click)."""
    point = POINTS[name]
    module_name, path = point.target.split(":")
    *outer, attribute = path.split(".")
    owner: Any = functools.reduce(getattr, outer, import_module(module_name))
    meet = _Fate(point, how, click, nth, superuser)
    setattr(owner, attribute, _around(getattr(owner, attribute), point, meet))


class _Fate:
    """Counts the visits and strikes at the one that was named."""

    def __init__(self, point: Point, how: str, click: str, nth: int, superuser: str) -> None:
        self.point, self.how, self.click, self.left, self.superuser = point, how, click, nth, superuser

    def __call__(self, args: tuple[Any, ...]) -> None:
        if not self._is_meant(args):
            return
        self.left -= 1
        if self.left == 0:
            getattr(self, f"_{self.how}")()

    def _is_meant(self, args: tuple[Any, ...]) -> bool:
        kinds = [one for one in args if isinstance(one, contract.Message.__args__)]
        message = self.point.message
        if message is not None and kinds and not any(isinstance(one, message) for one in kinds):
            return False
        clicks = [one.click for one in kinds if hasattr(one, "click")]
        clicks += [one for one in args if isinstance(one, contract.Click)]
        return not self.click or not self.point.of_click or self.click in clicks

    def _kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _stop(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def _database(self) -> None:
        """The server ends our connection; whatever was not committed is lost."""
        pid = connection.connection.info.backend_pid if connection.connection else 0
        with psycopg.connect(self.superuser, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _unclear(self) -> None:
        """The answer to what was asked of the database last, a COMMIT perhaps, never came."""
        raise OperationalError("the connection was lost before the answer came")


def _around(function: Callable[..., Any], point: Point, meet: _Fate) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **named: Any) -> Any:
        if point.when == "before":
            meet(args)
        result = function(*args, **named)
        if point.when == "after":
            meet(args)
        return result

    return wrapped


# --- what is wrong with the whole machine -------------------------------------------------------


def disk_full() -> None:
    """No file can grow, of this process and of the driver that it starts."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def clock_off_by(days: int) -> None:
    """This process believes that it is another day; the database and the monotonic clock do not."""
    seconds, wall, now = days * 86400, time.time, timezone.now
    time.time = lambda: wall() + seconds
    timezone.now = lambda: now() + timedelta(seconds=seconds)


MACHINES: dict[str, Callable[[], None]] = {
    "disk_full": disk_full,
    "a_day_ahead": partial(clock_off_by, 1),
    "a_day_behind": partial(clock_off_by, -1),
}
