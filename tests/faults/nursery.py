"""Brings up workers that are meant to die: each a fork of one warm process, so a death costs little.

Started as `python -m tests.faults.nursery`, it reads one JSON order a line and answers with one:
`{"pid": …}` for a worker that was started, `{"ended": status}` for one that was waited for. A
worker sits at a desk once, as a desk's worker does when it is rung.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Self
from uuid import UUID

POLL_S = 0.005


class Nursery:
    """The warm process, for as long as `with` lasts.

    `log` takes what its workers print; their temporary files lie in `tmp` beside it.
    """

    def __init__(self, databases: dict[str, str], log: Path) -> None:
        self._databases, self._log = databases, log

    def __enter__(self) -> Self:
        temporary = self._log.parent / "tmp"
        temporary.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.faults.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env=os.environ | {"TMPDIR": str(temporary)},
            )
        self._order(databases=self._databases)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def sit(self, agency: UUID, desk: UUID, **order: Any) -> int:
        """A worker sits down; returns its process id at once."""
        return int(self._order(agency=str(agency), desk=str(desk), **order)["pid"])

    def wait(self, pid: int, *, stopped: bool = False) -> int:
        """Until the worker has ended; its exit code, or the negative number of the signal that ended it.

        With `stopped`, also a worker that was stopped counts.
        """
        return int(self._order(wait=pid, stopped=stopped)["ended"])

    def wait_a_while(self, pid: int, *, within_s: float) -> int | None:
        """As `wait`, but None for a worker that still works after so many seconds."""
        ended = self._order(wait=pid, stopped=False, within_s=within_s)["ended"]
        return None if ended is None else int(ended)

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery is gone; see {self._log}")
        answer: dict[str, Any] = json.loads(line)
        return answer


# --- inside the warm process --------------------------------------------------------------------


def serve() -> None:
    """Answer orders until the input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
    import django

    django.setup()
    # Everything that a worker needs is imported before the first fork.
    import tests.faults.mutants
    import tests.faults.points  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, int | None]
        if "databases" in order:
            _use(order["databases"])
            answer = {"pid": os.getpid()}
        elif "wait" in order:
            answer = {"ended": _wait(**order)}
        else:
            answer = {"pid": _fork(order)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _use(names: dict[str, str]) -> None:
    from django.conf import settings
    from django.db import connections

    for alias, name in names.items():
        connections[alias].settings_dict["NAME"] = settings.DATABASES[alias]["NAME"] = name


def _wait(wait: int, *, stopped: bool, within_s: float | None = None) -> int | None:
    how = os.WUNTRACED if stopped else 0
    give_up_at = time.monotonic() + (within_s or 0.0)
    pid, status = os.waitpid(wait, how if within_s is None else how | os.WNOHANG)
    while not pid:
        if time.monotonic() > give_up_at:
            return None
        time.sleep(POLL_S)
        pid, status = os.waitpid(wait, how | os.WNOHANG)
    if os.WIFSTOPPED(status):
        return -os.WSTOPSIG(status)
    return os.waitstatus_to_exitcode(status)


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    with contextlib.suppress(BaseException):
        try:
            _be_a_worker(order)
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
    sys.stderr.flush()
    os._exit(status)


def _be_a_worker(order: dict[str, Any]) -> None:
    os.setpgid(0, 0)
    # The orders are the nursery's, and so are the answers.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    from django.conf import settings
    from django.db import connections

    from renewals import drivers
    from renewals.sitting import sit
    from tests.faults.mutants import MUTANTS
    from tests.faults.points import MACHINES, install

    for name, value in order.get("settings", {}).items():
        setattr(settings, name, value)
    settings.MEDIA_ROOT = Path(settings.MEDIA_ROOT)
    if not order.get("browser"):
        drivers.DRIVER = (sys.executable, "-S", "-E", "-m", "tests.faults.model_driver")
        drivers.FAREWELL_S = 2.0
    if machine := order.get("machine"):
        MACHINES[machine]()
    if mutate := MUTANTS.get(order.get("mutant", "")):
        mutate()
    if point := order.get("point"):
        install(point, order["how"], click=order.get("click", ""), superuser=order.get("superuser", ""))
    sit(UUID(order["agency"]), UUID(order["desk"]))
    for connection in connections.all(initialized_only=True):
        connection.close()


def end(pid: int) -> None:
    """Kill a worker and what it started, whatever state it is in."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def continue_all(*pids: int) -> None:
    """Let stopped processes run on."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def until(is_so: Any, *, within_s: float = 20.0) -> bool:
    """Look again and again until it is so; False when it never was."""
    give_up_at = time.monotonic() + within_s
    while time.monotonic() < give_up_at:
        if is_so():
            return True
        time.sleep(POLL_S)
    return False


if __name__ == "__main__":
    serve()
