"""What the staff's pages cost: `./run bench pages`.

./run bench pages                      10,000 companies and 20,000 renewals, then 100,000 renewals twice: the
                                       same companies after ten years, and five times as many companies
./run bench pages --companies 500      another size (and its multiples), to see that it works

Goals on an idle machine with 2 cores: each page 150 ms or less at the 95th percentile and 15 queries or
fewer; an update poll with nothing new 20 ms; 50 people with the board open half a core; at 100,000 renewals
1.5 times the time of 20,000 at most. Times are taken on the server, inside the process: what the network and
the browser add is not in them. Exit status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from socket import socket
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx

from benchmarks.filling import fill, superuser
from benchmarks.machine import described, engines_of_its_own, processes_below, shared

COMPANIES, BATCHES = 10_000, 20
# Times the companies, and years of each.
SIZES = ((1, 2), (1, 10), (5, 2))
PAGE_MS, QUERIES, POLL_MS, CORES, SLOWER = 150.0, 15, 20.0, 0.5, 1.5
WARM_UP = 5
PEOPLE, POLL_EVERY_S, WATCHED_S = 50, 2.0, 20.0
# What staff open all day, and what they search and filter for.
PAGES = (
    ("renewals:today", ""),
    ("renewals:board", ""),
    ("renewals:board", "?q=企业+123"),
    ("renewals:board", "?state=waiting&stage=confirmation&page=40"),
    ("renewals:attention", ""),
    ("renewals:attention", "?reason=uscc_differs"),
    ("companies:list", ""),
    ("companies:list", "?q=C0000000123"),
    ("companies:list", "?q=000123"),
    ("readiness:list", ""),
    ("renewals:batches", ""),
)
# One season as it looks in its middle: of ten renewals of this year, two are done, four wait for the portal.
# What is over was written in its own year. Each year has its batches.
_SEASON = (
    """INSERT INTO renewals_batch (id, agency_id, name, year, made_at, asked, chosen_by, proven, note)
    SELECT gen_random_uuid(), a.id, year || ' ' || n, year, now(), n, '', '{}', ''
    FROM agency_agency a, (SELECT DISTINCT year FROM renewals_renewal) years,
    generate_series(0, %(batches)s - 1) n""",
    """CREATE TEMPORARY TABLE season AS SELECT id, n,
        CASE WHEN year < %(year)s THEN 'complete' ELSE (ARRAY['waiting', 'waiting', 'waiting', 'submitted',
            'submitted', 'submitted', 'submitted', 'complete', 'complete', 'attention'])[1 + n %% 10]
        END AS state,
        now() - make_interval(years => %(year)s - year, days => (n %% 9)::int, secs => n) AS at
    FROM (SELECT id, year, row_number() OVER (PARTITION BY year) AS n FROM renewals_renewal) numbered""",
    """UPDATE renewals_renewal r SET state = s.state, state_since = s.at, changed_at = s.at, batch_id = b.id,
        reason = CASE WHEN s.state = 'attention'
            THEN (ARRAY['uscc_differs', 'pin_missing', 'no_pending_policy'])[1 + n %% 3] ELSE '' END,
        look_at = CASE WHEN s.state = 'submitted' THEN now() + interval '1 day' END,
        stage = CASE s.state WHEN 'submitted' THEN 'receipt' WHEN 'complete' THEN '' ELSE 'confirmation' END
    FROM season s, renewals_batch b
    WHERE r.id = s.id AND b.agency_id = r.agency_id AND b.year = r.year AND b.asked = s.n %% %(batches)s""",
    "DROP TABLE season",
)


@dataclass(frozen=True)
class Cost:
    """One page: milliseconds on the server, and how many queries it asked."""

    p50_ms: float
    p95_ms: float
    queries: int


def main(words: list[str]) -> int:
    """Measure and print; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="./run bench pages", description=__doc__)
    parser.add_argument("--companies", type=int, default=COMPANIES)
    parser.add_argument("--requests", type=int, default=60, help="of each page (60)")
    chosen = parser.parse_args(words)
    print(described())
    missed = []
    before: dict[str, Cost] = {}
    with engines_of_its_own():
        for times, years in SIZES:
            empty()
            agency = fill(agencies=1, companies_each=chosen.companies * times, years=years)
            play_a_season()
            with shared() as share:
                found = pages(agency, requests=chosen.requests)
            companies = chosen.companies * times
            print(f"\n{companies:,} companies, {companies * years:,} renewals ({share})")
            missed += report(found, before)
            if not before:
                missed += watchers(agency)
            before = before or found
    print(f"\nmissed: {'; '.join(missed)}" if missed else "\nevery goal is met")
    return 1 if missed else 0


def empty() -> None:
    """Leave no agency, and so nothing of any."""
    with superuser() as admin:
        admin.execute("TRUNCATE agency_agency, agency_user CASCADE")


def play_a_season() -> None:
    """Let the renewals of this year stand where they do in the middle of a season; earlier ones are over."""
    with superuser() as admin:
        admin.execute("SET session_replication_role = replica")
        this_year = date.today().year  # noqa: DTZ011  # as `fill` does
        for statement in _SEASON:
            admin.execute(statement, {"year": this_year, "batches": BATCHES})
        admin.execute("VACUUM ANALYZE")


