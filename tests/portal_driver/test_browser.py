"""The browser is looked for in a fixed order, and what was tried is named when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal_driver.browser import REMEDY, SETTING, control_arguments, find_browser, wiped_directory
from portal_driver.contract import Reason
from portal_driver.errors import PortalUnavailable

USUAL = ("ws://127.0.0.1:61232", "wss://wss.singlewindow.cn:61231")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer without any browser."""
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_setting_is_used(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    asked_for = program(nowhere / "mine")
    monkeypatch.setenv(SETTING, str(asked_for))

    found = find_browser()

    assert (found.executable, found.found_in) == (asked_for, SETTING)


def test_a_setting_that_leads_nowhere_is_not_replaced(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    program(nowhere / "chromium")
    monkeypatch.setenv(SETTING, "/no/such/browser")

    with pytest.raises(PortalUnavailable) as missing:
        find_browser()

    assert missing.value.reason is Reason.BROWSER_MISSING
    assert missing.value.detail["tried"].startswith("/no/such/browser (asked for by PLAYWRIGHT_CHROMIUM")


def test_the_plans_browser_comes_before_the_setting(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SETTING, "/no/such/browser")
    planned = program(nowhere / "planned")

    assert find_browser(str(planned)).executable == planned


def test_playwrights_own_shell_comes_before_the_systems_browser(nowhere: Path):
    program(nowhere / "google-chrome")
    shell = program(nowhere / "cache/chromium_headless_shell-1200/chrome-linux/headless_shell")

    assert find_browser().executable == shell


def test_a_visible_window_needs_a_full_browser(nowhere: Path):
    program(nowhere / "cache/chromium_headless_shell-1200/chrome-linux/headless_shell")
    chrome = program(nowhere / "google-chrome")

    assert find_browser(headless=False).executable == chrome


def test_what_npm_brought_is_the_last_resort(nowhere: Path):
    brought = program(nowhere / "var/chromium/chromium")

    assert find_browser().executable == brought


def test_no_browser_names_all_that_was_tried_and_the_one_command(nowhere: Path):
    with pytest.raises(PortalUnavailable) as missing:
        find_browser()

    detail = missing.value.detail
    assert detail["error"] == "No browser was found."
    assert detail["remedy"] == f"Run: {REMEDY}"
    assert "chromium-headless-shell" in detail["tried"].split("; ")
    assert str(nowhere / "var/chromium/chromium") in detail["tried"].split("; ")


def test_a_control_where_the_page_looks_anyway_needs_no_argument():
    assert control_arguments("ws://127.0.0.1:61232", USUAL) == []


def test_a_control_elsewhere_is_put_where_the_page_looks():
    rules = "MAP 127.0.0.1:61232 127.0.0.1:50123, MAP wss.singlewindow.cn:61231 127.0.0.1:50123"

    assert control_arguments("ws://127.0.0.1:50123", USUAL) == [f"--host-resolver-rules={rules}"]


def test_the_directory_is_wiped_after_and_so_are_those_of_the_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = tmp_path / "xubao-driver-999999999-x"
    alive = tmp_path / f"xubao-driver-{os.getpid()}-x"
    for directory in (dead, alive):
        directory.mkdir()

    with wiped_directory() as mine:
        assert sorted(tmp_path.iterdir()) == sorted([alive, mine])

    assert list(tmp_path.iterdir()) == [alive]
