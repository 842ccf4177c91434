"""`play_rehearsals`: plays what agencies ask to rehearse, until it is stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from renewals.rehearsal.player import tend

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class Command(BaseCommand):
    """The service of its own that rehearsals have: no worker of the real portal ever plays one."""

    help = "Play on the simulator what agencies ask to rehearse, and wipe what is over."
    # Checks are for the web and for deployments; a player should be up at once.
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        stopping = threading.Event()
        for which in (signal.SIGINT, signal.SIGTERM):
            signal.signal(which, lambda *_: stopping.set())
        while not stopping.is_set():
            try:
                tend(stopping)
            except Exception as error:
                # The database may come back.
                log.warning("rehearsals_cannot_be_tended", error=repr(error))
            close_old_connections()
            stopping.wait(LOOK_EVERY_S)
