"""The hands at a rehearsal's desk: they know what hands know, which card comes next on the run sheet."""

from __future__ import annotations

import threading
import time
from uuid import UUID

import httpx
import structlog
from django.db import close_old_connections

from agency.tenancy import scope
from renewals.domain.desks import card_seen, run_sheet
from renewals.domain.rehearsing import is_at_rest
from renewals.models import Desk
from renewals.sitting import sit

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
# Somebody who retries what has stopped sees it go on.
LINGER_S = 60.0
# Longer than any rehearsal; one that was paused is not waited for without end.
LIMIT_S = 60 * 60.0


def feed(twin: UUID, code: str, api: str, *, stopping: threading.Event, linger_s: float = LINGER_S) -> None:
    """Feed the made-up cards and work at the desk, until nothing more happens by itself."""
    give_up_at, rests_since = time.monotonic() + LIMIT_S, None
    with httpx.Client(base_url=api, timeout=10, trust_env=False) as simulator:
        while not stopping.is_set() and time.monotonic() < give_up_at:
            close_old_connections()
            with scope(twin):
                desk, sheet, rests = Desk.objects.get(code=code), run_sheet(), is_at_rest()
            if sheet:
                try:
                    _serve(simulator, desk, sheet[0].card.number)
                except Exception:
                    # Hands do not stop because a card or the database stumbled; they take the next.
                    log.exception("rehearsal_hands_stumbled", desk=code)
            elif not rests:
                rests_since = None
            elif rests_since is None:
                rests_since = time.monotonic()
            elif time.monotonic() - rests_since >= linger_s:
                return
            stopping.wait(LOOK_EVERY_S)


def _serve(simulator: httpx.Client, desk: Desk, card: str) -> None:
    """Insert the card, work through what waits for it, take it out."""
    simulator.post("desks/1/insert", json={"card": card}).raise_for_status()
    try:
        with scope(desk.agency_id):
            card_seen(desk, card)
        sit(desk.agency_id, desk.pk)
    finally:
        simulator.post("desks/1/remove").raise_for_status()
        with scope(desk.agency_id):
            card_seen(desk, "")
