"""The hands at the card readers: they do what the run sheet says, with virtual cards.

They stand in for the people at the desks, and know no more than those: the run sheet says which
card comes next, and the desk's notice says when to take it out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import httpx
import structlog
from django.db import DatabaseError, close_old_connections, connection

from agency.tenancy import scope
from renewals.domain.desks import Notice, run_sheet
from renewals.models import Desk

log = structlog.get_logger()

LOOK_EVERY_S = 0.2


class Hands:
    """One pair of hands a desk, each in a thread of its own. `api` is the simulator's JSON API."""

    def __init__(
        self, agency: UUID, desks: list[Desk], api: str, *, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._look_every_s = look_every_s
        self._agency = agency
        self._api = api
        self._held: set[str] = set()
        self._choosing = threading.Lock()
        self._stopping = threading.Event()
        self._desks: dict[UUID, Desk] = {}  # as they were seen last
        self._looked = threading.Condition()
        self._threads = [
            threading.Thread(target=self._look, daemon=True),
            *(
                threading.Thread(target=self._work, args=(number, desk), daemon=True)
                for number, desk in enumerate(desks, start=1)
            ),
        ]

    def start(self) -> None:
        """Begin to feed the cards."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lay the cards down. Returns when every hand is still."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _look(self) -> None:
        """See all desks at once, again and again: many hands looking for themselves would cost much more."""
        while not self._stopping.wait(self._look_every_s):
            try:
                with scope(self._agency):
                    seen = {desk.pk: desk for desk in Desk.objects.all()}
            except DatabaseError:
                log.exception("demo_hands_stumbled")
                continue
            finally:
                close_old_connections()
            with self._looked:
                self._desks = seen
                self._looked.notify_all()
        connection.close()

    def _work(self, number: int, desk: Desk) -> None:
        with httpx.Client(base_url=self._api, timeout=10, trust_env=False) as simulator:
            while not self._stopping.wait(self._look_every_s):
                try:
                    if card := self._next_card():
                        self._serve(simulator, number, desk, card)
                except Exception:
                    # Hands do not stop because the portal or the database stumbled; they take the next card.
                    log.exception("demo_hands_stumbled", desk=desk.code)
                finally:
                    close_old_connections()
        connection.close()

    def _next_card(self) -> str | None:
        """The first card on the run sheet that is in nobody's hand."""
        with self._choosing, scope(self._agency):
            sheet = run_sheet(without=self._held)
            if not sheet:
                return None
            self._held.add(sheet[0].card.number)
            return sheet[0].card.number

    def _serve(self, simulator: httpx.Client, number: int, desk: Desk, card: str) -> None:
        """Insert the card, wait for the desk's notice, take it out."""
        try:
            simulator.post(f"desks/{number}/insert", json={"card": card}).raise_for_status()
            self._wait(
                desk,
                lambda seen: (
                    seen.card_number == card
                    and seen.sitting is None
                    and seen.notice not in ("", Notice.HELD_BACK, Notice.PIN_NEEDED)
                ),
            )
        finally:
            simulator.post(f"desks/{number}/remove").raise_for_status()
            self._wait(desk, lambda seen: seen.card_number == "")
            with self._choosing:
                self._held.discard(card)

    def _wait(self, desk: Desk, is_so: Callable[[Desk], bool]) -> None:
        with self._looked:
            while not self._stopping.is_set():
                self._looked.wait(self._look_every_s)
                if desk.pk in self._desks and is_so(self._desks[desk.pk]):
                    return
