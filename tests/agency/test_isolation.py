"""Row-level security: what Postgres itself refuses, whatever the program asks for."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from agency.models import Agency, User
from agency.tenancy import OutOfScope, TenantModel, scope
from companies.models import Company, Contact
from renewals.models import Renewal, Stage


def rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_tests_run_as_the_role_of_the_product(db: None) -> None:
    assert rows("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [
        ("xubao_app", False, False)
    ]


def test_every_tenant_table_forces_row_level_security(db: None) -> None:
    tenant_tables = {model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)}
    forced = {
        name
        for (name,) in rows(
            "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity AND c.relforcerowsecurity "
            "AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid "
            "AND p.polname IN ('own_agency', 'own_company')) = 2"
        )
    }
    assert tenant_tables - forced == set()
    assert len(tenant_tables) > 10


def test_no_table_of_the_product_belongs_to_the_role_of_the_product(db: None) -> None:
    assert rows("SELECT tablename FROM pg_tables WHERE tableowner = 'xubao_app'") == []


def test_without_a_scope_postgres_shows_nothing(company: Company) -> None:
    connection.cursor().execute("SELECT set_config('app.agency', '', true)")
    assert rows("SELECT count(*) FROM companies_company") == [(0,)]


def test_an_agency_does_not_see_another_agencys_rows(company: Company, raos_company: Company) -> None:
    with scope(company.agency_id):
        assert rows("SELECT id FROM companies_company") == [(company.pk,)]
    with scope(raos_company.agency_id):
        assert rows("SELECT id FROM companies_company") == [(raos_company.pk,)]


def test_an_agency_cannot_write_another_agencys_row(company: Company, raos_company: Company) -> None:
    with scope(company.agency_id), pytest.raises(DatabaseError, match="row-level security"):
        Contact.objects.create(agency_id=raos_company.agency_id, company_id=raos_company.pk, name="谁")


def test_a_foreign_key_cannot_point_into_another_agency(company: Company, raos_company: Company) -> None:
    """Postgres checks foreign keys without row-level security; the agency is part of ours."""
    with pytest.raises(DatabaseError, match="companies_contact_company_id_agency"), transaction.atomic():
        with scope(company.agency_id):
            Contact.objects.create(company_id=raos_company.pk, name="谁")
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_client_sees_only_its_own_company(
    company: Company, wus_company: Company, renewal: Renewal, wus_renewal: Renewal
) -> None:
    with scope(company.agency_id, company=company.pk):
        assert rows("SELECT id FROM companies_company") == [(company.pk,)]
        assert rows("SELECT id FROM renewals_renewal") == [(renewal.pk,)]
        assert {row[0] for row in rows("SELECT renewal_id FROM renewals_stage")} == {renewal.pk}


@pytest.mark.parametrize(
    "table",
    [
        *("companies_card", "renewals_event", "renewals_evidence", "renewals_intent", "renewals_batch"),
        *("agency_auditentry", "agency_audithead"),
    ],
)
def test_a_client_sees_nothing_of_the_machinery(company: Company, renewal: Renewal, table: str) -> None:
    with scope(company.agency_id, company=company.pk):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608  # a literal of this file


def test_the_product_cannot_make_or_drop_an_agency(agency: Agency) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), scope(agency.pk):
        Agency.objects.create(name="新", slug="new")


def test_managers_raise_outside_a_scope(db: None) -> None:
    with pytest.raises(OutOfScope):
        Renewal.objects.count()


def test_a_scope_does_not_open_inside_another_agencys(company: Company, raos_company: Company) -> None:
    with scope(company.agency_id), pytest.raises(OutOfScope), scope(raos_company.agency_id):
        pass


def test_a_scope_that_fails_leaves_nothing_behind(company: Company, mei: User) -> None:
    class Oops(Exception):
        pass

    with pytest.raises(Oops), scope(company.agency_id):
        Company.objects.filter(pk=company.pk).update(note="half")
        raise Oops
    with scope(company.agency_id):
        assert Company.objects.get().note == ""


def test_related_rows_are_scoped_too(renewal: Renewal) -> None:
    with scope(renewal.agency_id):
        assert renewal.stages.count() == len(Stage.objects.all()) == 5
