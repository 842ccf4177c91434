"""Data migrations, on a database that holds agencies with companies."""

from __future__ import annotations

from importlib import import_module

from django.db import connections

from agency.operating import OWNER
from agency.tenancy import scope
from companies.models import Company
from tests.cast import uscc_for
from tests.database import OTHER_AGENCY, OUR_AGENCY

BOTH = (OUR_AGENCY, OTHER_AGENCY)


def test_the_initials_of_every_agencys_companies_are_filled(committed: None) -> None:
    for number, agency in enumerate(BOTH):
        with scope(agency):
            Company.objects.create(name="宏达贸易", uscc=uscc_for(number))
            Company.objects.update(initials="")
    migration = import_module("companies.migrations.0005_fill_initials")
    with connections[OWNER].schema_editor() as editor:
        migration.fill(None, editor)
    found: list[str] = []
    for agency in BOTH:
        with scope(agency):
            found += Company.objects.values_list("initials", flat=True)
    assert found == ["hdmy", "hdmy"]
