"""A migrated database for each worker, used through the role that the product uses.

The first worker migrates the embedded database as its owner; each worker then works on a copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from agency import engines

# Agencies and operators are made by the database's owner, never by a test: they stand in every database.
OUR_AGENCY = UUID("11111111-1111-4111-8111-111111111111")
OTHER_AGENCY = UUID("22222222-2222-4222-8222-222222222222")
OPERATOR = UUID("77777777-7777-4777-8777-777777777777")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Migrate once, copy once a worker, and point every alias at the copy."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        # One worker at a time, and nobody else is connected to the database that is copied.
        with psycopg.connect(superuser("postgres"), autocommit=True) as admin:
            admin.execute("SELECT pg_advisory_lock(1)")
            _prepare_original(admin)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER xubao_owner TEMPLATE xubao").format(sql.Identifier(name))
            )
        _use(name)
    yield
    for connection in connections.all(initialized_only=True):
        connection.close()


def _prepare_original(admin: psycopg.Connection) -> None:
    """Migrate the original unless another worker has."""
    with psycopg.connect(superuser("xubao")) as original:
        migrated = original.execute("SELECT to_regclass('agency_agency')").fetchone()
    if migrated and migrated[0]:
        return
    call_command("migrate", verbosity=0)
    with connections["owner"].cursor() as cursor:
        for ident, name, slug in (
            (OUR_AGENCY, "岭南外贸服务", "lingnan"),
            (OTHER_AGENCY, "北江外贸服务", "beijiang"),
        ):
            cursor.execute(
                "INSERT INTO agency_agency (id, name, slug, phone) VALUES (%s, %s, %s, '020-12345678')",
                [ident, name, slug],
            )
    connections["owner"].close()
    with psycopg.connect(superuser("xubao")) as original:
        _let_the_operator_in(original)


def _let_the_operator_in(admin: psycopg.Connection) -> None:
    admin.execute(
        "INSERT INTO agency_user (id, name, email, password, is_superuser, is_staff, is_active, date_joined) "
        "VALUES (%s, 'Tang', 'tang@platform.example', '!', false, false, true, now())",
        [OPERATOR],
    )
    admin.execute("INSERT INTO agency_operator (user_id) VALUES (%s)", [OPERATOR])


def _use(name: str) -> None:
    for alias in connections:
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
        settings.DATABASES[alias]["NAME"] = name


def superuser(database: str) -> str:
    """The address of one of the engine's databases for its superuser, whom nothing stops."""
    return engines.urls().superuser.replace("/xubao?", f"/{database}?")


def check_keys() -> None:
    """Have Postgres check now what it would check at the end of the transaction."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def rows_read(table: str) -> int:
    """How many of the table's rows this transaction has read so far; one that was read twice counts twice."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", [table]
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """For tests in which several connections must see the same rows: nothing is rolled back.

    Afterwards every table but the migrations' and the agencies' is emptied, as the superuser:
    the audit trail lets nobody else.
    """
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        for connection in connections.all(initialized_only=True):
            connection.close()
        with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
            rows = admin.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN "
                "('django_migrations', 'agency_agency', 'django_content_type', 'auth_permission')"
            ).fetchall()
            tables = sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)
            admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
            # The agencies stand in every database; the twins in which they rehearsed do not.
            admin.execute("DELETE FROM agency_agency WHERE rehearsal_of_id IS NOT NULL")
            _let_the_operator_in(admin)
