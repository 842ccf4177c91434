"""`./run portal check` as a person at a terminal has it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal_driver.simulator.companies import Company as PortalCompany
from tests.portal_driver.desk import DESK, Desk, as_json

ROOT = Path(__file__).parents[2]
# A program's first terminal becomes its own, as with a login.
AT_A_TERMINAL = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
PATIENCE_S = 90


class Terminal:
    """A terminal with the check running in it."""

    def __init__(self, command: list[str]) -> None:
        self.mine, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            start_new_session=True,
        )

    def until(self, words: str) -> None:
        """Read until the words stand there."""
        give_up_at = time.monotonic() + PATIENCE_S
        while words not in self.said:
            assert time.monotonic() < give_up_at, self.said
            self._read()

    def type(self, text: str) -> None:
        os.write(self.mine, text.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self.process.poll() is None:
            self._read()
        self._read()
        return self.process.wait(PATIENCE_S)

    def _read(self) -> None:
        if select.select([self.mine], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                self.said += os.read(self.mine, 65536).decode("utf-8", "replace")

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        os.close(self._theirs)
        os.close(self.mine)


@pytest.fixture
def command(desk: Desk, profile_file: Path, tmp_path: Path) -> list[str]:
    words = ["--profile", str(profile_file), "--portal", desk.portal.portal]
    place = ["--control", desk.portal.controls[DESK - 1], "--out", str(tmp_path / "out")]
    return [sys.executable, "-m", "portal_driver", "check", *words, *place]


@pytest.fixture
def at_terminal() -> Iterator[Callable[[list[str]], Terminal]]:
    terminals: list[Terminal] = []

    def start(command: list[str]) -> Terminal:
        terminals.append(Terminal(command))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.mark.browser
def test_a_person_types_the_pin_and_reads_the_report(
    at_terminal: Callable[[list[str]], Terminal],
    command: list[str],
    desk: Desk,
    hongda: PortalCompany,
    tmp_path: Path,
):
    desk.portal.insert(DESK, hongda.card.number)
    terminal = at_terminal(command)
    terminal.until("do not sign in): ")
    assert not terminal.echoes
    terminal.type(f"{hongda.card.pin}\n")

    assert terminal.end() == 0

    report = (tmp_path / "out" / "report.txt").read_text(encoding="utf-8")
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert "Words: 31 found, 0 MISSING. Requests stopped: 0." in report.splitlines()
    assert hongda.card.pin not in terminal.said
    assert [file for file in files if hongda.card.pin.encode() in file.read_bytes()] == []
    assert hongda.name not in report
    assert {(tmp_path / "out").stat().st_mode & 0o777, (tmp_path / "out/pages").stat().st_mode & 0o777} == {
        0o700
    }
    assert (desk.pin_tries_spent(hongda), set(desk.clicks(hongda).values())) == (0, {(0, 0)})


@pytest.mark.browser
def test_a_wrong_pin_is_tried_once(
    at_terminal: Callable[[list[str]], Terminal], command: list[str], desk: Desk, hongda: PortalCompany
):
    desk.portal.insert(DESK, hongda.card.number)
    terminal = at_terminal(command)
    terminal.until("do not sign in): ")
    terminal.type("31415926\n")

    assert terminal.end() == 21

    assert "The portal refused the PIN. Do not run the check again with this card" in terminal.said
    assert "31415926" not in terminal.said
    assert desk.pin_tries_spent(hongda) == 1


@pytest.mark.browser
def test_interrupted_while_the_pin_is_asked_for(
    at_terminal: Callable[[list[str]], Terminal], command: list[str], desk: Desk, hongda: PortalCompany
):
    desk.portal.insert(DESK, hongda.card.number)
    terminal = at_terminal(command)
    terminal.until("do not sign in): ")
    terminal.type("\x03")

    assert terminal.end() == 4

    assert terminal.said.splitlines()[-1] == "Interrupted. No PIN was used."
    assert (terminal.echoes, desk.pin_tries_spent(hongda)) == (True, 0)


@pytest.mark.browser
def test_a_card_still_with_the_pin_it_was_issued_with_is_asked_about(
    at_terminal: Callable[[list[str]], Terminal], command: list[str], desk: Desk, hongda: PortalCompany
):
    desk.portal.insert(DESK, hongda.card.number)
    terminal = at_terminal(command)
    terminal.until("do not sign in): ")
    terminal.type("88888888\n")
    terminal.until("still this card's? [y/N] ")
    terminal.type("\n")

    assert terminal.end() == 0

    assert desk.pin_tries_spent(hongda) == 0


@pytest.mark.browser
def test_without_a_terminal_no_pin_is_taken_from_anywhere(
    command: list[str], desk: Desk, hongda: PortalCompany
):
    desk.portal.insert(DESK, hongda.card.number)
    done = subprocess.run(
        command,
        input=f"{hongda.card.pin}\n",
        text=True,
        capture_output=True,
        cwd=ROOT,
        start_new_session=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Reached: the public pages, up to the PIN field" in done.stdout.splitlines()
    assert desk.portal.state()["companies"][hongda.uscc]["sign_ins"] == 0


@pytest.mark.browser
def test_another_card_than_the_plans_is_not_signed_in_with(
    command: list[str], desk: Desk, hongda: PortalCompany, nanyue: PortalCompany, tmp_path: Path
):
    plan = tmp_path / "plan.json"
    plan.write_text(as_json(desk.plan(hongda)), encoding="utf-8")
    desk.portal.insert(DESK, nanyue.card.number)
    done = subprocess.run(
        [*command, "--plan", str(plan)], text=True, capture_output=True, cwd=ROOT, check=False
    )

    assert done.returncode == 21
    assert done.stderr.splitlines() == [
        "The card in the reader is not the plan's. Put the plan's card in, or leave out --plan. "
        "No PIN was used.",
        f"(card_wrong: expected: {hongda.card.number}; seen: {nanyue.card.number})",
    ]


def test_a_portal_that_does_not_answer_is_named(command: list[str], tmp_path: Path):
    done = subprocess.run(
        [*command, "--portal", "http://127.0.0.1:1/"], text=True, capture_output=True, cwd=ROOT, check=False
    )

    assert done.returncode == 22
    assert done.stderr.splitlines()[0] == (
        "Nothing useful came from http://127.0.0.1:1/. Open the same address in a browser by hand; "
        "if that works, look at --portal and at the proxy. No PIN was used."
    )
    assert not (tmp_path / "out" / "report.txt").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--portal", "localhost:8800"],
            '--portal is "localhost:8800"; write an address such as https://host/',
        ),
        (["--control", "127.0.0.1"], '--control is "127.0.0.1"; write an address such as ws://host/'),
        (["--profile", "2099"], "2099.toml: cannot be read; profiles at hand: 2024"),
        (["--plan", "none.json"], "No such file or directory: 'none.json'"),
        (["--let-through", "POST .*"], 'write a line of the report, such as "POST https://host/path"'),
        (["--let-through", "POST https://a.example/xwby/seal"], "irreversible; it never passes"),
        (["--out", "tests"], "something is there; name a directory that is new or empty"),
        (["--channel", "firefox"], "invalid choice: 'firefox'"),
    ],
)
def test_a_wrong_command_line_is_answered_before_anything_is_opened(words: list[str], says: str):
    done = subprocess.run(
        [sys.executable, "-m", "portal_driver", "check", *words],
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_typing_error_in_a_profile_is_named_with_what_was_meant(profile_file: Path):
    text = profile_file.read_text(encoding="utf-8")
    profile_file.write_text(text.replace("card_tab =", "card_tap ="), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "portal_driver", "check", "--profile", str(profile_file)],
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )

    assert done.stderr == "fast.toml: sign_in.card_tap: is not a key of a profile; did you mean 'card_tab'?\n"
    assert done.returncode == 2
