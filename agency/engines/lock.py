"""The lock of a runtime directory: one supervisor a checkout."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from agency.engines.watchdog import is_alive

# Longer than a watchdog takes to end the children of a supervisor that was killed.
CLEAN_UP_S = 30.0


class AlreadyRunning(RuntimeError):
    """Another supervisor holds this runtime directory; the message is one line for people."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"Xubao is already running in this checkout (process {pid}); stop that one first")
        self.pid = pid


def take(runtime: Path) -> int:
    """Lock the runtime directory and return the open file that holds the lock.

    The lock lasts while any process has that file open. Where its owner is dead and only its
    watchdog is left, cleaning up, this waits for it. Raises `AlreadyRunning` when the owner lives.
    """
    file = os.open(runtime / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + CLEAN_UP_S
    while not _try_lock(file):
        owner = _owner(file)
        if (owner and is_alive(owner)) or time.monotonic() > deadline:
            os.close(file)
            raise AlreadyRunning(owner)
        time.sleep(0.05)
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return file


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: int) -> int:
    """Who wrote the lock last; 0, which is nobody, when it is just being written."""
    return int(os.pread(file, 20, 0) or b"0")
