"""Driver processes: fresh for each run, ready before they are needed, and none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from portal_driver.fork_server import CAN_FORK, ForkedDriver
from renewals import drivers
from tests.faults.nursery import until

DESK, OTHER_DESK = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def ready_s(settings: pytest.FixtureRequest) -> Iterator[None]:
    settings.DRIVER_READY_S = 60  # type: ignore[attr-defined]
    yield
    drivers.dismiss_all()


def test_the_driver_that_waits_is_used_once_and_for_its_desk() -> None:
    drivers.make_ready(DESK)
    waiting = drivers._ready[DESK].driver
    with drivers.driver_for(OTHER_DESK) as driver:
        assert driver is not waiting
    with drivers.driver_for(DESK) as driver:
        assert driver is waiting
        assert driver.directory.is_dir()
    assert driver.process.poll() is not None
    assert not driver.directory.exists()
    with drivers.driver_for(DESK) as driver:
        assert driver is not waiting


def test_a_driver_that_died_while_it_waited_is_not_used() -> None:
    drivers.make_ready(DESK)
    dead = drivers._ready[DESK].driver
    dead.process.kill()
    dead.process.wait()
    with drivers.driver_for(DESK) as driver:
        assert driver is not dead
        assert driver.process.poll() is None
    assert not dead.directory.exists()


def test_a_driver_that_nobody_came_for_ends(settings: pytest.FixtureRequest) -> None:
    settings.DRIVER_READY_S = 0.01  # type: ignore[attr-defined]
    drivers.make_ready(DESK)
    mine = f"{drivers.DIRECTORY}{os.getpid()}-*"
    assert until(lambda: not list(Path(tempfile.gettempdir()).glob(mine)), within_s=60)
    assert drivers._ready == {}


def test_none_is_made_ready_where_none_is_wanted(settings: pytest.FixtureRequest) -> None:
    settings.DRIVER_READY_S = 0  # type: ignore[attr-defined]
    drivers.make_ready(DESK)
    assert drivers._ready == {}


@pytest.mark.skipif(not CAN_FORK, reason="only Linux can")
def test_where_the_fork_server_was_killed_another_takes_its_place() -> None:
    with drivers.driver_for(DESK) as before:
        [server] = drivers._servers
        server.process.kill()
        server.process.wait()
        with drivers.driver_for(OTHER_DESK) as driver:
            assert isinstance(driver.process, ForkedDriver)
        assert before.process.poll() is None
    assert drivers._servers[0] is not server


@pytest.mark.skipif(not CAN_FORK, reason="only Linux can")
def test_where_nothing_can_be_forked_the_driver_is_started_as_a_program() -> None:
    with drivers.driver_for(DESK):
        pass
    [server] = drivers._servers
    os.kill(server.process.pid, signal.SIGSTOP)  # it lives, and never answers
    server._orders.settimeout(0.1)
    with drivers.driver_for(DESK) as driver:
        assert isinstance(driver.process, subprocess.Popen)
        assert driver.process.poll() is None
