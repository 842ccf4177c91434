"""`company_data AGENCY USCC`: what is held about a company, taken away with it, or taken away for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agency import audit
from agency.operating import agency_id
from agency.tenancy import scope
from companies.domain import erasing, holdings
from companies.models import Company


class Command(BaseCommand):
    """For the installation's operator, where the agency cannot do it itself. Told in the agency's trail."""

    help = "Export everything about a company into a zip archive, or take it away (PIPL 45, 47)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="short name of the agency")
        parser.add_argument("uscc", help="the company's unified social credit code")
        act = parser.add_mutually_exclusive_group(required=True)
        act.add_argument("--export", type=Path, metavar="FILE", help="write the archive here")
        act.add_argument("--erase", metavar="WHY", help="who asked for it, and how; kept in the audit trail")
        act.add_argument("--plan", action="store_true", help="say what --erase would do")

    def handle(self, *_args: Any, agency: str, uscc: str, **options: Any) -> None:
        if (found := agency_id(agency)) is None:
            raise CommandError(f'There is no agency "{agency}".')
        with scope(found), audit.at_the_terminal():
            company = Company.objects.filter(uscc=uscc.upper()).first()
            if company is None:
                raise CommandError(f"{agency} has no company with the code {uscc}.")
            self.stdout.write(self._act(company, options))

    def _act(self, company: Company, options: dict[str, Any]) -> str:
        if file := options["export"]:
            return _export(company, file)
        if why := options["erase"]:
            return _erase(company, why)
        planned = erasing.plan(company)
        if planned.is_open:
            return "A renewal is under way: finish or cancel it first."
        return f"The proof stays until {planned.kept_until or 'today: everything goes at once'}."


def _export(company: Company, file: Path) -> str:
    audit.record("company_exported", company, by=None)
    with file.open("xb") as archive:
        file.chmod(0o600)
        holdings.write_export(company, archive)
    return f"{file}: everything about {company.name}"


def _erase(company: Company, why: str) -> str:
    try:
        kept_until = erasing.erase(company, by=None, why=why)
    except erasing.StillOpen:
        raise CommandError("A renewal is under way: finish or cancel it first.") from None
    return f"Gone. The proof stays until {kept_until}." if kept_until else "Everything is gone."
