"""The watchdog: a small process that ends the supervisor's children, whatever ended the supervisor.

It reads what was started, one JSON line each, from a pipe that only the supervisor holds. When the
pipe ends, because the supervisor finished, crashed or was killed with -9, it stops every child and
its group, and removes their temporary files. It is the only way in which a supervisor ends, so each
run tries it. Meanwhile it keeps the runtime directory's lock open: nobody starts into the clean-up.

It is run as a file, on its own: standard library only, nothing of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

GLANCE_S = 0.02


class Target(NamedTuple):
    """One child: how it is stopped, and when."""

    pid: int
    signum: int
    grace_s: float  # how long it may take before its group is killed
    layer: int  # the highest layer is stopped first; one layer together


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not: in a container nobody may ever collect it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # not Linux, where process 1 collects
        return True


def stop(targets: Iterable[Target], collect: Callable[[], None] = lambda: None) -> None:
    """End each target and its group, layer by layer; returns when they are gone.

    `collect` is called while it waits, for a caller whose own children these are.
    """
    left = list(targets)
    for layer in sorted({target.layer for target in left}, reverse=True):
        _stop_together([target for target in left if target.layer == layer], collect)


def _stop_together(targets: list[Target], collect: Callable[[], None]) -> None:
    for target in targets:
        _signal(os.kill, target.pid, target.signum)
    begun = time.monotonic()
    for target in targets:
        while is_alive(target.pid) and time.monotonic() < begun + target.grace_s:
            collect()
            time.sleep(GLANCE_S)
        if is_alive(target.pid):
            _signal(os.kill, target.pid, signal.SIGKILL)
        # Its own children (a browser, a pool's processes) are in its group and may outlive it.
        _signal(os.killpg, target.pid, signal.SIGKILL)
    collect()


def _signal(send: Callable[[int, int], None], pid: int, signum: int) -> None:
    """Signal a process or a group that may be gone; macOS says *not permitted* for a zombie's group."""
    with suppress(ProcessLookupError, PermissionError):
        send(pid, signum)


def _targets_at_the_end_of(lines: Iterable[str]) -> list[Target]:
    """Reads until the supervisor is gone; whoever it had not stopped itself by then."""
    targets: dict[int, Target] = {}
    for line in lines:
        message = json.loads(line)
        if "started" in message:
            target = Target(*message["started"])
            targets[target.pid] = target
        else:
            targets.pop(message["stopped"], None)
    return list(targets.values())


def main(rubbish: Path) -> None:
    """Watch standard input; when it ends, stop everybody and remove `rubbish`."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    stop(_targets_at_the_end_of(sys.stdin))
    shutil.rmtree(rubbish, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
