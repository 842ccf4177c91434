"""One rehearsal from what was asked for to its end: copies, a simulator, hands; then nothing is left running.

Both children end when their standard input does, so also with a player that was killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from agency.rehearsing import twin as twin_of_this_agency
from agency.tenancy import scope
from renewals.domain import across, rehearsing
from renewals.models import Rehearsal, RehearsalState
from renewals.simulating import APPROVE_AFTER_S, PACE, first_json, simulator_command

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
FAREWELL_S = 15.0
# Whatever this installation works with: a rehearsal wears what the simulator speaks, and never waits.
_SETTINGS = PACE | {
    "PORTAL_HOURS": "always",
    "PORTAL_PROFILE": "2024",
    "PORTAL_HEADLESS": "true",
    "PORTAL_BROWSER_CHANNEL": "",
}


def tend(stopping: threading.Event) -> None:
    """Wipe what is to be wiped, and play what was asked for, one rehearsal after the other.

    May run in several processes at once; what fails is written down, and the next is looked after.
    """
    for agency, rehearsal in across.rehearsals_left_alone():
        with scope(agency):
            rehearsing.close(rehearsal, RehearsalState.FAILED)
    for agency, rehearsal in across.rehearsals_to_wipe(rehearsing.KEPT):
        wipe(agency, rehearsal)
    for agency, rehearsal in across.rehearsals_asked_for():
        if not stopping.is_set():
            play(agency, rehearsal, stopping)


def wipe(agency: UUID, rehearsal: UUID) -> None:
    """Empty the agency's twin. Repeatable."""
    with scope(agency):
        twin = twin_of_this_agency()
    if twin is not None:
        with scope(twin):
            rehearsing.wipe()
    with scope(agency):
        rehearsing.wiped(rehearsal)


def play(agency: UUID, rehearsal: UUID, stopping: threading.Event) -> None:
    """Play one rehearsal to its end; it is over, failed, or ended by a person afterwards."""
    with scope(agency):
        taken = rehearsing.take(rehearsal)
    if taken is None:
        return
    became = RehearsalState.FAILED
    try:
        if _play(taken, stopping):
            became = RehearsalState.OVER
    except Exception as error:
        # One rehearsal's trouble must not end those of other agencies.
        log.exception("rehearsal_failed", rehearsal=str(rehearsal), error=type(error).__name__)
    finally:
        with scope(agency):
            rehearsing.close(rehearsal, became)


def _play(taken: Rehearsal, stopping: threading.Event) -> bool:
    """True once nothing more happens by itself, or a person ended it; False where the hands broke off."""
    with scope(taken.agency_id):
        originals = rehearsing.originals(taken)
        twin = twin_of_this_agency(make=True)
    if twin is None:
        raise RuntimeError("a rehearsal of a rehearsal")
    with scope(twin):
        issued = rehearsing.set_the_stage(originals, year=taken.year, by=taken.asked_by)
    with tempfile.TemporaryDirectory(prefix="xubao-rehearsal-") as folder:
        known = Path(folder) / "companies.json"
        known.touch(mode=0o600)
        known.write_text(json.dumps({"companies": [one.as_json() for one in issued]}), encoding="utf-8")
        with _simulator(known, taken.year) as simulator:
            with scope(twin):
                batch, desk = rehearsing.begin(
                    issued,
                    year=taken.year,
                    name=taken.name,
                    control=simulator["controls"][0],
                    by=taken.asked_by,
                )
            with _hands(twin, desk.code, simulator) as hands:
                return _until_it_is_over(taken, twin, batch.pk, hands, stopping)


def _until_it_is_over(
    taken: Rehearsal, twin: UUID, batch: UUID, hands: subprocess.Popen[bytes], stopping: threading.Event
) -> bool:
    while True:
        has_ended = hands.poll() is not None
        with scope(twin):
            seen = rehearsing.counts()
        with scope(taken.agency_id):
            goes_on = rehearsing.keep(taken.pk, batch=batch, **seen)
        if not goes_on:
            return True
        if has_ended:
            return hands.returncode == 0
        if stopping.wait(LOOK_EVERY_S):
            return False


@contextmanager
def _simulator(companies: Path, year: int) -> Iterator[dict[str, Any]]:
    """A simulator that knows these companies; its addresses."""
    command = simulator_command(companies, year=year, desks=1, approve_after_s=APPROVE_AFTER_S)
    with _child([*command, "--until-stdin-closes"], _without_secrets(), stdout=subprocess.PIPE) as process:
        if process.stdout is None or not (line := process.stdout.readline()):
            raise RuntimeError("the simulator did not start")
        found = first_json([line.decode()])
        if found is None:
            raise RuntimeError("the simulator did not say where it is")
        yield found


@contextmanager
def _hands(twin: UUID, desk: str, simulator: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that sits at the twin's desk: the only one that may, and that may nowhere else."""
    command = [sys.executable, "manage.py", "rehearse_at_desk", str(twin), desk, simulator["api"]]
    env = os.environ | _SETTINGS | {"REHEARSAL_PORTAL": simulator["portal"]}
    with _child(command, env) as process:
        yield process


@contextmanager
def _child(
    command: list[str], env: dict[str, str], *, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block lasts; it ends when its standard input is closed."""
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=env, stdin=subprocess.PIPE, stdout=stdout
    ) as process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(FAREWELL_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _without_secrets() -> dict[str, str]:
    """What the simulator needs of our environment: no keys, no database."""
    passed = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE")
    return {name: os.environ[name] for name in passed if name in os.environ}
