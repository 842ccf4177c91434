"""What `./run faults` understands: its own words, and those that pytest hands to the long runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

# What else may be run, by the word for it.
RUNS = {
    "--matrix": ("run_matrix", "every crash point in every way, one after another, instead of chaos"),
    "--mutants": ("run_mutants", "each guard in place and taken out: what the oracles see, instead of chaos"),
}


def add_options(add: Callable[..., object]) -> None:
    """Give these options to a parser, whose function for that is `add`."""
    add("--seed", type=int, default=1, help="where chance begins: the same seed plays the same (default: 1)")
    add("--minutes", type=float, help="end after so many (default: 1, or never with --faults)")
    add("--faults", type=int, default=0, help="end after so many that struck")
    add("--desks", type=int, default=4, help="how many work side by side (default: 4)")
    add("--browser", action="store_true", help="the real driver in a browser, on the simulator")
    add("--state", type=Path, metavar="FILE", help="where the figures are kept, to go on from")


def command_line(description: str | None) -> argparse.ArgumentParser:
    """All of them as one command, which tells them when it is asked for help."""
    parser = argparse.ArgumentParser(
        prog="./run faults",
        description=description,
        epilog="Further words go to pytest: ./run faults --mutants -k fence",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    instead = parser.add_mutually_exclusive_group()
    for word, (function, words) in RUNS.items():
        instead.add_argument(
            word, dest="run", action="store_const", const=function, default="run_chaos", help=words
        )
    add_options(parser.add_argument)
    return parser
