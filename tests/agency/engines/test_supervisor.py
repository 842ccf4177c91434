"""However a supervisor ends, nothing of it is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency.engines import ChildFailed, Supervisor
from agency.engines.watchdog import is_alive
from tests.agency.engines import worlds


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runtime"
    worlds.assert_nothing_is_left(tmp_path / "runtime")


def left_over(runtime: Path) -> list[str]:
    """Temporary files of children that are still there."""
    return [path.name for path in (runtime / "tmp").glob("*")]


def test_the_children_live_while_their_parent_does(runtime: Path) -> None:
    with worlds.running(worlds.SMALL, runtime):
        # The parent, its watchdog, the sleeper, the family's mother and its stubborn child.
        assert worlds.eventually(lambda: len(worlds.processes_of(runtime)) >= 5)
        assert worlds.eventually(lambda: len(left_over(runtime)) == 1)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_with_the_shells_status_and_no_words(
    runtime: Path, signum: signal.Signals
) -> None:
    process = worlds.start(worlds.SMALL, runtime)
    process.send_signal(signum)
    assert worlds.ended(process) == (128 + signum, "")
    assert worlds.processes_of(runtime) == []
    assert left_over(runtime) == []


def test_a_second_ctrl_c_disturbs_nothing(runtime: Path) -> None:
    process = worlds.start(worlds.SMALL, runtime)
    process.send_signal(signal.SIGINT)
    # The sleeper is stopped last, so its family's end tells that stopping is under way.
    assert worlds.eventually(lambda: len(worlds.processes_of(runtime)) < 5)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert worlds.ended(process) == (130, "")
    assert worlds.processes_of(runtime) == []


def test_what_breaks_on_the_way_out_does_not_hide_the_signal(runtime: Path) -> None:
    program = """
from agency.engines import Supervisor
with Supervisor() as supervisor:
    print("ready", flush=True)
    try:
        supervisor.wait()
    finally:
        raise ValueError("a query that was broken off in its middle")
"""
    process = worlds.start(program, runtime)
    process.send_signal(signal.SIGINT)
    assert worlds.ended(process) == (130, "")


def test_a_parent_that_is_killed_leaves_nothing(runtime: Path) -> None:
    process = worlds.start(worlds.SMALL, runtime)
    process.kill()
    assert worlds.ended(process) == (-signal.SIGKILL, "")
    assert worlds.eventually(lambda: worlds.processes_of(runtime) == [])
    assert left_over(runtime) == []


@pytest.mark.parametrize("delay_steps", range(6))
def test_a_parent_that_is_killed_while_it_starts_leaves_nothing(runtime: Path, delay_steps: int) -> None:
    process = worlds.start(worlds.SMALL, runtime, until="")
    # From before the lock is there to after the last child has started.
    worlds.eventually(lambda: len(worlds.processes_of(runtime)) > delay_steps, within_s=3)
    process.kill()
    process.communicate()
    assert worlds.eventually(lambda: worlds.processes_of(runtime) == [])


def test_a_second_supervisor_is_refused_with_one_line(runtime: Path) -> None:
    with worlds.running(worlds.SMALL, runtime) as first:
        second = worlds.start(worlds.SMALL, runtime, until="")
        status, said = worlds.ended(second)
        assert status == 1
        assert said.splitlines()[-1] == (
            "agency.engines.lock.AlreadyRunning: "
            f"Xubao is already running in this checkout (process {first.pid}); stop that one first"
        )


def test_one_that_starts_while_a_killed_ones_watchdog_cleans_up_waits_for_it(runtime: Path) -> None:
    first = worlds.start(worlds.SMALL, runtime)
    first.kill()
    first.communicate()
    with worlds.running(worlds.SMALL, runtime) as second:
        assert second.poll() is None


def watched(runtime: Path, *argv: str) -> None:
    """A child of that program, looked after until something happens."""
    with Supervisor(runtime) as supervisor:
        supervisor.spawn("web", argv)
        supervisor.wait()


def awaited(runtime: Path, *argv: str) -> None:
    """A child of that program, which never says that it is ready."""
    with Supervisor(runtime) as supervisor:
        supervisor.spawn("web", argv, ready=lambda: False, ready_within_s=1)


def test_a_dead_child_is_told_with_its_last_words(runtime: Path) -> None:
    with pytest.raises(ChildFailed) as told:
        watched(runtime, "sh", "-c", "echo port taken; exit 3")
    assert str(told.value).splitlines() == [
        f"web ended by itself (status 3). Its log, {runtime}/log/web.log, ends:",
        "port taken",
    ]


def test_a_program_that_is_not_there_is_told_like_one_that_died(runtime: Path) -> None:
    with pytest.raises(ChildFailed, match=r"^web did not start \(status 127\)"):
        awaited(runtime, "/no/such/program")


def test_a_child_that_never_becomes_ready_is_told_and_ended(runtime: Path) -> None:
    with pytest.raises(ChildFailed, match=r"^web was not ready within 1 s"):
        awaited(runtime, "sleep", "600")


def test_a_killed_watchdog_is_noticed_and_the_children_still_end(runtime: Path) -> None:
    with worlds.running(worlds.SMALL, runtime) as parent:
        os.kill(worlds.watchdog_of(runtime), signal.SIGKILL)
        status, said = worlds.ended(parent)
        assert (status, said.splitlines()[-1]) == (
            1,
            "agency.engines.supervisor.ChildFailed: the watchdog was killed; nothing would end the others",
        )


IN_THE_TERMINAL = """
import os, sys
from agency.engines import Supervisor
with Supervisor() as supervisor:
    print("ready", flush=True)
    sys.exit(supervisor.run(["sh", "-c", "trap 'echo asked; exit 5' INT; while :; do sleep 0.01; done"]))
