"""`python -m portal_driver.simulator`: one line, a clean end, and one sentence for bad input."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "portal_driver.simulator"]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code and the rest of both outputs."""
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_addresses_serves_and_ends_when_told(which: signal.Signals):
    process = start("--desks", "2")
    assert process.stdout
    printed = json.loads(process.stdout.readline())
    assert list(printed) == ["portal", "login", "business", "controls", "api"]
    assert len({printed["portal"], printed["login"], printed["business"], *printed["controls"]}) == 5
    assert len(httpx.get(f"{printed['api']}/state", trust_env=False).json()["companies"]) == 24
    process.send_signal(which)
    assert end(process) == (0, "", "")


def test_it_ends_with_its_standard_input_only_when_asked_to():
    process = start("--until-stdin-closes")
    assert process.stdout
    assert json.loads(process.stdout.readline())["portal"].startswith("http://127.0.0.1:")
    assert end(process) == (0, "", "")


def test_a_skin_is_named_on_the_command_line():
    process = start("--skin", "plain", "--until-stdin-closes")
    assert process.stdout
    business = json.loads(process.stdout.readline())["business"]
    paths = ("/xyb/main.do", "/xwby/home")
    statuses = [httpx.get(f"{business}{path}", trust_env=False).status_code for path in paths]
    end(process)
    assert statuses == [303, 404]


def test_a_port_that_is_taken_is_replaced_and_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--port", str(port), "--until-stdin-closes")
        assert process.stdout
        portal = json.loads(process.stdout.readline())["portal"]
        code, _, err = end(process)
    assert portal != f"http://127.0.0.1:{port}"
    assert (code, err) == (0, f"Port {port} is taken; {portal} is used instead.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--companies", "none.json"], "none.json cannot be read: No such file or directory.\n"),
        (["--companies", "README.txt"], "README.txt cannot be read: No such file or directory.\n"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_code_2(arguments: list[str], sentence: str):
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_a_wrong_check_digit_is_one_sentence_and_code_2(tmp_path: Path):
    raw = json.loads((ROOT / "samples" / "season.json").read_text(encoding="utf-8"))
    raw["companies"][1]["uscc"] = "91441800MAHX346ABA"
    file = tmp_path / "season.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "--companies", str(file)], capture_output=True, text=True, timeout=20, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "Company 2 (清远市远航电子有限公司): 91441800MAHX346ABA is not a valid USCC.\n",
    )


@pytest.mark.parametrize(
    "arguments", [["--read-seconds", "0"], ["--skin", "none"], ["--desks", "none"], ["--port", "-1"]]
)
def test_a_wrong_figure_is_refused_with_code_2(arguments: list[str]):
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
