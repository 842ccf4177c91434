"""Driver processes: a fresh one for each run, and at a busy desk one that is ready before it is needed.

A driver needs about a second until it can take a plan. While staff change the card it gets ready: it
knows nothing of any company until then. It ends when its standard input does, with us if need be.
Where the computer can, drivers are forks of one warm process; elsewhere each is started as a program.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol
from uuid import UUID

import structlog
from django.conf import settings

from agency.engines.watchdog import is_alive
from portal_driver import contract
from portal_driver.fork_server import CAN_FORK, ForkServer

log = structlog.get_logger()

_ITSELF = (sys.executable, "-m", "portal_driver")
DRIVER: tuple[str, ...] = _ITSELF
DIRECTORY = "xubao-run-"
# How long the driver may take to close its browser after its standard input was closed.
FAREWELL_S = 8.0

_ready: dict[UUID, _Waiting] = {}  # by desk
_changing = threading.Lock()
_servers: list[ForkServer] = []  # one at most
_forking = threading.Lock()


class Process(Protocol):
    """A process with pipes, as `subprocess.Popen` and a fork are."""

    @property
    def pid(self) -> int:
        """Its number, and its process group's."""

    @property
    def stdin(self) -> IO[str] | None:
        """What it hears."""

    @property
    def stdout(self) -> IO[str] | None:
        """What it says."""

    def poll(self) -> int | None:
        """None while it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended. Raises `subprocess.TimeoutExpired`."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True)
class Driver:
    """One driver process. `lines` are what it says, None at their end; all it writes is in `directory`."""

    process: Process
    directory: Path
    lines: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def say(self, message: contract.Message) -> None:
        """Pass a message on. A driver that has just died is heard of as the end of its lines."""
        assert self.process.stdin is not None  # noqa: S101  # it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(contract.encode(message) + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Close its standard input, so that it closes its browser; kill and wipe what is left after that."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(FAREWELL_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class _Waiting:
    driver: Driver
    leaves: threading.Timer


@contextmanager
def driver_for(desk: UUID) -> Iterator[Driver]:
    """A driver that nobody has used, for one run at this desk; it ends with the block."""
    driver = _take(desk) or _start()
    try:
        yield driver
    finally:
        driver.end()


def make_ready(desk: UUID) -> None:
    """Have a driver ready for the desk's next run, for `DRIVER_READY_S`; none where that is 0.

    Where none can be started now, the next run starts its own.
    """
    if settings.DRIVER_READY_S:
        with contextlib.suppress(OSError):
            _let_wait(desk, _start())


def _start() -> Driver:
    _clear_left_behind()
    # Among the temporary files, so that whoever clears those away clears this too.
    directory = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY}{os.getpid()}-"))
    # The driver's temporary files, its browser profile among them, lie there and are wiped with it.
    temporary = directory / "tmp"
    try:
        temporary.mkdir(mode=0o700)
        process = _fork(temporary) or _start_program(temporary)
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    driver = Driver(process, directory)
    threading.Thread(target=_pump, args=(process.stdout, driver.lines), daemon=True).start()
    return driver


def _fork(temporary: Path) -> Process | None:
    """A driver forked from the warm process; None where that cannot be done."""
    if not CAN_FORK or DRIVER is not _ITSELF:
        return None
    try:
        with _forking:
            return _server().start(temporary)
    except OSError as error:
        log.warning("driver_not_forked", error=str(error))
        return None


def _server() -> ForkServer:
    while _servers and not _servers[0].is_usable:
        _servers.pop().end()
    if not _servers:
        _servers.append(ForkServer(_environment(), settings.BASE_DIR))
    return _servers[0]


def _start_program(temporary: Path) -> Process:
    return subprocess.Popen(
        DRIVER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=settings.BASE_DIR,
        env=_environment() | {"TMPDIR": str(temporary)},
        start_new_session=True,
    )


def _let_wait(desk: UUID, driver: Driver) -> None:
    leaves = threading.Timer(settings.DRIVER_READY_S, _dismiss, (desk, driver))
    leaves.daemon = True
    with _changing:
        before, _ready[desk] = _ready.get(desk), _Waiting(driver, leaves)
    leaves.start()
    if before:
        before.leaves.cancel()
        before.driver.end()


def _take(desk: UUID) -> Driver | None:
    """The driver that waits for this desk, if it lives."""
    with _changing:
        waiting = _ready.pop(desk, None)
    if waiting is None:
        return None
    waiting.leaves.cancel()
    if waiting.driver.process.poll() is not None:
        waiting.driver.end()
        return None
    return waiting.driver


def _dismiss(desk: UUID, driver: Driver) -> None:
    """End a driver that nobody came for."""
    with _changing:
        is_unused = desk in _ready and _ready[desk].driver is driver
        if is_unused:
            del _ready[desk]
    if is_unused:
        driver.end()


@atexit.register
def dismiss_all() -> None:
    """End the drivers that wait at all desks, and what forked them."""
    for desk in list(_ready):
        if driver := _take(desk):
            driver.end()
    while _servers:
        _servers.pop().end()


def _pump(stream: IO[str] | None, lines: queue.Queue[str | None]) -> None:
    """Pass the driver's lines on; None at the end."""
    if stream is not None:
        with stream:
            for line in stream:
                lines.put(line)
    lines.put(None)


def _clear_left_behind() -> None:
    """Remove the directories of runs whose worker was killed: evidence and a browser profile are in them."""
    for left in Path(tempfile.gettempdir()).glob(f"{DIRECTORY}*"):
        owner = left.name.removeprefix(DIRECTORY).split("-")[0]
        if owner.isdecimal() and not is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _environment() -> dict[str, str]:
    """What the driver needs of our environment: no keys, no database."""
    visible = ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")  # a window on the desk's screen
    passed = ("PATH", "HOME", "LANG", "LC_ALL", "FONTCONFIG_FILE", "PLAYWRIGHT_BROWSERS_PATH", *visible)
    return {name: os.environ[name] for name in passed if name in os.environ}
