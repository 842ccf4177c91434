"""The walls between agencies are looked at at each start; the sweep sees no more than it needs."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models

from agency import checks
from agency.checks import missing_walls, models_are_scoped, refuse_without_walls
from agency.tenancy import TenantModel
from tests.database import superuser

ROOT = Path(settings.BASE_DIR)


def test_a_database_as_the_migrations_make_it_has_all_its_walls(db: None) -> None:
    assert missing_walls() == []


HOLES = {
    "ALTER TABLE companies_card DISABLE ROW LEVEL SECURITY": "row-level security",
    "ALTER TABLE companies_card NO FORCE ROW LEVEL SECURITY": "FORCE ROW LEVEL SECURITY",
    "DROP POLICY own_agency ON companies_card": "the policy own_agency",
    "DROP POLICY own_company ON companies_card": "the policy own_company",
    # A permissive policy of that name lets in instead of keeping out.
    "DROP POLICY own_company ON companies_card; CREATE POLICY own_company ON companies_card USING (true)": (
        "the policy own_company"
    ),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_in_a_wall_stops_the_start(committed: None, hole: str) -> None:
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"])), autocommit=True) as admin:
        kept = admin.execute(
            "SELECT polname, polpermissive, pg_get_expr(polqual, polrelid), "
            "pg_get_expr(polwithcheck, polrelid) FROM pg_policy "
            "WHERE polrelid = 'companies_card'::regclass AND polname LIKE 'own_%'"
        ).fetchall()
        admin.execute(hole)
        try:
            assert missing_walls() == [("companies_card", HOLES[hole])]
            with pytest.raises(ImproperlyConfigured, match=f"companies_card lacks {HOLES[hole]}"):
                refuse_without_walls()
        finally:
            _mend(admin, kept)
    assert missing_walls() == []


def _mend(admin: psycopg.Connection, kept: list[tuple[str, bool, str, str]]) -> None:
    admin.execute("ALTER TABLE companies_card ENABLE ROW LEVEL SECURITY")
    admin.execute("ALTER TABLE companies_card FORCE ROW LEVEL SECURITY")
    for name, permissive, using, check in kept:
        admin.execute(f"DROP POLICY IF EXISTS {name} ON companies_card")
        how = "PERMISSIVE" if permissive else "RESTRICTIVE"
        admin.execute(f"CREATE POLICY {name} ON companies_card AS {how} USING ({using}) WITH CHECK ({check})")


def test_a_role_that_passes_the_walls_stops_the_start(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "USER", "postgres")
    try:
        with pytest.raises(ImproperlyConfigured, match="passes row-level security"):
            refuse_without_walls()
    finally:
        connection.close()


def test_a_model_with_an_agency_and_no_scope_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = type("Loose", (), {"_meta": _Meta(), "_default_manager": models.Manager()})
    monkeypatch.setattr(checks, "tenant_models", lambda: iter([loose]))
    assert [(error.id, error.msg) for error in models_are_scoped(None)] == [
        ("agency.E001", "renewals.Loose has a field `agency` and is not scoped to it.")
    ]


class _Meta:
    label = "renewals.Loose"


def test_every_model_with_an_agency_is_looked_at() -> None:
    assert set(checks.tenant_models()) == {
        model for model in apps.get_models() if issubclass(model, TenantModel)
    }


def test_one_module_alone_speaks_as_the_sweep() -> None:
    users = {
        str(path.relative_to(ROOT))
        for app in ("agency", "companies", "renewals")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"""(connections|using|atomic)[(\[]\(?["']sweep["']""", path.read_text())
    }
    assert users == {"renewals/domain/across.py"}


# All that the sweep's role may do in the database, column by column: see docs/adr/0008.
SEEN_BY_THE_SWEEP = {
    "companies_card": {"agency_id", "company_id", "kind", "custody", "quarantined_at", "valid_until"},
    "companies_company": {"id", "agency_id", "old_policy_ends_on"},
    "renewals_desk": {"id", "agency_id", "code", "card_number", "sitting", "sitting_until"},
    "renewals_matter": {"agency_id", "renewal_id", "reason", "closed_at"},
    "renewals_rehearsal": {"id", "agency_id", "state", "asked_at", "ended_at", "held_until"},
    "renewals_renewal": {
        *("id", "agency_id", "company_id", "desk_id"),
        *("state", "stage", "reason", "lease_until", "look_at", "changed_at"),
    },
    "renewals_stage": {"agency_id", "renewal_id", "name", "state"},
}


def test_the_sweep_calls_no_function_that_acts_as_another_role(committed: None) -> None:
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        raised = admin.execute(
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        ).fetchall()
        callable_by_it = admin.execute(
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
            "AND has_function_privilege('xubao_sweep', oid, 'EXECUTE')"
        ).fetchall()
    assert len(raised) > 0
    assert callable_by_it == []


def test_the_sweep_reads_columns_one_by_one_writes_nothing_and_sees_no_person(committed: None) -> None:
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        tables = admin.execute(
            "SELECT table_name, privilege_type FROM information_schema.table_privileges "
            "WHERE grantee = 'xubao_sweep'"
        ).fetchall()
        columns = admin.execute(
            "SELECT table_name || '.' || column_name, privilege_type "
            "FROM information_schema.column_privileges WHERE grantee = 'xubao_sweep'"
        ).fetchall()
    assert tables == []
    assert {kind for _column, kind in columns} == {"SELECT"}
    granted: dict[str, set[str]] = {}
    for column, _kind in columns:
        granted.setdefault(column.partition(".")[0], set()).add(column.partition(".")[2])
    assert granted == SEEN_BY_THE_SWEEP
    personal = re.compile(
        r"\.(name|mobile|email|uscc|holder|given_by|note|phone|password)$|pin|secret|detail"
    )
    # A stage's name is one of five words.
    assert [column for column, _kind in columns if personal.search(column)] == ["renewals_stage.name"]
