"""`./run faults`: tries to break the engine with real Postgres, real processes and a model portal.

./run faults --seed 7 --minutes 5       batches in chaos, replayed by the same seed
./run faults --faults 10000 --state F   until so many faults were tried, in as many runs as it takes: the
                                        figures so far are kept in the file F
./run faults --browser --faults 300     the same with the real driver in a browser, on the simulator
./run faults --matrix                   every crash point in every way, one after another
./run faults --mutants                  each guard taken out: what the oracles see
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

import pytest

from tests.faults.options import RUNS, command_line

HERE = Path(__file__).parent


def main(words: list[str]) -> int:
    """Run one of the long runs and print what it found; 0 when everything holds."""
    asked, _for_pytest = command_line(__doc__).parse_known_args(words)
    rest = [word for word in words if word not in RUNS]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    began = time.monotonic()
    status = pytest.main(
        [
            *(
                "-o",
                "python_files=long_runs.py",
                "-o",
                f"python_functions={asked.run}",
                "-p",
                "no:cacheprovider",
            ),
            *("--no-header", "-n", "0", str(HERE / "long_runs.py"), *rest),
        ]
    )
    print(f"{time.monotonic() - began:.0f} s")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
