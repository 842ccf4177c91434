"""The whole set-up: each step, done once; a second run only glances at the stamps."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bootstrap import browser, fonts, frontend, packages, translations
from bootstrap.places import PYTHON, ROOT, VAR, Trouble, say

_RECORD = VAR / "setup.json"


def set_up() -> None:
    """Make this checkout ready to run; repeatable, and at once over when nothing is to do.

    Raises `Trouble` with one plain sentence when something cannot be had.
    """
    if _is_ready():
        return
    with _one_at_a_time():
        begun = time.monotonic()
        if not packages.installed():
            packages.install()
        if not frontend.installed():
            frontend.install()
        if not _record_holds():
            _write_record({"browser": browser.browser(), "fontconfig": fonts.font_config()})
        subprocess.run([str(PYTHON), "-m", "bootstrap.translations"], cwd=str(ROOT), check=True)
        say(f"Set up in {time.monotonic() - begun:.1f} s")


def environment() -> dict[str, str]:
    """The environment for whatever we start: ours, and where the browser and the font are.

    What the user has set stands. Raises `Trouble` when the user's browser is not there.
    """
    asked = os.environ.get(browser.SETTING)
    if asked and not os.path.isfile(asked):
        raise Trouble(f'{browser.SETTING} is "{asked}"; there is no such file.')
    record = json.loads(_RECORD.read_text())
    found = {browser.SETTING: record["browser"], "FONTCONFIG_FILE": record["fontconfig"]}
    return {**{name: value for name, value in found.items() if value}, **os.environ}


def _is_ready() -> bool:
    return packages.installed() and frontend.installed() and _record_holds() and not translations.stale()


def _record_holds() -> bool:
    """Whether the browser and the font configuration that were found are still there."""
    try:
        record = json.loads(_RECORD.read_text())
    except (FileNotFoundError, ValueError):
        return False
    files = [path for path in record.values() if path]
    return "browser" in record and all(os.path.isfile(path) for path in files)


def _write_record(record: dict[str, object]) -> None:
    draft = _RECORD.with_suffix(".draft")
    draft.write_text(json.dumps(record, indent=1) + "\n")
    draft.rename(_RECORD)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands started at once in a fresh clone: the second waits and finds all done."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is under way in this checkout; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
