"""The driver as its starter meets it: a child process that speaks one JSON object a line."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from portal_driver.contract import (
    Arm,
    Armed,
    Click,
    Event,
    Finished,
    Message,
    NeedPin,
    Outcome,
    Pin,
    Plan,
    Reason,
    Started,
    Waiting,
    decode,
    encode,
)
from portal_driver.simulator.companies import Company
from tests.portal_driver.desk import DESK, Desk

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


class Child:
    """A driver process and the lines that went to and fro."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.log = directory / "stderr"
        self.lines: list[str] = []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal_driver", *arguments],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(self.temporary), "DEBUG": "pw:*"},
                start_new_session=True,
            )

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> Message:
        """The next line; a driver that says nothing for a minute is stuck."""
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 60)[0]
        self.lines.append(self.process.stdout.readline().decode())
        return decode(self.lines[-1])

    def hear_until[E: Event](self, kind: type[E]) -> E:
        while not isinstance(event := self.hear(), kind):
            assert not isinstance(event, Finished), event
        return event

    def hang_up(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def family(self) -> set[int]:
        """The living processes that descend from the child: the browser and Playwright's driver."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(status.parent.name)] = int(fields[1])
        family = {self.process.pid}
        while grown := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= grown
        return family - {self.process.pid}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def begin(*arguments: str) -> Child:
        children.append(Child(tmp_path, *arguments))
        return children[-1]

    yield begin
    for child in children:
        child.close()


@pytest.fixture
def plan(desk: Desk, hongda: Company, profile_file: Path) -> Plan:
    desk.portal.insert(DESK, hongda.card.number)
    return desk.plan(hongda, profile=str(profile_file))


def all_gone(pids: set[int]) -> bool:
    return not any(map(is_alive, pids))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:  # it ended before it could be read
        return False


def wait_until(claim: Callable[[], bool]) -> None:
    """Wait for the world to become so; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_whole_renewal_over_the_pipe(start: Callable[..., Child], plan: Plan, desk: Desk, hongda: Company):
    child = start()
    child.say(encode(plan))
    assert isinstance(child.hear(), Started)
    child.hear_until(NeedPin)
    child.say(encode(Pin(hongda.card.pin)))
    assert child.hear_until(Arm).click is Click.CONFIRM
    child.say(encode(Armed(Click.CONFIRM)))

    finished = child.hear_until(Finished)

    assert finished.outcome is Outcome.SUBMITTED
    assert child.process.wait(10) == 0
    assert desk.clicks(hongda)["confirm"] == (1, 1)
    assert list(child.temporary.iterdir()) == []


def test_the_pin_is_in_no_line_no_log_and_no_evidence(
    start: Callable[..., Child], plan: Plan, desk: Desk, hongda: Company
):
    """Asked for, typed, refused: with Playwright's debug log asked for, too."""
    canary = "31415926"
    child = start()
    child.say(encode(plan))
    child.hear_until(NeedPin)
    child.say(encode(Pin(canary)))
    finished = child.hear_until(Finished)
    child.process.wait(10)

    assert finished.reason is Reason.PIN_REFUSED
    kept = [path for path in Path(plan.evidence).rglob("*") if path.is_file()]
    assert len(kept) > 0
    spoken = "".join(child.lines).encode()
    for content in (spoken, child.log.read_bytes(), *(path.read_bytes() for path in kept)):
        assert content.count(canary.encode()) == 0
    assert child.log.read_text() == ""


@pytest.mark.parametrize("moment", [Started, NeedPin, Waiting, Arm])
def test_the_end_of_standard_input_closes_everything(
    start: Callable[..., Child], plan: Plan, desk: Desk, hongda: Company, moment: type[Event]
):
    child = start()
    child.say(encode(plan))
    for expected in (Started, NeedPin, Waiting, Arm):
        event = child.hear_until(expected)
        if isinstance(event, moment):
            break
        if isinstance(event, NeedPin):
            child.say(encode(Pin(hongda.card.pin)))
    family = child.family()

    assert child.hang_up() == 4
    wait_until(lambda: all_gone(family))
    assert len(family) > 0
    assert list(child.temporary.iterdir()) == []
    assert desk.clicks(hongda)["confirm"] == (0, 0)


def test_it_goes_when_its_starter_leaves_before_any_plan(start: Callable[..., Child]):
    child = start()

    assert child.hang_up() == 4
    assert list(child.temporary.iterdir()) == []


def test_a_dead_browser_is_noticed_at_once(start: Callable[..., Child], plan: Plan, hongda: Company):
    child = start()
    child.say(encode(plan))
    child.hear_until(NeedPin)
    for pid in child.family():
        # Killing one of them ends others, perhaps before their turn.
        with suppress(ProcessLookupError, FileNotFoundError):
            if b"--headless" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, 9)
    child.say(encode(Pin(hongda.card.pin)))

    finished = child.hear_until(Finished)

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.BROWSER_GONE)


