"""Finding a Python: real programs on a PATH of our own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bootstrap import pythons
from bootstrap.places import Trouble


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two directories on PATH, the first of which a dead pyenv shim would be in."""
    monkeypatch.delenv(pythons.SETTING, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/first:{tmp_path}/second:/usr/bin:/bin")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return tmp_path


def program(file: Path, script: str) -> str:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_a_python_says_what_it_is() -> None:
    version = f"3.{sys.version_info.minor}"
    assert pythons.probe(sys.executable) == pythons.Python(sys.executable, version, makes_environments=True)


@pytest.mark.parametrize(
    "script",
    [
        "exit 127",
        "echo 3 11 True",
        "echo 3 15 True",
        "echo 2 7 True",
        "echo pyenv: no such command",
        "kill -9 $$",
    ],
)
def test_what_is_no_python_for_us_is_not_taken(path: Path, script: str) -> None:
    assert pythons.probe(program(path / "python3.13", script)) is None


def test_a_dead_shim_does_not_hide_the_python_behind_it(path: Path) -> None:
    program(path / "first" / "python3.13", "exit 127")
    behind = program(path / "second" / "python3.13", "echo 3 13 True")
    assert behind in [found for found in pythons._candidates() if pythons.probe(found)]


def test_the_setting_wins(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = program(path / "mine", "echo 3 14 False")
    monkeypatch.setenv(pythons.SETTING, asked)
    assert pythons.find_python() == pythons.Python(asked, "3.14", makes_environments=False)


def test_a_setting_that_is_no_python_is_refused_not_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pythons.SETTING, "/bin/ls")
    with pytest.raises(Trouble) as trouble:
        pythons.find_python()
    assert str(trouble.value) == 'XUBAO_PYTHON is "/bin/ls", which is no working Python 3.12, 3.13 or 3.14.'
