"""Many rows at once, for benchmarks: written by the superuser, past triggers, a company like the next."""

from __future__ import annotations

from uuid import UUID

import psycopg

from agency import engines


def fill(*, agencies: int, companies_each: int, years: int = 1) -> UUID:
    """Agencies with companies, each with a renewal in this year and in the ones before.

    Every company has a contact and a card, every renewal five stages and an entry in the audit trail.
    Returns the agency in the middle.
    """
    with superuser() as admin:
        # No triggers: this is not an audit trail's test.
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "INSERT INTO agency_agency (id, name, slug, phone) "
            "SELECT gen_random_uuid(), '机构 ' || n, 'a' || n, '' FROM generate_series(1, %s) n",
            [agencies],
        )
        # An index built over all rows costs a fraction of one that learns of each row by itself.
        for table in _TABLES:
            admin.execute(
                "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = %s::regclass",
                [table],
            )
        for statement in _ROWS:
            admin.execute(statement, {"each": companies_each, "years": years})
        admin.execute("SET maintenance_work_mem = '256MB'")
        for table in _TABLES:
            admin.execute(f"REINDEX TABLE {table}")
        admin.execute("ANALYZE")
        found = admin.execute(
            "SELECT id FROM agency_agency WHERE slug = %s", [f"a{max(agencies // 2, 1)}"]
        ).fetchone()
    assert found is not None  # it was just written
    agency: UUID = found[0]
    return agency


def superuser() -> psycopg.Connection:
    """A connection that no wall binds; each statement is committed at once."""
    return psycopg.connect(engines.urls().superuser, autocommit=True)


_TABLES = (
    "companies_company",
    "companies_contact",
    "companies_card",
    "renewals_renewal",
    "renewals_stage",
    "agency_auditentry",
)
_ROWS = (
    """INSERT INTO companies_company (id, agency_id, name, uscc, region, note, created_at)
    SELECT gen_random_uuid(), a.id, '企业 ' || n, lpad(n::text, 18, '0'), '广州', '', now()
    FROM agency_agency a, generate_series(1, %(each)s) n""",
    """INSERT INTO companies_contact (id, agency_id, company_id, name, mobile, email, is_primary)
    SELECT gen_random_uuid(), agency_id, id, '王', '13800138000', 'a@b.example', true
    FROM companies_company""",
    """INSERT INTO companies_card (id, agency_id, company_id, kind, number, certificate, holder, custody,
        drawer, quarantine_reason)
    SELECT gen_random_uuid(), agency_id, id, 'legal_person', 'C' || right(uscc, 12), '', '', 'agency', '', ''
    FROM companies_company""",
    """INSERT INTO renewals_renewal (id, agency_id, company_id, year, state, state_since, priority, epoch,
        setbacks, reason, reason_detail, application_number, note, stage, queued_at, changed_at)
    SELECT gen_random_uuid(), agency_id, id, extract(year FROM now())::int - ago, 'waiting', now(), 0, 0,
        0, '', '{}', '', '', 'confirmation', now(), now()
    FROM companies_company, generate_series(0, %(years)s - 1) ago""",
    """INSERT INTO renewals_stage (id, agency_id, renewal_id, name, state)
    SELECT gen_random_uuid(), agency_id, id, s, 'pending' FROM renewals_renewal,
    unnest(ARRAY['confirmation', 'sealing', 'signing', 'authorization', 'receipt']) s""",
    """INSERT INTO agency_auditentry (id, agency_id, number, at, actor_name, action, object_type, object_id,
        detail, previous, digest)
    SELECT gen_random_uuid(), agency_id, row_number() OVER (PARTITION BY agency_id), now(), 'xubao', 'queued',
        'renewal', id, '{}', '', '' FROM renewals_renewal""",
)
