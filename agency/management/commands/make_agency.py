"""`make_agency`: a new agency with its first admin."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug

from agency.operating import SlugTaken, make_agency


class Command(BaseCommand):
    """For the installation's operator; works as the owner of the database."""

    help = "Make an agency and its first admin, who signs in with a code sent by e-mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="short name: letters, digits, hyphens")
        parser.add_argument("name", help="the agency's name, as people read it")
        parser.add_argument("--phone", default="", help="whom the clients call")
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-name", required=True)

    def handle(self, *_args: Any, slug: str, name: str, **options: Any) -> None:
        try:
            validate_slug(slug)
            validate_email(options["admin_email"])
            made = make_agency(
                name,
                slug,
                phone=options["phone"],
                admin_email=options["admin_email"],
                admin_name=options["admin_name"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except SlugTaken:
            raise CommandError(f'There is an agency "{slug}" already; choose another short name.') from None
        self.stdout.write(f"{made.name} ({slug}): {options['admin_email']} may sign in now.")
