"""`verify_audit`: look through every agency's audit trail for what was changed, taken out or put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agency import audit
from agency.operating import every_agency
from agency.tenancy import scope


class Command(BaseCommand):
    """Prints one JSON line an agency. Those lines, kept on another machine, are the heads for `--against`."""

    help = (
        "Verify the audit trails. Exit status 1 and the numbers of the entries where one does not hold. "
        "Keep the output somewhere else each day, and hand it in with --against: a trail that somebody "
        "with all rights wrote anew fits itself, and not what was kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--against", type=Path, help="earlier output of this command")

    def handle(self, *_args: Any, against: Path | None, **_options: Any) -> None:
        kept, is_whole = _heads(against), True
        for agency, slug in every_agency():
            with scope(agency):
                result = audit.verify(expected=kept.get(slug, {}))
            is_whole = is_whole and not result.findings
            line = {
                "agency": slug,
                "entries": result.entries,
                "head": {"number": result.number, "digest": result.head},
                "findings": [{"number": one.number, "fault": one.fault} for one in result.findings],
            }
            self.stdout.write(json.dumps(line, ensure_ascii=False))
        if not is_whole:
            raise CommandError("An audit trail does not hold; see the findings.")


def _heads(file: Path | None) -> dict[str, dict[int, str]]:
    """The heads that were kept, by agency and number."""
    heads: dict[str, dict[int, str]] = {}
    for line in file.read_text().splitlines() if file else ():
        kept = json.loads(line)
        heads.setdefault(kept["agency"], {})[kept["head"]["number"]] = kept["head"]["digest"]
    return heads
