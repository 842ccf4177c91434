"""What row-level security costs: list pages with and without it, at a million rows in 200 agencies.

`./run bench tenancy [--rows N] [--agencies N] [--requests N]` starts engines of its own, fills them,
opens each page as its people do, and takes the policies away for the comparison. The two are measured
in turns, so that whatever else the machine does meets both alike. Exit status 1 where the cost of a
page is above 10 % at the 95th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from agency import engines

ALLOWED = 0.10
ROUNDS = 10
# The tables that the pages below read.
TABLES = ("companies_company", "companies_contact", "renewals_renewal", "renewals_stage", "agency_auditentry")


def main() -> int:
    """Print one JSON object; 1 where row-level security costs more than is allowed."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="xubao-bench-") as runtime:
        os.environ |= {"XUBAO_RUNTIME": runtime, "DJANGO_SETTINGS_MODULE": "agency.settings"}
        os.environ |= dict.fromkeys(
            ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SWEEP_URL", "REDIS_URL"), ""
        )
        with engines.Supervisor(Path(runtime), durable=False) as supervisor:
            engines.start(supervisor)
            result = _measure(asked)
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 0 if all(page["cost"] <= ALLOWED for page in result["pages"].values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="renewals in all agencies (1,000,000)")
    parser.add_argument("--agencies", type=int, default=200)
    parser.add_argument("--requests", type=int, default=200, help="of each page, with and without (200)")
    return parser.parse_args()


def _measure(asked: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    began = time.monotonic()
    agency = _fill(asked.rows, asked.agencies)
    filled_s = time.monotonic() - began
    client = _browser(agency)
    times = _in_turns(client, requests=asked.requests)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rows": asked.rows,
        "agencies": asked.agencies,
        "filled_s": round(filled_s, 1),
        "requests": asked.requests,
        "pages": {page: _compare(with_rls, without) for page, (with_rls, without) in times.items()},
    }


def _fill(rows: int, agencies: int) -> UUID:
    """As the superuser, at once; returns the agency that is measured: one in the middle."""
    import psycopg

    each = rows // agencies
    with psycopg.connect(engines.urls().superuser, autocommit=True) as admin:
        admin.execute(
            "SET session_replication_role = replica"
        )  # no triggers: this is not an audit trail's test
        admin.execute(
            "INSERT INTO agency_agency (id, name, slug, phone) "
            "SELECT gen_random_uuid(), '机构 ' || n, 'a' || n, '' FROM generate_series(1, %s) n",
            [agencies],
        )
        for statement in _ROWS:
            admin.execute(statement, {"each": each})
        admin.execute("ANALYZE")
        found = admin.execute(
            "SELECT id FROM agency_agency WHERE slug = %s", [f"a{agencies // 2}"]
        ).fetchone()
    assert found is not None  # it was just written
    agency: UUID = found[0]
    return agency


_ROWS = (
    """INSERT INTO companies_company (id, agency_id, name, uscc, region, note, created_at)
    SELECT gen_random_uuid(), a.id, '企业 ' || n, lpad(n::text, 18, '0'), '广州', '', now()
    FROM agency_agency a, generate_series(1, %(each)s) n""",
    """INSERT INTO companies_contact (id, agency_id, company_id, name, mobile, email, is_primary)
    SELECT gen_random_uuid(), agency_id, id, '王', '13800138000', 'a@b.example', true
    FROM companies_company""",
    """INSERT INTO renewals_renewal (id, agency_id, company_id, year, state, state_since, priority, epoch,
        setbacks, reason, reason_detail, application_number, queued_at, changed_at)
    SELECT gen_random_uuid(), agency_id, id, extract(year FROM now())::int, 'waiting', now(), 0, 0, 0, '',
        '{}', '', now(), now() FROM companies_company""",
    """INSERT INTO renewals_stage (id, agency_id, renewal_id, name, state)
    SELECT gen_random_uuid(), agency_id, id, s, 'pending' FROM renewals_renewal,
    unnest(ARRAY['confirmation', 'sealing', 'signing', 'authorization', 'receipt']) s""",
    """INSERT INTO agency_auditentry (id, agency_id, number, at, actor_name, action, object_type, object_id,
        detail, previous, digest)
    SELECT gen_random_uuid(), agency_id, row_number() OVER (PARTITION BY agency_id), now(), 'xubao', 'queued',
        'renewal', id, '{}', '', '' FROM renewals_renewal""",
)


def _browser(agency: UUID) -> Any:
    """A browser in which an admin of the agency is signed in."""
    from django.test import Client

    from agency.models import Membership, Role, User
    from agency.tenancy import scope

    user = User.objects.create_user("lin@bench.example", name="Lin")
    with scope(agency):
        Membership.objects.create(user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def _in_turns(client: Any, *, requests: int) -> dict[str, tuple[list[float], list[float]]]:
    from django.urls import reverse

    pages = [reverse("renewals:board"), reverse("companies:list"), reverse("trail")]
    times: dict[str, tuple[list[float], list[float]]] = {page: ([], []) for page in pages}
    for turn in range(ROUNDS):
        # Each comes first as often as the other.
        for place in (0, 1) if turn % 2 else (1, 0):
            _switch(place == 0)
            for page in pages:
                _open(client, page)  # plans and caches of this turn
                for _ in range(requests // ROUNDS):
                    times[page][place].append(_open(client, page))
    _switch(True)
    return times


def _switch(enabled: bool) -> None:
    """The policies of the tables that are read, there or not; nothing else differs."""
    import psycopg

    with psycopg.connect(engines.urls().superuser, autocommit=True) as admin:
        for table in TABLES:
            admin.execute(f"ALTER TABLE {table} {'ENABLE' if enabled else 'DISABLE'} ROW LEVEL SECURITY")


def _open(client: Any, page: str) -> float:
    began = time.perf_counter()
    response = client.get(page)
    if response.status_code != 200:
        raise RuntimeError(f"{page} answered {response.status_code}")
    return time.perf_counter() - began


def _compare(with_rls: list[float], without: list[float]) -> dict[str, float]:
    """Milliseconds, and the cost at the 95th percentile as a share."""
    slow, fast = _p95(with_rls), _p95(without)
    return {
        "p50_ms": round(1000 * statistics.median(with_rls), 1),
        "p50_without_ms": round(1000 * statistics.median(without), 1),
        "p95_ms": round(1000 * slow, 1),
        "p95_without_ms": round(1000 * fast, 1),
        "cost": round(slow / fast - 1, 3),
    }


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
