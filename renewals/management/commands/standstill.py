"""`standstill WHY`: the whole installation stands still, until `standstill --end`."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.db.models.functions import Now

from agency import audit
from agency.operating import OWNER
from renewals.domain import standing_still
from renewals.models import Standstill


class Command(BaseCommand):
    """For the installation's operator; works as the owner of the database."""

    help = "Let no run begin and no click be pressed, in any agency; --end lets them go on, slowly at first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("why", nargs="?", default="", help="what people read beside their work")
        parser.add_argument("--end", action="store_true", help="go on")
        parser.add_argument("--by", default=getpass.getuser(), help="who does it (the user of this machine)")

    def handle(self, *_args: Any, why: str, end: bool, by: str, **_options: Any) -> None:
        if end:
            self._end(by)
        elif not why:
            raise CommandError("Say why: people read it beside their work.")
        else:
            self._begin(why, by)

    def _begin(self, why: str, by: str) -> None:
        try:
            Standstill.objects.using(OWNER).create(why=why, begun_by=by)
        except IntegrityError:
            raise CommandError("The installation stands still already.") from None
        with audit.at_the_terminal(by):
            standing_still.tell_everybody("standstill_begun", by=None, why=why)
        self.stdout.write("Nothing begins any more. What was pressed is read to its end.")

    def _end(self, by: str) -> None:
        standing = Standstill.objects.using(OWNER).filter(ended_at__isnull=True)
        if not standing.update(ended_at=Now(), ended_by=by):
            raise CommandError("The installation does not stand still.")
        with audit.at_the_terminal(by):
            standing_still.tell_everybody("standstill_ended", by=None)
        self.stdout.write("The work goes on, one run more at a time.")
