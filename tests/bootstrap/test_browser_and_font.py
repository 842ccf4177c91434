"""The browser starts, and writes Chinese."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap import browser, fonts, machine
from bootstrap.places import Trouble


@pytest.mark.parametrize("script", ["exit 127", "echo error while loading shared libraries >&2; exit 127"])
def test_a_browser_whose_libraries_are_missing_does_not_count(tmp_path: Path, script: str) -> None:
    broken = tmp_path / "chromium"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    assert not browser.runs(str(broken))


def test_a_browser_that_is_not_there_does_not_count(tmp_path: Path) -> None:
    assert not browser.runs(str(tmp_path / "chromium"))


@pytest.mark.browser
def test_the_browser_that_the_set_up_found_runs() -> None:
    assert browser.runs(machine.environment()[browser.SETTING])


def test_a_browser_that_was_asked_for_and_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.SETTING, "/no/such/chromium")
    with pytest.raises(Trouble) as trouble:
        machine.environment()
    assert str(trouble.value) == 'PLAYWRIGHT_CHROMIUM is "/no/such/chromium"; there is no such file.'


@pytest.mark.browser
def test_chinese_is_printed_as_characters_not_as_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a font every character is the same box: two pictures of different ones would be equal.
    environment = machine.environment()
    pictures = [_picture(text, tmp_path / text, environment) for text in ("续", "保")]
    assert pictures[0] != pictures[1]


def test_without_fontconfigs_tools_our_font_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/no/such/directory")
    config = fonts.font_config()
    assert config is not None
    listed = subprocess.run(
        ["/usr/bin/fc-list", ":lang=zh", "family"],
        env={"FONTCONFIG_FILE": config},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Noto Sans CJK SC" in listed


def _picture(text: str, directory: Path, environment: dict[str, str]) -> bytes:
    directory.mkdir()
    page = directory / "page.html"
    page.write_text(f'<meta charset="utf-8"><h1>{text}</h1>')
    subprocess.run(
        [
            environment[browser.SETTING],
            "--headless",
            "--no-sandbox",
            f"--user-data-dir={directory}/profile",
            f"--screenshot={directory}/page.png",
            "--window-size=100,100",
            page.as_uri(),
        ],
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return (directory / "page.png").read_bytes()
