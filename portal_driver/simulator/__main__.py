"""`python -m portal_driver.simulator`: the simulator until it is told to stop.

Prints one JSON line with its addresses when it answers, and nothing else on standard output.
Exit codes: 0 stopped as asked, 2 it could not start as asked (standard error says why).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from .companies import BadCompanies, read_companies
from .running import Simulator
from .settings import Settings, beijing_now
from .skin import skin_names

_SAMPLE = Path(__file__).parents[2] / "samples" / "season.json"


def main() -> int:
    """Serve until SIGINT, SIGTERM or, if so asked, the end of standard input."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    given = _arguments()
    settings = Settings(
        year=given.year,
        skin=given.skin,
        host=given.host,
        port=given.port,
        desks=given.desks,
        read_seconds=given.read_seconds,
        approve_after_s=given.approve_after_seconds,
        session_s=given.session_seconds,
        latency_ms=given.latency_ms,
        pin_tries=given.pin_tries,
    )
    stopping = _stop_signals()
    try:
        companies = read_companies(given.companies, today=beijing_now().date())
        simulator = Simulator(companies, settings)
        simulator.start()
    except BadCompanies as bad:
        return _refuse(str(bad))
    except OSError as error:
        return _refuse(f"{given.host} cannot be served: {error.strerror or error}.")
    if given.port and simulator.addresses.portal_port != given.port:
        print(f"Port {given.port} is taken; {simulator.portal} is used instead.", file=sys.stderr)
    print(json.dumps(simulator.addresses.as_json()), flush=True)
    if given.until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(stopping,), daemon=True).start()
    stopping.wait()
    simulator.stop()
    return 0


def _stop_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set, also while the simulator is still starting."""
    stopping = threading.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda *_: stopping.set())
    return stopping


def _watch_stdin(stopping: threading.Event) -> None:
    # Not through sys.stdin: its lock, held by a daemon thread, would break the interpreter's end.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopping.set()


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "portal_driver.simulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--companies", type=Path, default=_SAMPLE, help="JSON as in samples/season.json")
    parser.add_argument(
        "--year", type=int, default=beijing_now().year, help="policy year (default: this year)"
    )
    parser.add_argument(
        "--skin",
        choices=skin_names(),
        default="frames",
        help="what the portal looks like (docs/simulator.md)",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_whole, default=0, help="of the public pages; 0 takes any")
    parser.add_argument("--desks", type=_at_least_one, default=1, help="card controls, one port each")
    parser.add_argument(
        "--read-seconds",
        type=_at_least_one,
        default=10,
        help="for the simulator's own tests; the portal has 10",
    )
    parser.add_argument("--approve-after-seconds", type=_seconds, default=30.0, help='or "never"')
    parser.add_argument("--session-seconds", type=_at_least_one, default=1800, help="an idle session ends")
    parser.add_argument("--latency-ms", type=_whole, default=0, help="added to every answer")
    parser.add_argument("--pin-tries", type=_at_least_one, default=3, help="wrong PINs that lock a card")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number from 0')
    return int(text)


def _at_least_one(text: str) -> int:
    if _whole(text) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is less than 1')
    return int(text)


def _seconds(text: str) -> float | None:
    return None if text == "never" else float(_whole(text))


if __name__ == "__main__":
    sys.exit(main())
