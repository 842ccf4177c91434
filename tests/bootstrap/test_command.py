"""`./run`, as it is called from a shell."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import command
from bootstrap.checks import Check, check_all
from bootstrap.places import ROOT, Trouble

PARTS = [ROOT / "run", *sorted((ROOT / "bootstrap").glob("*.py"))]
LOCKS = ("requirements.lock", "requirements-uv.lock", "requirements-node.lock")
NPM_LOCKS = ("package-lock.json", "bootstrap/chromium/package-lock.json")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run"), *words], capture_output=True, text=True, cwd="/"
    )


@pytest.mark.parametrize("words", [(), ("help",), ("--help",)])
def test_help_names_every_verb(words: tuple[str, ...]) -> None:
    answer = run(*words)
    verbs = set(re.findall(r"^  (\w+) ", answer.stdout, re.MULTILINE))
    assert (answer.returncode, verbs) == (0, {*command._PROGRAMS, "bench", "check", "setup", "help"})


def test_a_word_that_is_no_verb_is_named() -> None:
    answer = run("renew")
    assert (answer.returncode, answer.stdout, answer.stderr.splitlines()[0]) == (
        2,
        "",
        '"renew" is not a verb of ./run.',
    )


def test_a_second_set_up_does_and_says_nothing() -> None:
    answer = run("setup")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize("file", PARTS, ids=lambda file: file.name)
def test_any_python_from_3_8_on_reads_the_set_up(file: Path) -> None:
    assert ast.parse(file.read_text(), feature_version=(3, 8))


def test_the_set_up_needs_the_standard_library_alone() -> None:
    code = "import bootstrap.command, bootstrap.machine, bootstrap.checks"
    no_packages = [sys.executable, "-S", "-c", code]
    assert subprocess.run(no_packages, cwd=ROOT).returncode == 0


def test_every_check_runs_also_after_one_failed(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Check("wrong", ["sh", "-c", "echo what is wrong; exit 1"])
    right = Check("right", ["true"])
    assert (check_all({}, (wrong, right)), check_all({}, (right,))) == (1, 0)
    told = re.sub(r"\d+\.\d s", "", capsys.readouterr().out).split()
    assert told == ["wrong", "failed", "what", "is", "wrong", "right", "ok", "right", "ok"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_python_package_is_pinned_by_hash_and_without_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [
        block for block in blocks if not re.match(r"[\w.\[\]-]+==\S+.*?--hash=sha256:", block, re.DOTALL)
    ] == []
    assert "://" not in text


@pytest.mark.parametrize("lock", NPM_LOCKS)
def test_every_npm_package_is_pinned_by_hash_and_without_an_address(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    pinned = [package for name, package in packages.items() if name]
    assert pinned != []
    assert [package for package in pinned if "integrity" not in package or "resolved" in package] == []


def test_a_benchmark_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(Trouble, match=r"one of: .*engine") as trouble:
        command._benchmark(["nothing"])
    assert not {"machine", "filling"} & set(str(trouble.value).replace(",", "").split())
    assert command._benchmark(["engine", "--rows", "10"]) == ["-m", "benchmarks.engine", "--rows", "10"]
