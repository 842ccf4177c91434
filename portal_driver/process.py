"""The driver as a child process: one JSON object a line, as `contract.py` says.

The plan comes in on standard input, then answers; events go out on standard output. When standard
input ends, the browser is closed and the process goes. Logs go to standard error, without secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from enum import IntEnum
from pathlib import Path

from playwright.async_api import Playwright, async_playwright

from portal_driver.browser import wiped_directory
from portal_driver.card_lock import alone_with_card
from portal_driver.contract import (
    Arm,
    Armed,
    BadMessage,
    Event,
    Finished,
    NeedPin,
    NoPin,
    NotArmed,
    Outcome,
    Pin,
    Plan,
    Reason,
    decode,
    encode,
)
from portal_driver.errors import StarterGone
from portal_driver.profile import ProfileError, load_profile
from portal_driver.run import run

_CHUNK = 65536


class ExitCode(IntEnum):
    """How the child process ends. What became of the run is in its last event."""

    FINISHED = 0
    STARTER_GONE = 4


class Lines:
    """Standard input as lines, read by a thread because not every platform can wait for a pipe otherwise.

    It reads the descriptor itself: a thread that sits in `sys.stdin` would block the interpreter's end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        threading.Thread(target=self._read, daemon=True, name="stdin").start()

    async def next(self) -> str:
        """The next line. Raises `StarterGone` when there is none any more."""
        line = await self._queue.get()
        if line is None:
            raise StarterGone
        return line.decode("utf-8", "replace")

    def _read(self) -> None:
        held = b""
        while chunk := self._chunk():
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                self._put(line)
        self._put(None)

    def _chunk(self) -> bytes:
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError:
            return b""

    def _put(self, line: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run is over
            self._loop.call_soon_threadsafe(self._take, line)

    def _take(self, line: bytes | None) -> None:
        self._queue.put_nowait(line)
        if line is None:
            self.ended.set()


class LineStarter:
    """The starter at the other end of the pipes."""

    def __init__(self, lines: Lines, out: int) -> None:
        self._lines = lines
        self._out = out

    def tell(self, event: Event) -> None:
        """Write the event as one line. Raises `StarterGone` when nobody reads."""
        rest = memoryview((encode(event) + "\n").encode())
        try:
            while rest:
                rest = rest[os.write(self._out, rest) :]
        except OSError:
            raise StarterGone from None

    async def plan(self) -> Plan:
        """The first line. Raises `BadMessage` when it is no plan."""
        message = decode(await self._lines.next())
        if not isinstance(message, Plan):
            raise BadMessage(f"{message.type}: a plan is expected first")
        return message

    async def need_pin(self, question: NeedPin) -> Pin | NoPin:
        """Ask for the PIN and wait for the answer."""
        self.tell(question)
        answer = decode(await self._lines.next())
        if not isinstance(answer, Pin | NoPin):
            raise BadMessage(f"{answer.type}: a PIN is expected, or that there is none")
        return answer

    async def arm(self, question: Arm) -> Armed | NotArmed:
        """Ask for the click and wait for the answer, which must be about the same click."""
        self.tell(question)
        answer = decode(await self._lines.next())
        if not isinstance(answer, Armed | NotArmed) or answer.click is not question.click:
            raise BadMessage(f"{answer.type}: an answer about {question.click} is expected")
        return answer


def speak() -> int:
    """Carry out one plan from standard input. Returns the process's exit code."""
    forget_dumps()
    # Nothing but events may come out there, whatever a library prints.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return asyncio.run(_speak(out))


async def _speak(out: int) -> int:
    lines = Lines(sys.stdin.fileno())
    starter = LineStarter(lines, out)
    try:
        async with until(lines.ended) as watch, readied_playwright() as (playwright, directory):
            finished = await _carry_out(starter, playwright, directory)
            watch.cancel()  # the starter may go now: nothing is left to break off
            starter.tell(finished)
    except StarterGone:
        return ExitCode.STARTER_GONE
    return ExitCode.FINISHED


async def _carry_out(starter: LineStarter, playwright: Playwright, directory: Path) -> Finished:
    try:
        plan = await starter.plan()
        profile = load_profile(plan.profile)
    except (BadMessage, ProfileError) as error:
        return Finished(Outcome.LATER, Reason.DRIVER_FAILED, {"error": str(error)})
    with alone_with_card(plan.control):
        return await run(plan, profile, starter, playwright, directory)


@contextlib.asynccontextmanager
async def readied_playwright() -> AsyncIterator[tuple[Playwright, Path]]:
    """Playwright, and the directory that takes all that it and the browser write; wiped after."""
    with wiped_directory() as directory, _temporary_files_in(directory):
        async with async_playwright() as playwright:
            yield playwright, directory


@contextlib.contextmanager
def _temporary_files_in(directory: Path) -> Iterator[None]:
    """Whatever is started here keeps its temporary files in this directory."""
    names = ("TMPDIR", "TMP", "TEMP")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, str(directory)))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)


@contextlib.asynccontextmanager
async def until(ended: asyncio.Event) -> AsyncIterator[asyncio.Future[bool]]:
    """End what stands inside with `StarterGone` when the event comes, or a signal to end.

    Gives the watch for it: once that is cancelled, nothing ends what stands inside.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, ended.set)
    watch: asyncio.Future[bool] = asyncio.ensure_future(ended.wait())
    watch.add_done_callback(lambda _: ended.is_set() and not watch.cancelled() and task and task.cancel())
    try:
        yield watch
    except asyncio.CancelledError:
        if not ended.is_set():
            raise
        # Ctrl-C ends Playwright's own process too; what that leaves unanswered is worth no line.
        loop.set_exception_handler(lambda _loop, _context: None)
        raise StarterGone from None
    finally:
        watch.cancel()


def forget_dumps() -> None:
    """No core dump of this process or its children: a PIN is in its memory for a while."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
