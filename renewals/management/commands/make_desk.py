"""`make_desk`: a card desk for an agency."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from agency import audit
from agency.models import Agency
from agency.operating import OWNER, agency_named, inside
from renewals.models import Desk


class Command(BaseCommand):
    """For the installation's operator; works as the owner of the database."""

    help = "Make a card desk; its worker then listens to the queue desk.CODE."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="the agency's short name")
        parser.add_argument("code", help="unique in the installation: letters, digits, hyphens")
        parser.add_argument("name", help="the desk's name, as people read it")
        parser.add_argument("control", help="the address of its card control, such as ws://127.0.0.1:61232")
        parser.add_argument(
            "--cards-are-silent",
            action="store_true",
            help="cards there tell nothing without their PIN: staff say which one is in",
        )

    def handle(self, *_args: Any, agency: str, code: str, name: str, control: str, **options: Any) -> None:
        address = urlsplit(control)
        if address.scheme not in ("ws", "wss") or not address.hostname:
            raise CommandError(f'"{control}" is no address of a control; write ws://HOST:PORT')
        try:
            owner = agency_named(agency)
            with inside(owner.pk):
                desk = Desk(agency=owner, code=code, name=name, control=control)
                desk.reads_cards = not options["cards_are_silent"]
                desk.save(using=OWNER)
                audit.record_as_owner("desk_made", desk, agency=owner.pk, name=name)
        except Agency.DoesNotExist:
            raise CommandError(f'There is no agency "{agency}".') from None
        except IntegrityError:
            raise CommandError(f'There is a desk "{code}" already; choose another code.') from None
        self.stdout.write(
            f"{name}: start its worker with -Q desk.{code}, and `watch_desks {code}` beside it."
        )
