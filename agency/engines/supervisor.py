"""The supervisor: one parent for everything that runs on this machine."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from agency.engines import lock, runtime, watchdog
from agency.engines.signals import StopSignals

# The child waits for a line before it becomes the program, so that it is known to the watchdog first:
# killed in between, the supervisor leaves a child that reads the end of its input, and ends.
_WAIT_THEN_RUN = ("/bin/sh", "-c", 'read -r _ && exec "$@" < /dev/null', "sh")


class ChildFailed(RuntimeError):
    """A child ended by itself or never became ready; the message ends with its last log lines."""


@dataclass(frozen=True)
class Child:
    """A process that the supervisor started. Its log holds what it wrote to both outputs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    target: watchdog.Target

    @property
    def pid(self) -> int:
        """The program's own process, and its group."""
        return self.process.pid

    def failed(self, how: str) -> ChildFailed:
        """An error that says how the child failed and what it said last."""
        last = self.log.read_text(errors="replace").splitlines()[-20:]
        return ChildFailed("\n".join([f"{self.name} {how}. Its log, {self.log}, ends:", *last]))


class Supervisor:
    """Starts children, each in a session of its own, and leaves none of them behind.

    A context manager, for the main thread. However its block is left - normally, by an error, by
    SIGINT, SIGTERM or SIGHUP at any moment, or by a kill -9 of the whole process - the children are
    stopped in reverse order, each by its own signal, then their groups are killed, and the
    temporary files they left are removed. A signal leaves the block as `Stopped`.

    `durable=False` is for tests: the engines do not sync to the disk, the whole runtime directory is
    removed at the end, and signals stay with whoever handles them already.

    Entering raises `AlreadyRunning` when another supervisor has the runtime directory.
    """

    def __init__(self, runtime_dir: Path | None = None, *, durable: bool = True) -> None:
        self.runtime = runtime_dir or runtime.runtime_dir()
        self.durable = durable
        self._signals = StopSignals()
        self._children: list[Child] = []
        self._layer = 0

    def __enter__(self) -> Self:
        runtime.prepare(self.runtime)
        self._lock = lock.take(self.runtime)
        self._empty_tmp()
        if self.durable:
            self._signals.install()
        with self._signals.held():
            self._watchdog = self._start_watchdog()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signals.hold()
        self._leash.close()
        while self._watchdog.poll() is None:
            self._collect()
            time.sleep(watchdog.GLANCE_S)
        # Nothing is left to do here, unless somebody killed the watchdog.
        watchdog.stop(
            [child.target for child in self._children if child.process.poll() is None], self._collect
        )
        os.close(self._lock)
        self._signals.restore()
        self._signals.let_out(error)

    def spawn(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_s: float = 8.0,
        alongside: bool = False,
        user: pwd.struct_passwd | None = None,
        open_files: Collection[int] = (),
        ready: Callable[[], bool] | None = None,
        ready_within_s: float = 30.0,
    ) -> Child:
        """Start a program; returns once `ready` says so, or at once without it.

        `env` is added to our own environment; None takes a variable away. At the end it gets
        `stop_signal`, then its group is killed after `grace_s` at the latest; with `alongside` it is
        stopped together with the child before it instead of ahead of it. `user` runs it as somebody
        else (root only). It has our `open_files` under the same numbers. Its output goes to
        `<runtime>/log/<name>.log`; that of the run before is kept as `<name>.previous.log`. Raises
        `ChildFailed` when it ends or is not ready in time.
        """
        self._layer += not alongside
        with self._signals.held():
            log = self._fresh_log(name)
            held, go = os.pipe()
            process = self._popen(argv, held, log, env, cwd, user, open_files)
            os.close(held)
            child = Child(name, process, log, watchdog.Target(process.pid, stop_signal, grace_s, self._layer))
            self._children.append(child)
            self._tell(started=child.target)
            os.write(go, b"\n")
            os.close(go)
        if ready is not None:
            self._await(child, ready, ready_within_s)
        return child

    def run(self, argv: Sequence[str | Path], *, env: Mapping[str, str | None] | None = None) -> int:
        """Run a command in this terminal to its end and return its exit status.

        Ctrl-C is for the command, as in a shell. A death of a child meanwhile is not looked at.
        """
        self._layer += 1
        process = subprocess.Popen([str(word) for word in argv], env=self._environment(env))
        self._tell(started=watchdog.Target(process.pid, signal.SIGTERM, 8.0, self._layer))
        terminal = signal.signal(signal.SIGINT, lambda _signum, _frame: None)
        try:
            status = process.wait()
        finally:
            signal.signal(signal.SIGINT, terminal)
        self._tell(stopped=process.pid)
        return status if status >= 0 else 128 - status

    def stop(self, child: Child) -> None:
        """End one child and its group now; it is then no longer looked after."""
        with self._signals.held():
            watchdog.stop([child.target], self._collect)
            self._children.remove(child)
            self._tell(stopped=child.pid)

    def check(self) -> None:
        """Raises `ChildFailed` when a child, or the watchdog, has ended that nobody stopped.

        To be called now and then by whoever works inside the block.
        """
        self._signals.check()
        for child in self._children:
            if (status := child.process.poll()) is not None:
                raise child.failed(f"ended by itself (status {status})")
        if self._watchdog.poll() is not None:
            raise ChildFailed("the watchdog was killed; nothing would end the others")

    def wait(self) -> None:
        """Until a signal (`Stopped`) or the death of a child (`ChildFailed`): never returns."""
        while True:
            self.check()
            time.sleep(0.2)

    def _empty_tmp(self) -> None:
        """What is in there was left by a power cut: everything else ends through a watchdog."""
        shutil.rmtree(self.runtime / "tmp")
        (self.runtime / "tmp").mkdir(mode=0o700)

    def _start_watchdog(self) -> subprocess.Popen[bytes]:
        rubbish = self.runtime / "tmp" if self.durable else self.runtime
        end, leash = os.pipe()
        self._leash = os.fdopen(leash, "wb", buffering=0)
        with os.fdopen(end), (self.runtime / "log" / "watchdog.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", watchdog.__file__, str(rubbish)],
                stdin=end,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                pass_fds=[self._lock],
            )

    def _popen(
        self,
        argv: Sequence[str | Path],
        stdin: int,
        log: Path,
        env: Mapping[str, str | None] | None,
        cwd: Path | None,
        user: pwd.struct_passwd | None,
        open_files: Collection[int],
    ) -> subprocess.Popen[bytes]:
        """The child, in its own session, waiting for its line."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [*_WAIT_THEN_RUN, *map(str, argv)],
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(env),
                cwd=cwd,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                pass_fds=open_files,
            )

    def _fresh_log(self, name: str) -> Path:
        log = self.runtime / "log" / f"{name}.log"
        if log.exists():
            log.rename(log.with_name(f"{name}.previous.log"))
        return log

    def _environment(self, more: Mapping[str, str | None] | None) -> dict[str, str]:
        """Ours and more; temporary files go where the watchdog removes them."""
        places = {"XUBAO_RUNTIME": str(self.runtime), "TMPDIR": str(self.runtime / "tmp")}
        wanted = {**os.environ, **places, **(more or {})}
        return {name: value for name, value in wanted.items() if value is not None}

    def _await(self, child: Child, ready: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not ready():
            if (status := child.process.poll()) is not None:
                raise child.failed(f"did not start (status {status})")
            if time.monotonic() > deadline:
                raise child.failed(f"was not ready within {within_s:.0f} s")
            time.sleep(watchdog.GLANCE_S)

    def _tell(self, **message: object) -> None:
        """One line to the watchdog."""
        self._leash.write(json.dumps(message).encode() + b"\n")

    def _collect(self) -> None:
        """Take note of children that ended, so that they do not stay as zombies."""
        for child in self._children:
            child.process.poll()
