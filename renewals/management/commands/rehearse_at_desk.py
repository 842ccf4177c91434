"""`rehearse_at_desk`: the hands and the worker of one rehearsal. Started by `play_rehearsals` alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from renewals.rehearsal.hands import LINGER_S, feed


class Command(BaseCommand):
    """Ends by itself once nothing more happens, or with its standard input."""

    help = "Work at a rehearsal's desk; play_rehearsals starts it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("twin", type=UUID)
        parser.add_argument("desk")
        parser.add_argument("api", help="of the simulator")
        parser.add_argument("--linger", type=float, default=LINGER_S, help="seconds at rest before it ends")

    def handle(self, *_args: Any, twin: UUID, desk: str, api: str, linger: float, **_options: Any) -> None:
        if not settings.REHEARSAL_PORTAL:
            raise CommandError("play_rehearsals starts this, with the simulator's address.")
        stopping = threading.Event()
        for which in (signal.SIGINT, signal.SIGTERM):
            signal.signal(which, lambda *_: stopping.set())
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        feed(twin, desk, api, stopping=stopping, linger_s=linger)


def _end_with_stdin() -> None:
    """Whoever started this is gone, or has had enough. A run under way ends with its own standard input."""
    # Not through sys.stdin: its lock, held by a daemon thread, would break the interpreter's end.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)
