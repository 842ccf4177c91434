"""The demo's processes: what production runs in containers, here under one supervisor."""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from agency.engines import Child, Supervisor
from renewals.models import Desk
from renewals.simulating import first_json, simulator_command

PYTHON = sys.executable
CELERY = [PYTHON, "-m", "celery", "-A", "agency"]
# What takes real renewals through; rehearsals have a player of their own.
WORK = ("desks", "watch", "worker", "beat")
# Without these each worker would talk to all the others about things that nobody here asks for.
QUIET = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]


def take_port(wanted: int) -> socket.socket:
    """A socket that listens at the wanted port of this machine, or at the next free one; any for 0.

    Until it is closed nobody else gets that port, and who calls before the web process is up waits for it.
    """
    for port in range(wanted, 65536):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise OSError(f"no free port from {wanted} on")


def start_web(supervisor: Supervisor, door: socket.socket) -> Child:
    """The web process, behind a socket that listens already; does not wait for it."""
    return supervisor.spawn(
        "web",
        [PYTHON, "-m", "renewals.demo.web", str(door.fileno())],
        # A newcomer is not held up for a second factor, and finds the demo's mail on a page.
        env={"XUBAO_DEMO": "true"},
        cwd=settings.BASE_DIR,
        open_files=[door.fileno()],
    )


def start_simulator(
    supervisor: Supervisor, *, companies: Path, year: int, desks: int, approve_after_s: int
) -> dict[str, Any]:
    """The simulator; returns its addresses once it answers."""
    log = supervisor.runtime / "log" / "simulator.log"
    supervisor.spawn(
        "simulator",
        simulator_command(companies, year=year, desks=desks, approve_after_s=approve_after_s),
        cwd=settings.BASE_DIR,
        ready=lambda: _said_in(log) is not None,
    )
    return _said_in(log) or {}


def start_workers(
    supervisor: Supervisor,
    desks: Sequence[Desk],
    *,
    portal: str,
    pace: dict[str, str],
    watch_every_s: float = 0.3,
    names: Collection[str] = WORK,
) -> list[Child]:
    """Worker, desks' worker, watcher, beat and player of rehearsals, or those named; does not wait for them.

    `pace` holds settings that let days pass in seconds.
    """
    env = {"PORTAL_URL": portal, "XUBAO_SIMULATION": "true", **pace}
    Path(settings.CELERY_BEAT_SCHEDULE_FILENAME).parent.mkdir(exist_ok=True)
    codes, queues = [desk.code for desk in desks], ",".join(desk.queue for desk in desks)
    programs = {
        "desks": [
            *CELERY,
            "worker",
            "-P",
            "threads",
            "-c",
            str(len(desks)),
            "-Q",
            queues,
            "-n",
            "desks@%h",
            *QUIET,
        ],
        "watch": [PYTHON, "manage.py", "watch_desks", "--every", str(watch_every_s), *codes],
        "worker": [*CELERY, "worker", "-P", "threads", "-c", "1", "-Q", "wake", "-n", "worker@%h", *QUIET],
        "beat": [*CELERY, "beat", "--loglevel", "WARNING"],
        "rehearsals": [PYTHON, "manage.py", "play_rehearsals"],
    }
    return [
        supervisor.spawn(name, argv, env=env, cwd=settings.BASE_DIR, grace_s=12)
        for name, argv in programs.items()
        if name in names
    ]


def _said_in(log: Path) -> dict[str, Any] | None:
    """What a process has said of itself in its log."""
    return first_json(log.read_text(errors="replace").splitlines(keepends=True))
