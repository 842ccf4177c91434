"""Pytest plugin: engines of their own for a test run, gone when it ends, however it ends.

Loaded by `-p` in pyproject.toml, because Django's settings, which read where the engines are, are
imported before any conftest is. The process that was started brings the engines up; the workers of
xdist inherit the place. No test ever sees a database of the user's.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from agency import engines

# Whoever runs the tests in the background has signals ignored, and everything that is started
# inherits that; tests that send them would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_STARTED_BY_XDIST = "PYTEST_XDIST_WORKER" in os.environ

if not _STARTED_BY_XDIST:
    os.environ["XUBAO_RUNTIME"] = tempfile.mkdtemp(prefix="xubao-tests-")
    # For a run that ends before the engines, with a mistake on its command line for example.
    atexit.register(shutil.rmtree, os.environ["XUBAO_RUNTIME"], ignore_errors=True)
    # Empty counts as unset, and stands before what a .env file says.
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SWEEP_URL", "REDIS_URL"):
        os.environ[name] = ""
    # A driver that waits for the next card would outlive the test that put in the last.
    os.environ["DRIVER_READY_S"] = "0"


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Generator[None, object, object]:
    """The whole run happens inside."""
    if _STARTED_BY_XDIST:
        return (yield)
    with engines.Supervisor(Path(os.environ["XUBAO_RUNTIME"]), durable=False) as supervisor:
        engines.start(supervisor)
        return (yield)
