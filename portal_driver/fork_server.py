"""Drivers as forks of one warm process, which has imported all that a driver needs: each is there at once.

The warm process is started once, with an environment that holds nothing secret, and knows of no company.
Each driver is a process and a process group of its own, as one that is started as a program. An
order is one message on the server's standard input, a socket, with the ends of two pipes that become the
driver's standard input and output; the answer carries its number and a descriptor of it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

CAN_FORK = hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")
"""Whether this computer can: Linux. Elsewhere a driver is started as a program."""

_ANSWERS_WITHIN_S = 30.0  # the first time it is still importing
_LONGEST = 4096
_NONE = b"none"


class ForkedDriver:
    """A driver that was forked: as much of a `subprocess.Popen` as its starter needs."""

    def __init__(self, pid: int, ending: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._ending: int | None = ending  # readable once the process has ended

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended. Raises `subprocess.TimeoutExpired`. Its exit code is not known: always 0."""
        if self._ending is not None:
            ended = select.poll()
            ended.register(self._ending, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("driver", timeout or 0.0)
            os.close(self._ending)
            self._ending = None
        return 0

    def poll(self) -> int | None:
        """None while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class ForkServer:
    """The warm process, seen from its starter. It ends with its starter, however that ends.

    `environment` is all that drivers find in theirs, `directory` is where they run.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._starter = os.getpid()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(_ANSWERS_WITHIN_S)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal_driver", "serve"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def is_usable(self) -> bool:
        """Whether it lives and is this very process's own: a fork of its starter must not talk to it."""
        return self._starter == os.getpid() and self.process.poll() is None

    def start(self, temporary: Path) -> ForkedDriver:
        """A new driver, whose temporary files lie in `temporary`. Raises `OSError` when there is none.

        A server that could not start one is ended: a late answer of it would be taken for the next one's.
        """
        reads, says = os.pipe()
        hears, writes = os.pipe()
        try:
            socket.send_fds(self._orders, [os.fsencode(temporary)], [reads, writes])
            answer, [ending], _, _ = socket.recv_fds(self._orders, _LONGEST, 1)
        except (OSError, ValueError) as error:
            os.close(says)
            os.close(hears)
            self.end()
            raise OSError(f"the fork server started no driver: {error}") from error
        finally:
            os.close(reads)
            os.close(writes)
        return ForkedDriver(int(answer), ending, _text(says, "w"), _text(hears, "r"))

    def end(self) -> None:
        """End it; its drivers live on. A fork of its starter only lets go of it."""
        self._orders.close()
        if self._starter == os.getpid():
            self.process.kill()
            self.process.wait()


def _text(descriptor: int, mode: str) -> IO[str]:
    return open(descriptor, mode, encoding="utf-8")


# --- inside the warm process --------------------------------------------------------------------


def serve() -> int:
    """Fork a driver for each order on standard input; returns the exit code when the starter is gone."""
    import portal_driver.process  # noqa: F401  # with all that it imports

    signal.signal(signal.SIGCHLD, _let_dead_ones_go)
    gc.freeze()  # what stands already is never collected, so the forks go on sharing it
    with socket.socket(fileno=0) as orders:
        while True:
            order, descriptors, _, _ = socket.recv_fds(orders, _LONGEST, 2)
            if not order:
                return 0
            pid = os.fork()
            if not pid:
                _be_a_driver(Path(os.fsdecode(order)), *descriptors)
            _answer(orders, pid)
            for descriptor in descriptors:
                os.close(descriptor)


def _let_dead_ones_go(*_: object) -> None:
    """A driver that has ended waits to be asked how; what it took of the CPU is counted as ours by that."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(orders: socket.socket, pid: int) -> None:
    try:
        os.setpgid(pid, pid)  # before anybody knows of it: its starter ends the whole group
        ending = os.pidfd_open(pid)
    except ProcessLookupError:  # it is dead already
        orders.send(_NONE)
        return
    socket.send_fds(orders, [str(pid).encode()], [ending])
    os.close(ending)


def _be_a_driver(temporary: Path, reads: int, writes: int) -> None:
    """Be what `python -m portal_driver` would be, and never return."""
    from portal_driver.process import speak

    code = 1
    try:
        os.setpgid(0, 0)  # before it starts anything itself
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor, its_place in ((reads, 0), (writes, 1)):
            os.dup2(descriptor, its_place)
            os.close(descriptor)
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        code = speak()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)
