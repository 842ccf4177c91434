"""`./run bench batches`: whole batches, beside one plain robot and beside Celery prefork with robots.

./run bench batches                                    8 and 16 desks, 8 renewals a desk
./run bench batches --desks 4 --renewals 1 --robot 2   to see that it works

Each renewal is one sitting from the home page to 收悉: the simulator approves at once, has the portal's 10 s
of reading, and answers each request after `--latency-ms`. A third of the companies come for the first time
(five clicks instead of two). Times run from the first company's start to the last one's end, so ramp and tail
count; workers are up before.

Goals on an idle machine with 2 cores: at least 4 times the one robot with 8 desks, 8 times with 16, ahead of
prefork with as many processes, and every renewal complete. What limits it is CPU, so each line says how much
one renewal took, and Xubao's how it was spent ("desks": the worker and its drivers with their browsers).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.batches_parts.contenders import Ground, Pace, one_robot, prefork, xubao
from benchmarks.machine import described, engines_of_its_own
from portal_driver.browser import find_browser

GOALS = {8: 4.0, 16: 8.0}  # times one robot, by desks
# Answers of a portal in the next city; the figures from which the goals were taken had the same.
LATENCY_MS = 80


def main(words: list[str]) -> None:
    """Measure and print; ends with an error where a renewal of Xubao's is not complete."""
    parser = argparse.ArgumentParser(
        prog="./run bench batches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--desks", type=int, nargs="+", default=sorted(GOALS))
    parser.add_argument("--renewals", type=int, default=8, help="for each desk (8)")
    parser.add_argument("--robot", type=int, default=6, help="companies of the one robot (6)")
    parser.add_argument("--latency-ms", type=int, default=LATENCY_MS)
    chosen = parser.parse_args(words)
    browser = find_browser()
    print(f"{described()}, {browser.name}, {chosen.latency_ms} ms latency, 10 s reading", flush=True)
    with (
        engines_of_its_own() as supervisor,
        tempfile.TemporaryDirectory(prefix="xubao-batches-") as directory,
    ):
        from django.utils import timezone

        year = timezone.localdate().year
        ground = Ground(supervisor, Path(directory), year, chosen.latency_ms, str(browser.executable))
        robot = _said(one_robot(ground, chosen.robot))
        for desks in chosen.desks:
            celery = _said(prefork(ground, desks * chosen.renewals, desks))
            ours = _said(xubao(ground, desks * chosen.renewals, desks))
            _judge(ours, robot, celery, desks)


def _said(pace: Pace) -> Pace:
    print(pace, flush=True)
    return pace


def _judge(ours: Pace, robot: Pace, celery: Pace, desks: int) -> None:
    goal = f", goal {GOALS[desks]:.0f}" if desks in GOALS else ""
    print(
        f"  {desks} desks: {ours.per_minute / robot.per_minute:.1f} times one robot{goal}; "
        f"{ours.per_minute / celery.per_minute:.2f} times prefork, goal above 1",
        flush=True,
    )
    if ours.complete != ours.asked or ours.pressed_at_most != 1:
        sys.exit(f"{ours.complete} of {ours.asked} complete, pressed {ours.pressed_at_most} times at most")


if __name__ == "__main__":
    main(sys.argv[1:])
