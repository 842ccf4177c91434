"""The signals that end us, held back where they would do harm."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """Somebody asked us to stop. Not caught, it ends the process with the shell's status for the signal.

    It is no `Exception`, because libraries that retry on errors would swallow it.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum


class StopSignals:
    """Turns SIGINT, SIGTERM and SIGHUP into `Stopped`, raised at once or when no longer held."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._holds = 0
        self._previous: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def install(self) -> None:
        """Begin to listen; main thread only. A signal that our starter has us ignore stays ignored."""
        for signum in STOP_SIGNALS:
            if signal.getsignal(signum) is not signal.SIG_IGN:
                self._previous[signum] = signal.signal(signum, self._receive)

    def restore(self) -> None:
        """Stop listening. After a signal the process is on its way out: nothing may disturb that."""
        for signum, handler in self._previous.items():
            signal.signal(signum, handler if self._came is None else signal.SIG_IGN)
        self._previous.clear()

    def let_out(self, error: BaseException | None) -> None:
        """On the way out: what a signal broke (a query in its middle) fails in ways of its own.

        Raises `Stopped` where a signal came and another error would hide it.
        """
        if self._came is not None and error is not None and not isinstance(error, Stopped):
            raise Stopped(self._came) from error

    def hold(self) -> None:
        """From now on only note a signal."""
        self._holds += 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """For a few lines that must run whole: a signal waits until they are over."""
        self.hold()
        try:
            yield
        finally:
            self._holds -= 1
            self.check()

    def check(self) -> None:
        """Raises `Stopped` when a signal came, also one whose `Stopped` somebody swallowed."""
        if self._came is not None and not self._holds:
            raise Stopped(self._came)

    def _receive(self, signum: int, _frame: FrameType | None) -> None:
        self._came = signum
        self.check()
