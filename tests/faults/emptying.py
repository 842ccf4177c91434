"""Empties the database between two campaigns of one run."""

from __future__ import annotations

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from tests.database import superuser


def empty_database() -> None:
    """Remove every row but the migrations' and the agencies', as `committed` does at its end."""
    for connection in connections.all(initialized_only=True):
        connection.close()
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        rows = admin.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN "
            "('django_migrations', 'agency_agency', 'django_content_type', 'auth_permission')"
        ).fetchall()
        tables = sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)
        admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
