"""Watches card readers and rings their desks' workers when a card goes in."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections
from django.db.models import Q
from django.db.models.functions import Now

from agency.tenancy import scope
from portal_driver.errors import PortalUnavailable
from renewals.domain import across
from renewals.domain.desks import card_seen
from renewals.domain.doorbell import ring
from renewals.models import Desk
from renewals.sitting import card_number

log = structlog.get_logger()


class Command(BaseCommand):
    """`watch_desks CODE…`: runs until it is stopped, one thread a desk."""

    help = "Watch the card readers of these desks, and ring their workers when a card goes in."

    # Checks are for the web and for deployments; a watcher should be up at once.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("codes", nargs="+", metavar="CODE", help="the code of a desk")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (1)")

    def handle(self, *_args: Any, codes: list[str], every: float, **_options: Any) -> None:
        found = across.desks_named(codes)
        if len(found) != len(set(codes)):
            raise CommandError(f"not every one of these desks exists: {', '.join(codes)}")
        stop = threading.Event()
        threads = [
            threading.Thread(target=watch, args=(agency, desk, every, stop), daemon=True)
            for agency, desk in found
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            stop.set()


def watch(agency: UUID, desk: UUID, every: float, stop: threading.Event) -> None:
    """Look at one desk again and again; what fails is tried again at the next look."""
    while not stop.wait(every):
        try:
            look(agency, desk)
        except (PortalUnavailable, DatabaseError) as error:
            log.warning("desk_cannot_be_watched", desk=str(desk), error=str(error))
        finally:
            close_old_connections()


def look(agency: UUID, desk_id: UUID) -> None:
    """Ring when another card is in the reader than at the last look.

    While a sitting goes on the control belongs to it: one request of a method may be open at a time.
    """
    with scope(agency):
        nobody_sits = Q(sitting__isnull=True) | Q(sitting_until__lt=Now())
        desk = Desk.objects.filter(nobody_sits, pk=desk_id).first()
    if desk is None:
        return
    number = card_number(desk.control)
    with scope(agency):
        card_seen(desk, number)
        if number and number != desk.card_number:
            ring(desk)
