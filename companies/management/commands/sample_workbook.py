"""`./run manage sample_workbook FILE`: a workbook of invented companies, to try the import with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from companies.sample import load_season, write_workbook


class Command(BaseCommand):
    help = "Write a workbook of 24 invented client companies, with dates that count from today."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to write it, such as sample.xlsx")

    def handle(self, *, file: Path, **_options: Any) -> None:
        season = load_season()
        try:
            with file.open("wb") as target:
                write_workbook(season, target)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{file}: {len(season)} companies")
