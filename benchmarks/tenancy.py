"""What row-level security costs: list pages with and without it, at a million rows in 200 agencies.

`./run bench tenancy [--rows N] [--agencies N] [--pairs N]` starts engines of its own, fills them, and opens
each page as its people do, in pairs: once as the product's role, once as a role that differs from it in
one thing, that row-level security does not bind it. Which of the two comes first changes from pair to pair,
so whatever else the machine does meets both alike. Exit status 1 where a page costs more than 10 % at
the 95th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from agency import engines
from benchmarks.filling import fill, superuser
from benchmarks.machine import described

ALLOWED = 0.10
WARM_UP = 5
# What people open, and what they search for.
PAGES = (
    ("renewals:board", ""),
    ("renewals:board", "?q=企业+123"),
    ("renewals:board", "?state=waiting&stage=confirmation&page=40"),
    ("companies:list", ""),
    ("companies:list", "?q=C0000000123"),
    ("trail", ""),
    ("trail", "?q=xubao&action=queued"),
)


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
    parser.add_argument("--pairs", type=int, default=100, help="of requests for each page (100)")
    return parser.parse_args()


def _measure(asked: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    machine, began = described(), time.monotonic()
    agency = fill(agencies=asked.agencies, companies_each=asked.rows // asked.agencies)
    filled_s = time.monotonic() - began
    return {
        "machine": machine,
        "rows": asked.rows,
        "agencies": asked.agencies,
        "filled_s": round(filled_s, 1),
    } | measure_pages(agency, pairs=asked.pairs)


def measure_pages(agency: UUID, *, pairs: int) -> dict[str, Any]:
    """Each page's figures in a database that is filled already."""
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    client, roles, load = _browser(agency), _roles(), os.getloadavg()[0]
    pages = {page: _compare(_in_pairs(client, page, roles, pairs)) for page in _addresses()}
    return {"pairs": pairs, "load": [round(load, 1), round(os.getloadavg()[0], 1)], "pages": pages}


def _addresses() -> list[str]:
    from django.urls import reverse

    return [reverse(name) + query for name, query in PAGES]


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


def _roles() -> tuple[Any, Any]:
    """Two connections: the product's own, and the same of a role that walls do not bind."""
    from django.db import connections

    with superuser() as admin:
        admin.execute("DROP ROLE IF EXISTS xubao_bare")
        admin.execute("CREATE ROLE xubao_bare LOGIN BYPASSRLS IN ROLE xubao_app")
    bare = connections.create_connection("default")
    bare.settings_dict = bare.settings_dict | {"USER": "xubao_bare"}
    return connections["default"], bare


def _in_pairs(client: Any, page: str, roles: tuple[Any, Any], pairs: int) -> list[tuple[float, float]]:
    """Seconds of each pair: with the walls, without."""
    from django.db import connections

    times = []
    for turn in range(WARM_UP + pairs):
        pair = [0.0, 0.0]
        for place in (0, 1) if turn % 2 else (1, 0):
            connections["default"] = roles[place]
            pair[place] = _open(client, page)
        times.append((pair[0], pair[1]))
    connections["default"] = roles[0]
    return times[WARM_UP:]


def _open(client: Any, page: str) -> float:
    began = time.perf_counter()
    response = client.get(page)
    if response.status_code != 200:
        raise RuntimeError(f"{page} answered {response.status_code}")
    return time.perf_counter() - began


def _compare(times: list[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds; the cost at the 95th percentile and at the median; and of the median pair."""
    walled, bare = [one for one, _ in times], [one for _, one in times]
    p50, p50_without, p95, p95_without = (
        statistics.median(walled),
        statistics.median(bare),
        _p95(walled),
        _p95(bare),
    )
    return {
        "p50_ms": round(1000 * p50, 1),
        "p50_without_ms": round(1000 * p50_without, 1),
        "p95_ms": round(1000 * p95, 1),
        "p95_without_ms": round(1000 * p95_without, 1),
        "cost_p50": round(p50 / p50_without - 1, 3),
        "cost_of_a_pair": round(statistics.median(one / other for one, other in times) - 1, 3),
        "cost": round(p95 / p95_without - 1, 3),
    }


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
