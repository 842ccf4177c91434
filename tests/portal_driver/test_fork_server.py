"""Drivers that are forked from a warm process: as good as programs, and gone with their starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal_driver.contract import Finished, Outcome, Reason, decode
from portal_driver.fork_server import CAN_FORK, ForkedDriver, ForkServer
from tests.faults.nursery import until

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux can")

HERE = Path(__file__).parents[2]
Fork = Callable[[], ForkedDriver]


@pytest.fixture
def server() -> Iterator[ForkServer]:
    server = ForkServer({"PATH": os.environ["PATH"]}, HERE)
    yield server
    server.end()


@pytest.fixture
def fork(server: ForkServer, tmp_path: Path) -> Iterator[Fork]:
    drivers: list[ForkedDriver] = []

    def start() -> ForkedDriver:
        drivers.append(server.start(tmp_path))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.stdin.close()
        driver.wait(60)
        driver.stdout.close()


def test_a_forked_driver_hears_and_answers_like_a_program(fork: Fork, tmp_path: Path) -> None:
    driver = fork()

    driver.stdin.write("no plan\n")
    driver.stdin.flush()
    finished = decode(driver.stdout.readline())

    assert isinstance(finished, Finished)
    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.DRIVER_FAILED)
    assert driver.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_driver_ends_with_its_standard_input(fork: Fork) -> None:
    driver = fork()
    assert driver.poll() is None

    driver.stdin.close()

    driver.wait(60)
    assert driver.poll() == 0


def test_each_driver_is_ended_by_itself(fork: Fork) -> None:
    killed, other = fork(), fork()

    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(60)

    assert os.getpgid(other.pid) == other.pid
    assert other.poll() is None


def test_a_driver_finds_nothing_of_its_starters_environment(
    monkeypatch: pytest.MonkeyPatch, fork: Fork
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    driver = fork()

    assert b"DATABASE_URL" not in Path(f"/proc/{driver.pid}/environ").read_bytes()


def test_a_driver_outlives_its_server(fork: Fork, server: ForkServer) -> None:
    driver = fork()

    server.end()

    assert not server.is_usable
    assert driver.poll() is None


def test_a_server_that_does_not_answer_is_ended(server: ForkServer, tmp_path: Path) -> None:
    server._orders.settimeout(0.2)
    os.kill(server.process.pid, signal.SIGSTOP)

    with pytest.raises(OSError, match="started no driver"):
        server.start(tmp_path)

    assert not server.is_usable


def test_a_server_that_dies_with_an_order_in_its_hands_starts_no_driver(
    server: ForkServer, tmp_path: Path
) -> None:
    os.kill(server.process.pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, server.process.kill)
    killer.start()

    with pytest.raises(OSError, match="started no driver"):
        server.start(tmp_path)

    killer.join()
    assert not server.is_usable


def test_server_and_drivers_end_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    starter = textwrap.dedent(f"""
        import os, time
        from pathlib import Path
        from portal_driver.fork_server import ForkServer
        server = ForkServer({{"PATH": os.environ["PATH"]}}, Path({str(HERE)!r}))
        driver = server.start(Path({str(tmp_path)!r}))
        print(server.process.pid, driver.pid, flush=True)
        time.sleep(600)
    """)
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True, cwd=HERE)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2

    process.kill()
    process.wait()
    process.stdout.close()

    for pid in pids:
        assert until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), within_s=60)
