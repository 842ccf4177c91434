"""`rotate_keys`: seal every stored secret anew with the present key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agency.operating import every_agency
from agency.rotation import rotate_agency, rotate_factors


class Command(BaseCommand):
    """For the installation's operator. Repeatable; people may work meanwhile."""

    help = (
        "Seal PINs and second factors anew with VAULT_KEY. Before: put the key that was in use into "
        "VAULT_OLD_KEYS, a new one into VAULT_KEY, and restart everything. After: take the old key out."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        broken: list[str] = []
        for agency, slug in every_agency():
            rotated = rotate_agency(agency)
            broken += rotated.broken
            self.stdout.write(f"{slug}: {rotated.count} sealed anew")
        people = rotate_factors()
        broken += people.broken
        self.stdout.write(f"second factors: {people.count} sealed anew")
        if broken:
            raise CommandError(
                "These do not open with any key that is set, and were left as they are: " + ", ".join(broken)
            )
