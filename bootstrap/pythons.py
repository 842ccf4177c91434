"""Finding a Python that Xubao runs on: 3.12 to 3.14."""

from __future__ import annotations

import glob
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bootstrap.places import VENV, Trouble

MINORS = (13, 14, 12)  # in the order of preference
WANTED = "3.13"
SETTING = "XUBAO_PYTHON"
_INSTALLED_IN = (
    "~/.pyenv/versions/3.{minor}*/bin/python",
    "~/.local/share/uv/python/cpython-3.{minor}*/bin/python3",
    "/opt/homebrew/bin/python3.{minor}",
    "/usr/local/bin/python3.{minor}",
    "/Library/Frameworks/Python.framework/Versions/3.{minor}/bin/python3",
)
_PROBE = "import sys, importlib.util as u; print(*sys.version_info[:2], u.find_spec('ensurepip') is not None)"


class Python(NamedTuple):
    """An interpreter that ran and answered."""

    path: str
    version: str
    makes_environments: bool  # Debian packs `ensurepip`, which venv needs, apart


def find_python() -> Python | None:
    """The Python to use, one that can make a virtual environment if there is any; None: none here.

    `$XUBAO_PYTHON` is used or refused with `Trouble`, never passed over.
    """
    asked = os.environ.get(SETTING)
    if asked:
        return _the_one_asked_for(asked)
    second_best = None
    for path in _candidates():
        python = probe(path)
        if python and python.makes_environments:
            return python
        second_best = second_best or python
    return second_best


def probe(path: str) -> Python | None:
    """What the interpreter says of itself; None when it does not run or has the wrong version.

    It is run, because an inactive pyenv shim looks like a Python and is none.
    """
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.decode().split()
    if answer.returncode or len(words) != 3 or words[0] != "3" or int(words[1]) not in MINORS:
        return None
    return Python(path, f"3.{words[1]}", words[2] == "True")


def _the_one_asked_for(path: str) -> Python:
    python = probe(path)
    if python is None:
        raise Trouble(f'{SETTING} is "{path}", which is no working Python 3.12, 3.13 or 3.14.')
    return python


def _candidates() -> Iterator[str]:
    """Every place, best first; not our own environment, which may be about to be replaced."""
    if VENV not in Path(sys.executable).parents:
        yield sys.executable
    for minor in MINORS:
        # Every directory of PATH: a dead shim in the first must not hide a Python in the next.
        for directory in os.get_exec_path():
            path = os.path.join(directory, f"python3.{minor}")
            if os.access(path, os.X_OK):
                yield path
    for minor in MINORS:
        for pattern in _INSTALLED_IN:
            yield from sorted(glob.glob(os.path.expanduser(pattern.format(minor=minor))), reverse=True)
