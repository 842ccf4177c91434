"""`./run bench engine`: queueing, claiming, sweeping and ringing, each again at ten times the rows.

./run bench engine                     the sizes that the goals name, and ten times the rows
./run bench engine --small             a tenth of that, to see that it works

Goals on an idle machine with 2 cores: queue 10,000 in 5 s, one sweep over 200,000 in 1 s, 500 claims a
second with 20 desks, ringing from a page while Valkey is frozen in 1 s. Each line says how much of the
machine was used by others while it was measured.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.engine_parts import rows
from benchmarks.machine import described, engines_of_its_own

QUEUED = 10_000
STANDING = 200_000


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./run bench engine", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows, and no ten times")
    chosen = parser.parse_args(words)
    print(described())
    scale = 0.1 if chosen.small else 1
    with engines_of_its_own():
        for times in (1,) if chosen.small else (1, 10):
            rows.measure(int(QUEUED * scale), int(STANDING * scale) * times)
        rows.ring_while_the_broker_is_frozen()


if __name__ == "__main__":
    main(sys.argv[1:])
