"""One driver a card: a new run ends an old one at the same control before it touches the card.

An old run can only be one whose starter has lost it (its lease ran out, its machine was asleep).
It must not wake up and press something after the new run has read the portal.

Beside it, a watcher looks at the reader while no run uses it. It never holds the run's lock, whose
holder is ended: a second lock is taken by a run for its life and by a watcher for one look.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Closing its browser properly takes a moment; then it is killed, and the browser dies with its pipe.
_GRACE_S = 3.0
# Longer than a look may take. A watcher that holds on for longer is stopped, and asks nothing.
_LOOK_ENDS_S = 6.0
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_LOCKED_BYTE = 4096  # behind the text, because Windows does not let others read a locked byte


@contextlib.contextmanager
def alone_with_card(control: str) -> Iterator[None]:
    """Hold the card at this control alone on this computer; an older holder is ended first.

    A watcher's look that is under way is waited for; from then on it keeps away.
    """
    with _opened(control, "lock") as holder, _opened(control, "use") as use:
        _take_from_older(holder)
        os.ftruncate(holder, 0)
        os.pwrite(holder, str(os.getpid()).encode(), 0)
        _wait_for_look(use)
        yield


@contextlib.contextmanager
def looking_at_card(control: str) -> Iterator[bool]:
    """Whether a watcher may ask this control now: False while a run uses it.

    A run that begins meanwhile waits for the end of this block, so keep it as short as one request.
    """
    with _opened(control, "use") as use:
        yield _lock(use)


@contextlib.contextmanager
def _opened(control: str, ending: str) -> Iterator[int]:
    """A lock file of this control; closing it gives its lock back."""
    name = hashlib.sha256(f"{getpass.getuser()} {control}".encode()).hexdigest()[:16]
    descriptor = os.open(
        _directory() / f"xubao-card-{name}.{ending}", os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o600
    )
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for_look(use: int) -> None:
    begun_at = time.monotonic()
    while not _lock(use) and time.monotonic() - begun_at < _LOOK_ENDS_S:
        time.sleep(0.02)


def _directory() -> Path:
    """The computer's own directory for such files: a run may have been given a TMPDIR of its own."""
    return Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())  # noqa: S108


def _take_from_older(descriptor: int) -> None:
    begun_at = time.monotonic()
    while not _lock(descriptor):
        is_late = time.monotonic() - begun_at > _GRACE_S
        holder = os.pread(descriptor, 20, 0)
        # The lock is held, so the process that wrote its number under it is alive: nobody else's is hit.
        if holder.isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(holder), _kill() if is_late else signal.SIGTERM)
        time.sleep(0.05)


def _kill() -> signal.Signals:
    return signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def _lock(descriptor: int) -> bool:
    """Take the lock if it is free; it is given back when this process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
