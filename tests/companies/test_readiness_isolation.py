"""Readiness looks at nobody else's companies, whatever ids it is given."""

from __future__ import annotations

from django.utils import timezone

from agency.tenancy import scope
from companies.domain.readiness import check_readiness
from companies.models import Company
from tests.cast import YEAR


def test_another_agencys_company_is_not_looked_at(company: Company, raos_company: Company):
    with scope(company.agency_id):
        found = check_readiness([company.pk, raos_company.pk], year=YEAR, on=timezone.localdate())
    assert found == {company: []}
