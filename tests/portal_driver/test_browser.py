"""The browser is looked for in a fixed order, and what was tried is named when there is none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from portal_driver.browser import (
    REMEDY,
    SETTING,
    FoundBrowser,
    control_arguments,
    find_browser,
    open_browser,
    wiped_directory,
)
from portal_driver.contract import (
    BadMessage,
    Channel,
    Company,
    Contact,
    ExpectedCard,
    Plan,
    Reason,
    decode,
)
from portal_driver.drive import drive_parser, read_plan
from portal_driver.errors import PortalUnavailable
from portal_driver.process import readied_playwright
from tests.portal_driver.desk import as_json

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


def test_a_window_is_not_asked_of_a_shell_that_the_set_up_found(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(SETTING, str(program(nowhere / "chromium-headless-shell")))
    chrome = program(nowhere / "google-chrome")

    assert find_browser(headless=False).executable == chrome


def test_a_channel_comes_before_the_setting(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SETTING, str(program(nowhere / "mine")))

    assert find_browser(channel=Channel.EDGE) == FoundBrowser(None, "this computer's own", Channel.EDGE)


def test_a_plan_with_a_browser_and_a_channel_is_answered(nowhere: Path):
    with pytest.raises(PortalUnavailable) as missing:
        find_browser("/mine", channel=Channel.CHROME)

    assert missing.value.reason is Reason.BROWSER_MISSING
    assert missing.value.detail["remedy"] == "Name one of them in the plan."


def test_a_plan_with_another_channel_is_no_plan():
    with pytest.raises(BadMessage, match="plan: a field is missing or has a wrong value"):
        decode('{"type": "plan", "channel": "firefox"}')


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


def test_the_command_line_names_channel_and_window(tmp_path: Path):
    file = tmp_path / "plan.json"
    plan = Plan(
        company=Company("", ""),
        contact=Contact("", "", ""),
        card=ExpectedCard(""),
        year=2026,
        profile="2024",
        portal="",
        control="",
        evidence=str(tmp_path),
    )
    file.write_text(as_json(plan))
    options = drive_parser().parse_args(["--plan", str(file), "--channel", "msedge", "--headed"])

    assert read_plan(options) == replace(plan, channel=Channel.EDGE, headless=False)
    assert read_plan(drive_parser().parse_args(["--plan", str(file)])) == plan


# --- launched ---------------------------------------------------------------------------------

# What programs pass that do not want to be known for automated ones.
HIDING = ("disable-blink-features=automationcontrolled", "user-agent", "exclude-switches", "undetected")


@pytest.fixture
def noting_browser(tmp_path: Path) -> tuple[FoundBrowser, Path]:
    """A browser that writes down what it is started with, and where it does."""
    notes = tmp_path / "arguments"
    script = f'#!/bin/sh\nprintf "%s\\n" "$@" > "{notes}"\nexec "{find_browser().executable}" "$@"\n'
    executable = program(tmp_path / "noting")
    executable.write_text(script)
    return FoundBrowser(executable, "the test"), notes


@pytest.mark.browser
async def test_nothing_hides_that_the_browser_is_automated(noting_browser: tuple[FoundBrowser, Path]):
    found, notes = noting_browser
    arguments = control_arguments("ws://127.0.0.1:50123", USUAL)
    async with readied_playwright() as (playwright, directory):
        async with open_browser(
            playwright, found, headless=True, directory=directory, arguments=arguments
        ) as (_, context):
            page = await context.new_page()
            says = await page.evaluate("navigator.webdriver")

    line = notes.read_text().splitlines()
    assert says is True
    assert [argument for argument in line if any(word in argument.lower() for word in HIDING)] == []
    assert [argument for argument in line if argument in arguments] == arguments


@pytest.mark.browser
async def test_the_browsers_profile_lies_in_the_directory_of_the_run_and_goes_with_it(
    noting_browser: tuple[FoundBrowser, Path],
):
    found, notes = noting_browser
    async with readied_playwright() as (playwright, directory):
        async with open_browser(playwright, found, headless=True, directory=directory, arguments=[]):
            line = notes.read_text().splitlines()
            [profile] = [Path(one.split("=", 1)[1]) for one in line if one.startswith("--user-data-dir=")]
            assert (profile.parent, profile.is_dir()) == (directory, True)

    assert not directory.exists()


async def test_a_channel_that_is_not_installed_says_so():
    # One that nobody installs at a desk.
    found = FoundBrowser(None, "this computer's own", "msedge-dev")  # type: ignore[arg-type]
    async with readied_playwright() as (playwright, directory):
        with pytest.raises(PortalUnavailable) as missing:
            async with open_browser(playwright, found, headless=True, directory=directory, arguments=[]):
                pass

    assert missing.value.reason is Reason.BROWSER_MISSING
    assert missing.value.detail["tried"].startswith("Chromium distribution 'msedge-dev' is not found at ")
    assert missing.value.detail["remedy"] == (
        "Install it from its maker's site, or choose another channel or none."
    )


async def test_a_window_without_a_screen_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    async with readied_playwright() as (playwright, directory):
        with pytest.raises(PortalUnavailable) as missing:
            async with open_browser(
                playwright, find_browser(), headless=False, directory=directory, arguments=[]
            ):
                pass

    assert missing.value.detail == {
        "error": "A visible window was asked for, and there is no screen (DISPLAY is not set).",
        "remedy": "Run it in a terminal on the desk's own screen, or without a visible window.",
    }
