"""`person_data AGENCY EMAIL`: what an agency holds about a person who signs in; or his account is emptied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agency import audit, rights
from agency.models import Membership
from agency.operating import agency_id
from agency.tenancy import scope


class Command(BaseCommand):
    """For the installation's operator, where the agency cannot do it itself. Told in the agency's trail."""

    help = (
        "Export what an agency holds about a person, or empty the account of one who has left (PIPL 45, 47)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="short name of the agency")
        parser.add_argument("email")
        act = parser.add_mutually_exclusive_group(required=True)
        act.add_argument("--export", type=Path, metavar="FILE", help="write JSON here")
        act.add_argument("--erase", action="store_true", help="empty the account; access must have ended")

    def handle(self, *_args: Any, agency: str, email: str, export: Path | None, **_options: Any) -> None:
        if (found := agency_id(agency)) is None:
            raise CommandError(f'There is no agency "{agency}".')
        with scope(found), audit.at_the_terminal():
            member = Membership.objects.filter(user__email=email.lower()).select_related("user").first()
            if member is None:
                raise CommandError(f"{agency} knows nobody with the address {email}.")
            self.stdout.write(_export(member, export) if export else _erase(member))


def _export(member: Membership, file: Path) -> str:
    audit.record("person_exported", member.user, by=None)
    with file.open("x", encoding="utf-8") as target:
        file.chmod(0o600)
        json.dump(rights.held_about(member.user), target, ensure_ascii=False, indent=1)
    return f"{file}: everything about {member.user.name}"


def _erase(member: Membership) -> str:
    if member.ended_at is None:
        raise CommandError("End the person's access first.")
    audit.record("person_erased", member.user, by=None)
    if rights.forget(member.user):
        return "The account is emptied."
    return "Another agency knows the person: the account stays."
