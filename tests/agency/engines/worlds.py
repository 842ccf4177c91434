"""Supervisors to be killed: small programs in processes of their own, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agency.engines.runtime import CHECKOUT
from agency.engines.watchdog import is_alive

# A parent with two children, of which one has a child of its own that ignores every polite signal.
SMALL = """
from agency.engines import Supervisor
STUBBORN = "trap '' TERM INT HUP; while :; do sleep 1; done"
with Supervisor() as supervisor:
    supervisor.spawn("sleeper", ["sleep", "600"])
    supervisor.spawn("family", ["sh", "-c", f'sh -c "{STUBBORN}" & mktemp -d; wait'], grace_s=1)
    print("ready", flush=True)
    supervisor.wait()
"""
ENGINES = """
from agency import engines
with engines.Supervisor() as supervisor:
    engines.start(supervisor)
    print("ready", flush=True)
    supervisor.wait()
"""


@contextmanager
def place() -> Iterator[Path]:
    """A directory for engines: pytest's own is closed to the user they run as, and its path too long."""
    with tempfile.TemporaryDirectory(prefix="xubao-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


def start(program: str, runtime: Path, *, until: str = "ready") -> subprocess.Popen[str]:
    """The program, a process of its own with its own runtime directory, once it has said `until`."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        env={**os.environ, "XUBAO_RUNTIME": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    if until:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == f"{until}\n", said + process.communicate()[0]
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit status and the last words of a process that is about to end."""
    said, _ = process.communicate(timeout=30)
    return process.returncode, said


def processes_of(runtime: Path) -> list[int]:
    """Every living process that was told of this runtime directory, grandchildren too (Linux)."""
    mark = f"XUBAO_RUNTIME={runtime}".encode()
    return [
        pid for pid in _all_processes() if is_alive(pid) and mark in _file_of(pid, "environ").split(b"\0")
    ]


def assert_nothing_is_left(runtime: Path) -> None:
    """No process of this runtime directory lives; one that does is ended, for the next test's sake."""
    left = processes_of(runtime)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def watchdog_of(runtime: Path) -> int:
    """The watchdog among them."""
    [watchdog] = [pid for pid in processes_of(runtime) if b"watchdog.py" in _file_of(pid, "cmdline")]
    return watchdog


def eventually(holds: Callable[[], bool], within_s: float = 30) -> bool:
    """Whether it comes to hold in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def running(program: str, runtime: Path) -> Iterator[subprocess.Popen[str]]:
    """The program, ended here when a test fails before it has."""
    process = start(program, runtime)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate()


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _file_of(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
