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

from portal_driver.contract import Reason
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
    """An executable that exists, and where the search found it."""

    executable: Path
    found_in: str


def find_browser(asked_for: str = "", *, headless: bool = True) -> FoundBrowser:
    """The browser to drive. `asked_for`, else the setting PLAYWRIGHT_CHROMIUM, is used or fails.

    Nothing is launched while searching. A visible window needs a full browser, so the headless
    shells are passed over where `headless` is false. Raises `PortalUnavailable` with
    `Reason.BROWSER_MISSING`, all places that were tried, and the one command to run.
    """
    setting = os.environ.get(SETTING, "")
    if asked_for or setting:
        return _the_one_asked_for(asked_for or setting, "the plan" if asked_for else SETTING)
    tried = []
    for found_in, candidate in _candidates():
        shell = "headless" in candidate.name
        if candidate.is_file() and (headless or not shell):
            return FoundBrowser(candidate, found_in)
        tried.append(str(candidate))
    raise _missing("; ".join(tried))


def _the_one_asked_for(path: str, asker: str) -> FoundBrowser:
    if not Path(path).is_file():
        raise _missing(f"{path} (asked for by {asker}, so nothing else is used instead)")
    return FoundBrowser(Path(path), asker)


def _missing(tried: str) -> PortalUnavailable:
    return PortalUnavailable(
        Reason.BROWSER_MISSING, error="No browser was found.", tried=tried, remedy=f"Run: {REMEDY}"
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

    Service workers are blocked because their requests would pass by the gate. Nothing is traced
    and nothing hides that the browser is automated.
    """
    try:
        browser = await playwright.chromium.launch(
            executable_path=found.executable,
            headless=headless,
            args=arguments,
            env={**os.environ, "TMPDIR": str(directory)},
            downloads_path=directory,
        )
    except PlaywrightError as error:
        first_line = str(error).splitlines()[0]
        raise PortalUnavailable(
            Reason.BROWSER_GONE, error=first_line, browser=str(found.executable)
        ) from None
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
