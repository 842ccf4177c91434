"""One browser a run: found in a fixed order, launched with a profile of its own, wiped after."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Playwright
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Channel, Reason
from portal_driver.errors import PortalUnavailable

SETTING = "PLAYWRIGHT_CHROMIUM"
REMEDY = "python -m playwright install --only-shell chromium"

_ON_PATH = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge",
)
# Debian's commands of that name are shell wrappers; the browser itself lies here.
_BEHIND_WRAPPERS = {
    "chromium-headless-shell": "/usr/lib/chromium/chromium-headless-shell",
    "chromium": "/usr/lib/chromium/chromium",
}
_APPLICATIONS = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
_PLAYWRIGHT_CACHE = {
    "darwin": Path("~/Library/Caches/ms-playwright"),
    "win32": Path("~/AppData/Local/ms-playwright"),
}
_CACHED = (
    "chromium_headless_shell-*/chrome-*/*headless*shell*",
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/chrome.exe",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_FROM_NPM = Path("var/chromium/chromium")
_WIPED_PREFIX = "xubao-driver-"


@dataclass(frozen=True)
class FoundBrowser:
    """An executable that exists and where the search found it, or a channel that Playwright finds."""

    executable: Path | None
    found_in: str
    channel: Channel = Channel.ANY

    @property
    def name(self) -> str:
        """What it is called: the program's name, or the channel's."""
        return self.executable.name if self.executable else str(self.channel)


def find_browser(
    asked_for: str = "", *, channel: Channel = Channel.ANY, headless: bool = True
) -> FoundBrowser:
    """The browser to drive. `asked_for` or `channel`, else the setting PLAYWRIGHT_CHROMIUM, is used or fails.

    Nothing is launched while searching; whether a channel is installed is known at its launch. A
    visible window needs a full browser, so the headless shells are passed over where `headless` is
    false. Raises `PortalUnavailable` with `Reason.BROWSER_MISSING`, all places that were tried, and
    the one command to run.
    """
    if asked_for and channel:
        raise _missing(f"{asked_for} and {channel} (the plan names both)", "Name one of them in the plan.")
    if channel:
        return FoundBrowser(None, "this computer's own", channel)
    setting = os.environ.get(SETTING, "")
    asked = asked_for or setting
    if asked and (headless or not _is_shell(Path(asked))):
        return _the_one_asked_for(asked, "the plan" if asked_for else SETTING)
    tried = []
    for found_in, candidate in _candidates():
        if candidate.is_file() and (headless or not _is_shell(candidate)):
            return FoundBrowser(candidate, found_in)
        tried.append(str(candidate))
    raise _missing("; ".join(tried))


def _is_shell(browser: Path) -> bool:
    """Whether this browser has no window to show."""
    return "headless" in browser.name


def _the_one_asked_for(path: str, asker: str) -> FoundBrowser:
    if not Path(path).is_file():
        raise _missing(f"{path} (asked for by {asker}, so nothing else is used instead)")
    return FoundBrowser(Path(path), asker)


def _missing(tried: str, remedy: str = f"Run: {REMEDY}") -> PortalUnavailable:
    return PortalUnavailable(
        Reason.BROWSER_MISSING, error="No browser was found.", tried=tried, remedy=remedy
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    """All places in order; a place with a pattern names the pattern when nothing matches it."""
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    root = Path(cache) if cache else _PLAYWRIGHT_CACHE.get(sys.platform, Path("~/.cache/ms-playwright"))
    for pattern in _CACHED:
        newest_first = sorted(root.expanduser().glob(pattern), reverse=True)
        yield from (("Playwright's cache", path) for path in newest_first or [root / pattern])
    for name in _ON_PATH:
        found = shutil.which(name)
        behind = Path(_BEHIND_WRAPPERS.get(name, ""))
        yield "PATH", behind if found and behind.is_file() else Path(found or name)
    yield from (("applications", Path(path)) for path in _APPLICATIONS.get(sys.platform, ()))
    yield "var/chromium", _FROM_NPM.absolute()


@contextlib.contextmanager
def wiped_directory() -> Iterator[Path]:
    """A directory of this process alone for the browser's profile, gone when the run ends.

    What processes that were killed left behind is removed first.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_WIPED_PREFIX}*"):
        if not _is_alive(left.name.removeprefix(_WIPED_PREFIX).split("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{_WIPED_PREFIX}{os.getpid()}-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    if sys.platform == "win32":
        return True  # os.kill would end it there; Windows does not remove files in use anyway
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


@contextlib.asynccontextmanager
async def open_browser(
    playwright: Playwright, found: FoundBrowser, *, headless: bool, directory: Path, arguments: list[str]
) -> AsyncIterator[tuple[Browser, BrowserContext]]:
    """A fresh browser and its one context; both are closed on leaving.

    Its profile is a new one among Playwright's temporary files, which lie in `directory` too
    (`readied_playwright`), also for Chrome and Edge: a person's own profile is never opened. Service
    workers are blocked because their requests would pass by the gate. Nothing is traced and nothing
    hides that the browser is automated.
    """
    if not headless:
        _need_screen()
    try:
        browser = await playwright.chromium.launch(
            executable_path=found.executable,
            channel=found.channel or None,
            headless=headless,
            args=arguments,
            env={**os.environ, "TMPDIR": str(directory)},
            downloads_path=directory,
        )
    except PlaywrightError as error:
        raise _not_launched(found, error) from None
    try:
        context = await browser.new_context(
            accept_downloads=True,
            service_workers="block",
            locale="zh-CN",
            viewport={"width": 1280, "height": 900},
        )
        yield browser, context
    finally:
        with contextlib.suppress(PlaywrightError):
            await browser.close()


def _need_screen() -> None:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise PortalUnavailable(
            Reason.BROWSER_MISSING,
            error="A visible window was asked for, and there is no screen (DISPLAY is not set).",
            remedy="Run it in a terminal on the desk's own screen, or without a visible window.",
        )


def _not_launched(found: FoundBrowser, error: PlaywrightError) -> PortalUnavailable:
    """Playwright's own search for a channel speaks of a distribution when it finds none."""
    lines = error.message.splitlines()
    said = next((line for line in lines if "distribution" in line), "")
    if found.channel and said:
        return _missing(
            said.removeprefix("BrowserType.launch: "),
            "Install it from its maker's site, or choose another channel or none.",
        )
    return PortalUnavailable(Reason.BROWSER_GONE, error=lines[0], browser=found.name)


def control_arguments(control: str, page_addresses: tuple[str, ...]) -> list[str]:
    """Browser arguments that lead the sign-in page's own script to the plan's card control.

    The page connects to fixed addresses. Where the desk's control listens on one of them nothing
    is passed; elsewhere (another port, another machine on the desk's network) those host names
    and ports are mapped to it.
    """
    wanted = urlsplit(control)
    if any(_end(urlsplit(address)) == _end(wanted) for address in page_addresses):
        return []
    ends = [_end(urlsplit(address)) for address in page_addresses]
    rules = ", ".join(f"MAP {host}:{port} {wanted.hostname}:{wanted.port}" for host, port in ends)
    return [f"--host-resolver-rules={rules}"]


def _end(address: object) -> tuple[str, int]:
    host, port, scheme = (getattr(address, name) for name in ("hostname", "port", "scheme"))
    return str(host), int(port or (443 if scheme == "wss" else 80))
