"""Where a benchmark runs: engines of its own, an agency in an empty database, and the machine's name."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from agency.engines import Supervisor

AGENCY = UUID("be9c0000-0000-4000-8000-000000000001")


def described() -> str:
    """The machine in one line: figures mean nothing without it."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores {model}, Python {platform.python_version()}, load before: {load:.1f}"


@contextmanager
def engines_of_its_own() -> Iterator[Supervisor]:
    """Postgres (with fsync, as in production) and Valkey in a directory of their own; Django on them."""
    with tempfile.TemporaryDirectory(prefix="xubao-bench-") as runtime:
        os.environ["XUBAO_RUNTIME"] = runtime
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SWEEP_URL", "REDIS_URL"):
            os.environ[name] = ""
        from agency import engines

        with engines.Supervisor(Path(runtime)) as supervisor:
            engines.start(supervisor)
            import django

            django.setup()
            from django.core.management import call_command
            from django.db import connections

            call_command("migrate", verbosity=0)
            with connections["owner"].cursor() as cursor:
                cursor.execute(
                    "INSERT INTO agency_agency (id, name, slug, phone) VALUES (%s, 'Bench', 'bench', '1')",
                    [AGENCY],
                )
            yield supervisor
            for connection in connections.all(initialized_only=True):
                connection.close()


@contextmanager
def timed(figures: dict[str, float], name: str) -> Iterator[None]:
    """Put the block's duration in seconds under this name."""
    began = time.perf_counter()
    yield
    figures[name] = time.perf_counter() - began


@dataclass
class Share:
    """CPU seconds that a block took, by us (this process and all below it) and by everything else."""

    ours: float = 0.0
    others: float = 0.0

    def __str__(self) -> str:
        whole = self.ours + self.others
        return f"{self.ours:.1f} s CPU, others {self.others / whole:.0%}" if whole else "no CPU"


@contextmanager
def shared() -> Iterator[Share]:
    """What the block costs in CPU: a rate means little where others used half of the machine."""
    share = Share(-cpu_below(os.getpid()), -_cpu_of_all())
    yield share
    share.ours += cpu_below(os.getpid())
    share.others += _cpu_of_all() - share.ours


def processes_below(root: int, *, with_waited: bool = True) -> dict[int, float]:
    """This process and all that it started: process ids, and the CPU seconds of each.

    With those of the children that it has waited for, unless that is declined.
    """
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        pid = int(entry.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        seconds[pid] = sum(map(int, fields[11 : 15 if with_waited else 13])) / os.sysconf("SC_CLK_TCK")
    found, left = {}, [root]
    while left:
        pid = left.pop()
        found[pid] = seconds.get(pid, 0.0)
        left += children.get(pid, [])
    return found


def cpu_below(root: int) -> float:
    return sum(processes_below(root).values())


def _cpu_of_all() -> float:
    user, nice, system, _idle, _wait, *rest = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
