"""`python -m portal_driver`: the line protocol; with `drive` or `check`: from a terminal."""

from __future__ import annotations

import logging
import os
import sys

USAGE = """\
python -m portal_driver              speak the line protocol on standard input and output
python -m portal_driver drive …      drive one company from a terminal; see drive --help
python -m portal_driver check …      look at the portal and do nothing; see check --help
python -m portal_driver serve        fork drivers for a worker, which starts it
"""


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for; returns the exit code."""
    _silence_playwright()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    if not arguments:
        from portal_driver.process import speak

        return speak()
    if arguments[0] == "serve":
        from portal_driver.fork_server import serve

        return serve()
    if arguments[0] == "drive":
        from portal_driver.drive import drive

        return drive(arguments[1:])
    if arguments[0] == "check":
        from portal_driver.check import check

        return check(arguments[1:])
    print(USAGE, end="", file=sys.stdout if arguments[0] in ("-h", "--help") else sys.stderr)
    return 0 if arguments[0] in ("-h", "--help") else 2


def _silence_playwright() -> None:
    """Its debug log would repeat what is typed. It reads these when it is imported: before that, then."""
    for name in ("DEBUG", "DEBUG_FILE", "PWDEBUG"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
