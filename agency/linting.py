"""`python -m agency.linting`: pgrls on a database that was migrated a moment ago, in engines of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from agency import engines

ROOT = Path(__file__).resolve().parents[1]
_OWN_ENGINES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SWEEP_URL", "REDIS_URL")


def main() -> int:
    """The linter's exit status; what it finds is printed."""
    with tempfile.TemporaryDirectory(prefix="xubao-lint-") as runtime:
        os.environ["XUBAO_RUNTIME"] = runtime
        # Empty counts as unset: nothing here ever touches a database of the user's.
        os.environ.update(dict.fromkeys(_OWN_ENGINES, ""))
        with engines.Supervisor(Path(runtime), durable=False) as supervisor:
            engines.start(supervisor)
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
            return _lint(engines.urls().superuser)


def _lint(database: str) -> int:
    pgrls = Path(sys.executable).with_name("pgrls")
    address = database.replace("postgres://", "postgresql://")
    return subprocess.run(
        [pgrls, "lint", "--min-severity", "error", "--database-url", address], cwd=ROOT
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