def test_a_newer_run_ends_an_older_one_before_it_touches_the_card(
    start: Callable[..., Child], plan: Plan, tmp_path: Path, hongda: Company
):
    older = start()
    older.say(encode(plan))
    older.hear_until(NeedPin)
    newer_directory = tmp_path / "newer"
    newer_directory.mkdir()
    newer = Child(newer_directory)
    newer.say(encode(replace(plan, evidence=str(newer_directory))))

    newer.hear_until(NeedPin)

    assert older.process.wait(10) == 4
    newer.close()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("hello", "not a JSON object with a known type"),
        (encode(Armed(Click.CONFIRM)), "armed: a plan is expected first"),
        ('{"type": "plan", "pin": "31415926"}', "plan: unknown field pin"),
    ],
)
def test_a_line_that_is_no_plan_is_answered(start: Callable[..., Child], line: str, error: str):
    child = start()
    child.say(line)

    assert child.hear() == Finished(Outcome.LATER, Reason.DRIVER_FAILED, {"error": error})


def test_an_answer_about_another_click_presses_nothing(
    start: Callable[..., Child], plan: Plan, desk: Desk, hongda: Company
):
    child = start()
    child.say(encode(plan))
    child.hear_until(NeedPin)
    child.say(encode(Pin(hongda.card.pin)))
    child.hear_until(Arm)
    child.say(encode(Armed(Click.RECEIPT)))

    finished = child.hear_until(Finished)

    assert finished == Finished(
        Outcome.LATER, Reason.DRIVER_FAILED, {"error": "armed: an answer about confirm is expected"}
    )
    assert desk.clicks(hongda)["confirm"] == (0, 0)


# --- stand-alone ----------------------------------------------------------------------------------------


def drive(plan: Plan, tmp_path: Path, pin: str, *options: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "plan.json"
    file.write_text(
        json.dumps({**json.loads(encode(plan)), "portal": "http://127.0.0.1:9"}), encoding="utf-8"
    )
    command = [sys.executable, "-m", "portal_driver", "drive", "--plan", str(file), "--portal", plan.portal]
    return subprocess.run(
        [*command, *options],
        input=f"{pin}\n",
        text=True,
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_one_company_from_the_command_line(plan: Plan, tmp_path: Path, desk: Desk, hongda: Company):
    done = drive(plan, tmp_path, hongda.card.pin, "--arm", "all")

    events = [decode(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (10, "")
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert desk.clicks(hongda)["confirm"] == (1, 1)


def test_it_stops_before_a_click_from_the_command_line(
    plan: Plan, tmp_path: Path, desk: Desk, hongda: Company
):
    done = drive(plan, tmp_path, hongda.card.pin, "--arm", "all", "--stop-before", "confirm")

    assert done.returncode == 11
    assert desk.clicks(hongda)["confirm"] == (0, 0)


def test_without_a_terminal_nobody_can_agree_to_a_click(
    plan: Plan, tmp_path: Path, desk: Desk, hongda: Company
):
    done = drive(plan, tmp_path, hongda.card.pin)

    assert done.returncode == 11
    assert decode(done.stdout.splitlines()[-1]) == Finished(
        Outcome.STOPPED, Reason.NOT_ARMED, {"click": "confirm", "why": "not agreed to at the terminal"}
    )
    assert desk.clicks(hongda)["confirm"] == (0, 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--profile", "2099"], "2099.toml: cannot be read; profiles at hand: 2024"),
        (["--stop-before", "lunch"], "invalid choice: 'lunch'"),
    ],
)
def test_a_wrong_command_line_is_answered_before_anything_is_done(
    plan: Plan, tmp_path: Path, options: list[str], says: str
):
    done = drive(plan, tmp_path, "", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_help_names_every_exit_code():
    done = subprocess.run(
        [sys.executable, "-m", "portal_driver", "drive", "--help"],
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=True,
    )

    named = done.stdout.partition("exit codes:\n")[2].partition("\n\n")[0]
    assert [line.split() for line in named.splitlines()] == [
        ["0", "complete"],
        ["2", "usage"],
        ["4", "interrupted"],
        ["10", "submitted"],
        ["11", "stopped"],
        ["20", "refused"],
        ["21", "person_needed"],
        ["22", "later"],
        ["23", "unknown"],
    ]
