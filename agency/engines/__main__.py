"""`python -m agency.engines COMMAND…`: a command with the engines up, and down again after it.

Where a demo runs in this checkout the command uses that one's engines.
"""

from __future__ import annotations

import subprocess
import sys
import time

import environ

from agency import engines
from agency.engines.runtime import CHECKOUT


def main(argv: list[str]) -> int:
    """The command's exit status, or 1 with one line on standard error when the engines did not come up."""
    environ.Env.read_env(CHECKOUT / ".env")  # it may name a database or a broker of the user's own
    try:
        with engines.Supervisor() as supervisor:
            engines.start(supervisor)
            return supervisor.run(argv)
    except engines.AlreadyRunning:
        return _run_beside_the_other(argv)
    except (engines.ProgramMissing, engines.ChildFailed, PermissionError) as failure:
        print(failure, file=sys.stderr)  # noqa: T201
        return 1


def _run_beside_the_other(argv: list[str]) -> int:
    deadline = time.monotonic() + 30
    while not engines.answer() and time.monotonic() < deadline:
        time.sleep(0.1)
    return subprocess.run(argv).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