"""


def test_ctrl_c_is_for_the_command_in_the_terminal(runtime: Path) -> None:
    process = worlds.start(IN_THE_TERMINAL, runtime)
    # The parent, its watchdog, the command and its sleep.
    assert worlds.eventually(lambda: len(worlds.processes_of(runtime)) == 4)
    os.killpg(process.pid, signal.SIGINT)
    assert worlds.ended(process) == (5, "asked\n")


def test_the_command_in_the_terminal_ends_with_a_killed_parent(runtime: Path) -> None:
    process = worlds.start(IN_THE_TERMINAL, runtime)
    assert worlds.eventually(lambda: len(worlds.processes_of(runtime)) == 4)
    process.kill()
    process.communicate()
    assert worlds.eventually(lambda: worlds.processes_of(runtime) == [])


SWALLOWS = """
from agency.engines import Stopped, Supervisor
with Supervisor() as supervisor:
    try:
        print("ready", flush=True)
        supervisor.wait()
    except Stopped:
        print("swallowed", flush=True)
    supervisor.wait()
"""


def test_a_stop_that_somebody_swallowed_comes_again(runtime: Path) -> None:
    process = worlds.start(SWALLOWS, runtime)
    process.send_signal(signal.SIGTERM)
    assert worlds.ended(process) == (128 + signal.SIGTERM, "swallowed\n")


def test_children_stop_in_reverse_order_and_those_alongside_together(runtime: Path, tmp_path: Path) -> None:
    order = tmp_path / "order"
    stops = "echo {0} stops >> {1}; sleep 0.3; echo {0} stopped >> {1}; exit"
    waits = f"trap '{stops}' TERM; touch {{2}}; while :; do sleep 0.01; done"

    def child(supervisor: Supervisor, name: str, *, alongside: bool = False) -> None:
        up = tmp_path / name
        supervisor.spawn(
            name, ["sh", "-c", waits.format(name, order, up)], alongside=alongside, ready=up.exists
        )

    with Supervisor(runtime) as supervisor:
        child(supervisor, "engine")
        child(supervisor, "web")
        child(supervisor, "worker", alongside=True)
    lines = order.read_text().splitlines()
    assert (sorted(lines[:2]), sorted(lines[2:4]), lines[4:]) == (
        ["web stops", "worker stops"],
        ["web stopped", "worker stopped"],
        ["engine stops", "engine stopped"],
    )


def test_each_child_is_stopped_by_its_own_signal(runtime: Path) -> None:
    said = "trap 'echo interrupted; exit' INT; echo up; while :; do sleep 0.01; done"
    with Supervisor(runtime) as supervisor:
        log = runtime / "log" / "postgres.log"
        supervisor.spawn(
            "postgres",
            ["sh", "-c", said],
            stop_signal=signal.SIGINT,
            ready=lambda: log.read_text() == "up\n",
        )
    assert log.read_text() == "up\ninterrupted\n"


def test_one_child_can_be_stopped_and_is_missed_by_nobody(runtime: Path) -> None:
    with Supervisor(runtime) as supervisor:
        desk = supervisor.spawn("desk", ["sleep", "600"])
        supervisor.stop(desk)
        assert not is_alive(desk.pid)
        supervisor.check()


def test_the_run_befores_log_is_kept(runtime: Path) -> None:
    with Supervisor(runtime) as supervisor:
        for word in ("first", "second"):
            child = supervisor.spawn("web", ["echo", word])
            child.process.wait()
            supervisor.stop(child)
    logs = runtime / "log"
    assert [(logs / name).read_text() for name in ("web.previous.log", "web.log")] == ["first\n", "second\n"]


def test_a_command_in_the_terminal_hands_back_its_status(runtime: Path) -> None:
    with Supervisor(runtime) as supervisor:
        assert supervisor.run(["sh", "-c", "exit 7"]) == 7
        assert supervisor.run(["sh", "-c", "kill -9 $$"]) == 137


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="belongs to somebody else"), Supervisor(theirs):
        pass
