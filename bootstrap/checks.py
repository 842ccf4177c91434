"""`./run check`: everything that must hold before code is handed on, in one go."""

from __future__ import annotations

import subprocess
import time
from typing import NamedTuple

from bootstrap.places import PYTHON, ROOT


class Check(NamedTuple):
    """A question to the code, and the command that answers it."""

    name: str
    command: list[str]


# makemigrations would compare with a database's history as well; here is none, and it need not say so.
_NO_DATABASE = "ignore:Got an error checking a consistent migration history:RuntimeWarning"
_PY = str(PYTHON)
CHECKS = (
    Check("format", [_PY, "-m", "ruff", "format", "--check", "--quiet", ".", "run"]),
    Check("lint", [_PY, "-m", "ruff", "check", "--quiet", ".", "run"]),
    Check("types", [_PY, "-m", "mypy", "."]),
    Check("imports", [str(PYTHON.with_name("lint-imports"))]),
    Check("migrations", [_PY, "-W", _NO_DATABASE, "manage.py", "makemigrations", "--check", "--dry-run"]),
    Check("translations", [_PY, "-m", "agency.translations", "--check"]),
    Check("deployment", [_PY, "-m", "bootstrap.deployment"]),
    Check("tenancy", [_PY, "-m", "agency.linting"]),
)


def check_all(environment: dict[str, str], checks: tuple[Check, ...] = CHECKS) -> int:
    """Run every check, also after one failed, and print each one's result; 0 when all hold."""
    results = [_holds(check, environment) for check in checks]
    return 0 if all(results) else 1


def _holds(check: Check, environment: dict[str, str]) -> bool:
    begun = time.monotonic()
    answer = subprocess.run(
        check.command,
        cwd=str(ROOT),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    result = "failed" if answer.returncode else "ok"
    print(f"{check.name:<14}{result:<8}{time.monotonic() - begun:5.1f} s", flush=True)
    if answer.returncode:
        print(answer.stdout.decode(errors="replace"), flush=True)
    return answer.returncode == 0
