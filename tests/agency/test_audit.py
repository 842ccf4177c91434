"""The audit trail: numbered and chained by Postgres, written once."""

from __future__ import annotations

import pytest
from django.db import DatabaseError

from agency import audit
from agency.models import AuditEntry, User
from agency.tenancy import scope
from companies.models import Company


def test_entries_are_numbered_and_chained_per_agency(
    company: Company, raos_company: Company, mei: User
) -> None:
    for _ in range(2):
        with scope(company.agency_id):
            audit.record("looked_at", company, by=mei, address="192.0.2.1")
        with scope(raos_company.agency_id):
            audit.record("looked_at", raos_company, by=None)
    with scope(company.agency_id):
        first, second = AuditEntry.objects.order_by("number")
    assert (first.number, second.number) == (1, 2)
    assert (first.previous, second.previous) == ("", first.digest)
    assert len({first.digest, second.digest}) == 2
    assert (first.actor_name, first.address) == ("Mei", "192.0.2.1")


@pytest.mark.parametrize("change", ["update", "delete"])
def test_nobody_changes_an_entry(company: Company, change: str) -> None:
    with scope(company.agency_id):
        audit.record("looked_at", company, by=None)
    with pytest.raises(DatabaseError, match="permission denied"), scope(company.agency_id):
        entries = AuditEntry.objects.all()
        entries.update(action="never") if change == "update" else entries._raw_delete("default")
