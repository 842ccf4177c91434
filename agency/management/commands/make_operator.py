"""`make_operator`: somebody who runs this installation."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from agency.operating import make_operator


class Command(BaseCommand):
    """Works as the owner of the database: no page can make an operator."""

    help = "Let a person make agencies, see their health, and go into one with a reason."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name")

    def handle(self, *_args: Any, email: str, name: str, **_options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        make_operator(email, name)
        self.stdout.write(f"{email} may sign in, with a code and a second factor, and open /operator/.")
