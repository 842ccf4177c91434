"""The engines of one machine: Postgres and Valkey, started as children and ended with their parent.

Nothing here needs Django. `urls()` says where the embedded engines answer; `start()` brings them
up under a `Supervisor`:

    with Supervisor() as supervisor:
        engines.start(supervisor)
        supervisor.spawn("web", [...])
        supervisor.wait()
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agency.engines import postgres, valkey
from agency.engines.lock import AlreadyRunning
from agency.engines.programs import ProgramMissing
from agency.engines.runtime import runtime_dir
from agency.engines.signals import Stopped
from agency.engines.supervisor import Child, ChildFailed, Supervisor

__all__ = [
    "AlreadyRunning",
    "Child",
    "ChildFailed",
    "ProgramMissing",
    "Stopped",
    "Supervisor",
    "Urls",
    "answer",
    "runtime_dir",
    "start",
    "urls",
]


@dataclass(frozen=True)
class Urls:
    """Where the embedded engines answer; the database once for each role."""

    app: str
    owner: str
    sweep: str
    superuser: str
    redis: str  # as Celery writes it
    cache: str  # the same server, another database, as redis-py and Django's cache write it


def urls(runtime: Path | None = None) -> Urls:
    """The addresses of the embedded engines of this checkout, whether they run or not."""
    place = runtime or runtime_dir()
    return Urls(
        app=postgres.url(place, "xubao_app"),
        owner=postgres.url(place, "xubao_owner"),
        sweep=postgres.url(place, "xubao_sweep"),
        superuser=postgres.url(place, postgres.SUPERUSER),
        redis=valkey.broker_url(place),
        cache=valkey.cache_url(place),
    )


def start(supervisor: Supervisor) -> None:
    """Start what `DATABASE_URL` and `REDIS_URL` do not name, and return when it answers.

    Database, roles and privileges are there when this returns; tables are not. Raises
    `ProgramMissing` when there is no engine to start, `ChildFailed` with the end of its log when
    one does not come up.
    """
    if not os.environ.get("DATABASE_URL"):
        postgres.start(supervisor)
    if not os.environ.get("REDIS_URL"):
        valkey.start(supervisor)


def answer() -> bool:
    """Whether the embedded engines of this checkout are up and ready for use."""
    place = runtime_dir()
    return postgres.is_ready(place) and valkey.answers(place)
