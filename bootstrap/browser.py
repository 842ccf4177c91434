"""A browser for the driver: the one that the driver finds, else one that is got for it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bootstrap.frontend import npm_ci
from bootstrap.places import PYTHON, ROOT, VAR, Trouble, say

SETTING = "PLAYWRIGHT_CHROMIUM"
_DEBIAN = Path("/usr/lib/chromium/chromium-headless-shell")
_NPM = VAR / "chromium"


def browser() -> str:
    """The path of a browser that runs; raises `Trouble` with all that was tried and what to run.

    Looks where the driver looks, then tries Playwright's own, Debian's (as root) and npm's.
    """
    found = _found_by_the_driver()
    path = found.get("browser")
    if path and runs(path):
        return str(path)
    tried = [f"{path} (found, but does not start)" if path else f"looked at: {found['tried']}"]
    for name, get in _ways():
        say(f"No browser that starts yet; trying {name}")
        got = get()
        if got and runs(got):
            return got
        tried.append(name)
    raise Trouble(
        f"No browser could be had. Tried: {'; '.join(tried)}. "
        f"Run: {PYTHON} -m playwright install --with-deps --only-shell chromium   "
        f"(or set {SETTING}=/path/to/a/chromium)"
    )


def runs(path: str) -> bool:
    """Whether the browser starts at all; one whose system libraries are missing does not.

    Asked for its version only: a failed launch by Playwright would leave directories behind.
    """
    try:
        quiet = subprocess.DEVNULL
        return subprocess.run([path, "--version"], stdout=quiet, stderr=quiet, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _found_by_the_driver() -> dict[str, str]:
    """The driver's own search, so that the two never differ; Playwright lies in `.venv` only."""
    answer = subprocess.run(
        [str(PYTHON), "-m", "bootstrap.find_browser"], cwd=str(ROOT), stdout=subprocess.PIPE, check=True
    )
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def _ways() -> Iterator[tuple[str, Callable[[], str | None]]]:
    """The ways to get one that exist on this machine, best first."""
    yield "playwright install --only-shell chromium", _from_playwright
    if shutil.which("apt-get") and os.geteuid() == 0:
        yield "apt-get install chromium-headless-shell", _from_debian
    if sys.platform.startswith("linux") and platform.machine() == "x86_64":
        yield "npm's @sparticuz/chromium", _from_npm


def _from_playwright() -> str | None:
    # Where packets are dropped instead of refused, each try would wait for half a minute.
    patience = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000"}
    command = [str(PYTHON), "-m", "playwright", "install", "--only-shell", "chromium"]
    return _found_by_the_driver().get("browser") if _succeeds(command, patience) else None


def _from_debian() -> str | None:
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium-headless-shell"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # The lists of a fresh image are empty; on a machine in use they are there and the update is spared.
    got = _succeeds(install, quiet) or (
        _succeeds(["apt-get", "update", "-q"], quiet) and _succeeds(install, quiet)
    )
    return str(_DEBIAN) if got else None


def _from_npm() -> str | None:
    _NPM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(str(ROOT / "bootstrap" / "chromium" / name), str(_NPM))
    try:
        npm_ci(_NPM)
    except Trouble:
        return None
    unpack = [str(PYTHON), "-m", "bootstrap.unpack_chromium", str(_NPM)]
    return str(_NPM / "chromium") if subprocess.run(unpack, cwd=str(ROOT)).returncode == 0 else None


def _succeeds(command: list[str], environment: dict[str, str]) -> bool:
    """Whether it ended well. What it says is left out: the next way may succeed."""
    quiet = subprocess.DEVNULL
    return (
        subprocess.run(command, env={**os.environ, **environment}, stdout=quiet, stderr=quiet).returncode == 0
    )