def pages(agency: UUID, *, requests: int) -> dict[str, Cost]:
    """What each page costs, and the board's poll when nothing has changed."""
    from django.conf import settings
    from django.urls import reverse

    settings.ALLOWED_HOSTS = ["testserver"]
    client = _staff(agency)
    addresses = [reverse(name) + query for name, query in PAGES]
    found = {address: _cost(client, address, requests) for address in addresses}
    return found | {POLL: _cost(client, _poll(client), requests, status=204)}


POLL = "the board's poll, nothing new"


def report(found: dict[str, Cost], before: dict[str, Cost]) -> list[str]:
    """Print one size's figures with the goal of each; returns the goals that they miss.

    The goal of a bigger size is `SLOWER` times what the page took before.
    """
    print(f"{'page':<58}{'p50 ms':>9}{'p95 ms':>9}{'goal':>7}{'queries':>9}{'goal':>6}")
    missed = []
    for page, cost in found.items():
        goal_ms = POLL_MS if page == POLL else PAGE_MS
        line = f"{page:<58}{cost.p50_ms:>9.1f}{cost.p95_ms:>9.1f}{goal_ms:>7.0f}{cost.queries:>9}{QUERIES:>6}"
        if page in before:
            slower = cost.p50_ms / before[page].p50_ms
            line += f"   {slower:.2f} times (goal {SLOWER})"
            missed += [f"{page} {slower:.2f} times slower"] if slower > SLOWER else []
        elif cost.p95_ms > goal_ms:
            missed.append(f"{page} {cost.p95_ms:.0f} ms")
        missed += [f"{page} {cost.queries} queries"] if cost.queries > QUERIES else []
        print(line, flush=True)
    return missed


def watchers(agency: UUID) -> list[str]:
    """What 50 people with the board open cost in cores, by a server in a process of its own."""
    from django.conf import settings

    client, name = _staff(agency), settings.SESSION_COOKIE_NAME
    poll, cookies = _poll(client), {name: client.cookies[name].value}
    with _server() as address, httpx.Client(base_url=address, cookies=cookies) as browser:
        first = browser.get(poll)
        if first.status_code != 204:
            raise RuntimeError(f"the poll answered {first.status_code}")
        began, cpu = time.monotonic(), _cpu_beside_us()
        polls = int(PEOPLE / POLL_EVERY_S * WATCHED_S)
        with ThreadPoolExecutor(8) as people:
            for number in range(polls):
                time.sleep(max(0.0, began + number * POLL_EVERY_S / PEOPLE - time.monotonic()))
                people.submit(browser.get, poll)
        cores = (_cpu_beside_us() - cpu) / (time.monotonic() - began)
    print(
        f"\n{PEOPLE} people with the board open: {cores:.2f} cores, goal {CORES} ({polls} polls)", flush=True
    )
    return [f"{PEOPLE} people cost {cores:.2f} cores"] if cores > CORES else []


def _staff(agency: UUID) -> Any:
    """A browser in which one of the agency's staff is signed in."""
    from django.test import Client

    from agency.models import Membership, Role, User
    from agency.tenancy import scope

    user = User.objects.filter(email="mei@bench.example").first()
    if user is None:
        user = User.objects.create_user("mei@bench.example", name="Mei")
        with scope(agency):
            Membership.objects.create(user=user, role=Role.STAFF)
    client = Client()
    client.force_login(user)
    return client


def _poll(client: Any) -> str:
    """The address that an open board asks each two seconds."""
    from django.urls import reverse

    page = client.get(reverse("renewals:board")).content.decode()
    asked = re.findall(r'name="(row|summary|pulse|shown)" value="([^"]+)"', page)
    return f"{reverse('renewals:changes')}?{urlencode(asked)}"


def _cost(client: Any, page: str, requests: int, *, status: int = 200) -> Cost:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def ask() -> None:
        answer = client.get(page)
        if answer.status_code != status:
            raise RuntimeError(f"{page} answered {answer.status_code}")

    for _ in range(WARM_UP):
        ask()
    with CaptureQueriesContext(connection) as asked:
        ask()
    queries = len(asked)  # the next request forgets them
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - began))
    return Cost(statistics.median(times), statistics.quantiles(times, n=20)[-1], queries)


@contextmanager
def _server() -> Iterator[str]:
    """The web server as `docker-compose.yml` starts it; gives its address."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "uvicorn", "agency.asgi:application", "--lifespan", "off"]
    with subprocess.Popen([*program, "--port", str(port), "--log-level", "error"]) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            yield address
        finally:
            server.terminate()


def _wait_for(address: str) -> None:
    """Return when the server answers. Raises `RuntimeError` after half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            httpx.get(f"{address}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the web server does not answer")


def _cpu_beside_us() -> float:
    """CPU seconds of all that this process started: the web server and the engines, not the asking itself."""
    return sum(seconds for pid, seconds in processes_below(os.getpid()).items() if pid != os.getpid())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
