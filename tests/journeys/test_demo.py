"""The README's first command, with a short season: what it does, and what it leaves behind."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from tests.agency.engines.worlds import eventually, place

pytestmark = [pytest.mark.journey, pytest.mark.browser]

# Of the sample: authorised before; never authorised; refused by readiness; a wrong PIN in the vault.
SHORT = (0, 5, 4, 12)


@pytest.fixture
def runtime() -> Iterator[Path]:
    with place() as directory:
        yield directory


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """A file with a few companies of the sample."""
    whole = json.loads((settings.BASE_DIR / "samples" / "season.json").read_text(encoding="utf-8"))
    short = tmp_path / "season.json"
    short.write_text(json.dumps({"companies": [whole["companies"][place] for place in SHORT]}))
    return short


type Demo = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def demo(runtime: Path, season: Path) -> Iterator[Demo]:
    """Starts a demo; one that a failed test left running is ended here."""
    with ExitStack() as ends:

        def start(*words: str, output: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
            played = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "demo", "--desks", "2", "--port", "0"),
                    *("--companies", str(season), *words),
                ],
                cwd=settings.BASE_DIR,
                env=os.environ | {"XUBAO_RUNTIME": str(runtime), "DRIVER_READY_S": "120"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ends.callback(end, played)
            return played

        yield start


def end(played: subprocess.Popen[bytes]) -> None:
    """End a demo that still runs, and collect it."""
    if played.poll() is None:
        played.send_signal(signal.SIGTERM)
        played.communicate()
    elif played.stdout is not None:
        played.stdout.close()


def processes_about(runtime: Path) -> list[str]:
    """Every living process whose environment or arguments name the runtime directory (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                about = str(runtime).encode() in (entry / "environ").read_bytes() + words
            except OSError:  # it has ended meanwhile
                continue
            if about:
                found.append(f"{entry.name} {words.replace(b'\0', b' ').decode()}")
    return found


def is_at_work(runtime: Path) -> bool:
    """Whether a browser of the demo runs."""
    return any("playwright_chromiumdev_profile" in told for told in processes_about(runtime))


def assert_nothing_is_left(runtime: Path) -> None:
    assert eventually(lambda: processes_about(runtime) == []), processes_about(runtime)
    left = [path for path in runtime.rglob("*") if re.search(r"xubao-run-|playwright", path.name)]
    assert left == []


def test_the_demo_takes_its_companies_from_the_workbook_to_the_policy(runtime: Path, demo: Demo) -> None:
    played = demo("--once")
    said, _ = played.communicate(timeout=240)
    result = json.loads(said.decode().splitlines()[-1])
    assert played.returncode == 0
    assert {
        name: result[name] for name in ("companies", "not_ready", "complete", "attention", "refused")
    } == {
        "companies": 4,
        "not_ready": {"email_refused": 1},
        "complete": 2,
        "attention": {"pin_refused": 1},
        "refused": {},
    }
    assert {click: counted["max"] for click, counted in result["clicks"].items()} == {
        "confirm": 1,
        "seal": 1,
        "sign": 1,
        "authorize": 1,
        "receipt": 1,
    }
    assert result["clicks"]["confirm"]["total"] == 2
    assert_nothing_is_left(runtime)


@pytest.mark.parametrize(
    "signum",
    [
        signal.SIGINT,
        # The engines' own tests kill them every day: `tests/agency/engines`.
        pytest.param(signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_a_demo_that_is_ended_in_the_middle_leaves_nothing(
    runtime: Path, demo: Demo, signum: signal.Signals
) -> None:
    played = demo()
    assert eventually(lambda: is_at_work(runtime), within_s=90)
    played.send_signal(signum)
    played.communicate(timeout=60)
    assert_nothing_is_left(runtime)


def test_a_second_demo_beside_it_is_refused_with_one_line(runtime: Path, demo: Demo) -> None:
    first = demo()
    assert eventually(lambda: (runtime / "log" / "postgres.log").exists())
    second = demo()
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert len(said.decode().splitlines()) == 1
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert_nothing_is_left(runtime)


def test_in_a_terminal_the_stages_are_drawn_in_place(runtime: Path, demo: Demo) -> None:
    ours, theirs = pty.openpty()
    played = demo(output=theirs)
    os.close(theirs)
    said = heard(ours, until="收悉")
    assert "\x1b[2K  确认" in said
    played.send_signal(signal.SIGINT)
    played.send_signal(signal.SIGINT)
    heard(ours, until=None)
    assert played.wait(60) == 128 + signal.SIGINT
    assert_nothing_is_left(runtime)


def heard(terminal: int, *, until: str | None) -> str:
    """What a program writes to its terminal until it has said this, or until it closes it."""
    said = b""
    while until is None or until.encode() not in said:
        assert select.select([terminal], [], [], 90)[0], "the program has fallen silent"
        try:
            said += os.read(terminal, 4096)
        except OSError:  # its end is closed
            os.close(terminal)
            break
    return said.decode(errors="replace")
