"""Stand-alone: one company from a terminal, without Django, a queue or a database.

python -m portal_driver drive --plan plan.json --profile 2024 --portal URL --control URL --evidence DIR
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path

from portal_driver.card_lock import alone_with_card
from portal_driver.contract import (
    Arm,
    Armed,
    BadMessage,
    Channel,
    Click,
    Event,
    Finished,
    NeedPin,
    NoPin,
    NotArmed,
    Pin,
    Plan,
    decode,
    encode,
)
from portal_driver.errors import StarterGone
from portal_driver.process import forget_dumps, readied_playwright, until
from portal_driver.profile import Profile, ProfileError, load_profile
from portal_driver.run import run

_TERMINAL = Path("/dev/tty")


class ExitCode(IntEnum):
    """What became of the company, for a shell."""

    COMPLETE = 0  # the policy is stored and acknowledged
    USAGE = 2  # the command line, the plan or the profile is wrong; nothing was done
    INTERRUPTED = 4  # ended from outside; read the events
    SUBMITTED = 10  # the application is on the portal; approval takes days
    STOPPED = 11  # stopped before a click, as asked
    REFUSED = 20  # the portal or the insurer said no
    PERSON_NEEDED = 21  # somebody has to mend something first
    LATER = 22  # try again later, nothing was pressed
    UNKNOWN = 23  # pressed, and not read: run it again, it reads first


class TerminalStarter:
    """Events to standard output, the PIN from standard input, questions on the terminal."""

    def __init__(self, *, arms_all: bool) -> None:
        self._arms_all = arms_all

    def tell(self, event: Event) -> None:
        """Print the event as one line of JSON."""
        sys.stdout.write(encode(event) + "\n")
        sys.stdout.flush()

    async def need_pin(self, question: NeedPin) -> Pin | NoPin:
        """One line of standard input; without echo where that is a terminal."""
        self.tell(question)
        pin = await in_background(lambda: _read_pin(question.card))
        return Pin(pin) if pin else NoPin()

    async def arm(self, question: Arm) -> Armed | NotArmed:
        """Yes where all clicks are armed beforehand; else whatever somebody at the terminal says."""
        self.tell(question)
        if self._arms_all or await in_background(lambda: _asks_terminal(question)):
            return Armed(question.click)
        return NotArmed(question.click, "not agreed to at the terminal")


async def in_background[T](ask: Callable[[], T]) -> T:
    """Wait for a person without keeping the process alive for them: the thread ends with it."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def hand_over(said: T) -> None:
        if not answer.done():
            answer.set_result(said)

    def wait() -> None:
        said = ask()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(hand_over, said)

    threading.Thread(target=wait, daemon=True).start()
    return await answer


def _read_pin(card: str) -> str:
    if os.isatty(sys.stdin.fileno()):
        return getpass.getpass(f"PIN of card {card}: ")
    return _one_line(sys.stdin.fileno())


def _one_line(descriptor: int) -> str:
    """A line read past `sys.stdin`, whose lock a thread must not hold when the process ends."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        line += byte
    return line.decode().strip()


def _asks_terminal(question: Arm) -> bool:
    """Ask whoever sits at the terminal. Without one the answer is no."""
    try:
        with _TERMINAL.open("w", encoding="utf-8") as out, _TERMINAL.open(encoding="utf-8") as terminal:
            whose = f"{question.company} ({question.uscc})"
            out.write(f"{question.click} cannot be undone, for {whose}. Press it? [y/N] ")
            out.flush()
            return terminal.readline().strip().lower() in ("y", "yes", "是")
    except OSError:
        return False


def drive(arguments: list[str]) -> int:
    """Carry out one plan as the command line says. Returns the exit code."""
    parser = drive_parser()
    options = parser.parse_args(arguments)
    try:
        plan = read_plan(options)
        profile = load_profile(plan.profile)
    except (OSError, BadMessage, ProfileError) as error:
        parser.exit(ExitCode.USAGE, f"{error}\n")
    forget_dumps()
    return asyncio.run(_drive(plan, profile, TerminalStarter(arms_all=options.arm == "all")))


async def _drive(plan: Plan, profile: Profile, starter: TerminalStarter) -> int:
    try:
        with echo_restored(sys.stdin.fileno()):
            finished = await _run_alone(plan, profile, starter)
    except StarterGone:
        return ExitCode.INTERRUPTED
    starter.tell(finished)
    return ExitCode[finished.outcome.name]


async def _run_alone(plan: Plan, profile: Profile, starter: TerminalStarter) -> Finished:
    async with until(asyncio.Event()), readied_playwright() as (playwright, directory):
        with alone_with_card(plan.control):
            return await run(plan, profile, starter, playwright, directory)


@contextlib.contextmanager
def echo_restored(descriptor: int) -> Iterator[None]:
    """Leave a terminal as it was, also when the run is interrupted while a PIN is asked for."""
    if sys.platform == "win32" or not os.isatty(descriptor):
        yield
        return
    import termios

    before = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def read_plan(options: argparse.Namespace) -> Plan:
    """The plan file with the command line's words in place of its own. Raises `BadMessage`, `OSError`."""
    said = {
        "profile": options.profile,
        "portal": options.portal,
        "control": options.control,
        "evidence": options.evidence,
        "stop_before": options.stop_before,
        "channel": options.channel,
        "headless": False if options.headed else None,
    }
    try:
        raw = json.loads(Path(options.plan).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadMessage(f"{options.plan} is not JSON: {error}") from None
    merged = {**raw, **{key: value for key, value in said.items() if value is not None}, "type": "plan"}
    plan = decode(json.dumps(merged))
    if not isinstance(plan, Plan):
        raise BadMessage(f"{options.plan} is not a plan")
    Path(plan.evidence).mkdir(parents=True, exist_ok=True)
    return plan


def drive_parser() -> argparse.ArgumentParser:
    """The command line of `drive`."""
    codes = "\n".join(f"  {code.value:>2}  {code.name.lower()}" for code in ExitCode)
    parser = argparse.ArgumentParser(
        prog="portal_driver drive",
        description="Drive the portal for one company. The card's PIN is read from standard input.",
        epilog=f"exit codes:\n{codes}\n\ndocs/driver.md explains plan, events, profile and exit codes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plan", required=True, metavar="FILE", help="the plan, as JSON")
    parser.add_argument("--profile", metavar="NAME", help="a profile's name, or the path of a .toml file")
    parser.add_argument("--portal", metavar="URL", help="the portal's home page")
    parser.add_argument("--control", metavar="URL", help="the card control, ws://…")
    parser.add_argument("--evidence", metavar="DIR", help="where evidence is kept")
    parser.add_argument(
        "--stop-before", choices=[str(click) for click in Click], help="end before this click"
    )
    add_browser_options(parser)
    parser.add_argument(
        "--arm",
        choices=("ask", "all"),
        default="ask",
        help="ask on the terminal before each click that cannot be undone (default), or agree to all now",
    )
    return parser


def add_browser_options(parser: argparse.ArgumentParser) -> None:
    """Which browser is driven, and whether it is seen."""
    parser.add_argument(
        "--channel",
        choices=[channel.value for channel in Channel if channel],
        help="drive this computer's own Chrome or Edge",
    )
    parser.add_argument("--headed", action="store_true", help="show the browser's window")
