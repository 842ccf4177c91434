"""Queueing, sweeping, claiming and ringing with so many renewals in the database."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.machine import AGENCY, Share, shared, timed

DESKS = 20
CLAIM_FOR_S = 5.0
WARM_UP_S = 1.5


def measure(queued: int, rows: int) -> None:
    """Queue, sweep and claim with so many renewals in the database; prints one line each."""
    figures: dict[str, float] = {}
    fill(rows - queued)
    with shared() as swept, timed(figures, "sweep"):
        sweep_once()
    assert nothing_is_lost()
    companies = make_companies(queued)
    analyze()
    with shared() as put, timed(figures, "queue"):
        queue(companies)
    claims, seconds, claimed = claim_at_once(companies)
    print(f"\nwith {rows:,} renewals in the database")
    print(f"  queue {queued:,} from a filter  {figures['queue']:8.2f} s    ({put})")
    print(f"  one sweep                  {figures['sweep']:8.2f} s    ({swept})")
    print(
        f"  claims with {DESKS} desks      {claims / seconds:8.0f} /s   ({claimed}; {claims:,} claims)",
        flush=True,
    )
    empty()


# --- rows ----------------------------------------------------------------------------------------


def person() -> Any:
    """Who queues."""
    from agency.models import User

    return User.objects.filter(email="bench@example.com").first() or User.objects.create_user(
        "bench@example.com", name="Bench"
    )


def make_companies(number: int) -> list[Any]:
    """So many companies that are ready, with all that makes them so; returns their ids."""
    from datetime import timedelta

    from django.utils import timezone
    from stdnum.cn import uscc

    from agency.tenancy import scope
    from companies.models import Card, Company, Consent, Contact

    year, valid_until = timezone.localdate().year, timezone.localdate() + timedelta(days=300)
    bodies = [f"91440101MB{place:07d}" for place in range(number)]
    with scope(AGENCY):
        made = Company.objects.bulk_create(
            Company(
                agency_id=AGENCY, name=f"第{body[-7:]}号公司", uscc=body + str(uscc.calc_check_digit(body))
            )
            for body in bodies
        )
        Contact.objects.bulk_create(
            Contact(agency_id=AGENCY, company=one, name="王", mobile="13800138000", email="a@example.com")
            for one in made
        )
        Card.objects.bulk_create(
            Card(agency_id=AGENCY, company=one, number=f"C{one.uscc}", valid_until=valid_until)
            for one in made
        )
        Consent.objects.bulk_create(
            Consent(
                agency_id=AGENCY, company=one, year=year, wording_version="1", wording_sha256="0" * 64,
                how="letter", given_by="王", given_at=timezone.now(),
            )
            for one in made
        )  # fmt: skip
    return [one.pk for one in made]


def fill(number: int) -> None:
    """Companies and renewals as a season leaves them: most complete, the rest waiting in every way.

    What changed last did so within sixty days. Written by Postgres itself, as the superuser: only how many
    there are matters here.
    """
    import psycopg

    from agency import engines

    with psycopg.connect(engines.urls().superuser) as admin:
        # Ten million foreign keys would be checked for longer than all that is measured here takes.
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(
            """
            INSERT INTO companies_company
                (id, agency_id, name, uscc, region, note, old_policy_ends_on)
            SELECT gen_random_uuid(), %(agency)s, 'F' || n, 'F' || n, '', '', current_date + 200
            FROM generate_series(1, %(number)s) AS n;
            """,
            {"agency": AGENCY, "number": number},
        )
        admin.execute(
            """
            INSERT INTO companies_card (id, agency_id, company_id, kind, number, certificate, holder,
                custody, drawer, quarantine_reason, valid_until)
            SELECT gen_random_uuid(), agency_id, id, 'legal_person', uscc, '', '', 'agency', '', '',
                current_date + 100
            FROM companies_company WHERE name LIKE 'F%%'
            """
        )
        admin.execute(
            """
            INSERT INTO renewals_renewal (id, agency_id, company_id, year, state, stage, priority, epoch,
                setbacks, reason, reason_detail, note, application_number, look_at, changed_at)
            SELECT gen_random_uuid(), agency_id, id, extract(year FROM now()), state,
                CASE state WHEN 'complete' THEN '' WHEN 'submitted' THEN 'receipt' ELSE 'confirmation' END,
                0, 0, 0, CASE state WHEN 'attention' THEN 'uscc_differs' ELSE '' END, '{}', '', '',
                CASE state WHEN 'submitted' THEN now() + interval '1 day' END,
                now() - random() * interval '60 days'
            FROM (SELECT *, (ARRAY['complete', 'complete', 'complete', 'submitted', 'submitted',
                'submitted', 'waiting', 'waiting', 'attention', 'complete'])[1 + (random() * 9)::int] AS state
                FROM companies_company WHERE name LIKE 'F%%') AS company
            """
        )
        admin.execute(
            """
            INSERT INTO renewals_stage (id, agency_id, renewal_id, name, state)
            SELECT gen_random_uuid(), agency_id, renewal.id, name, CASE
                WHEN name = renewal.stage AND renewal.state = 'attention' THEN 'attention'
                WHEN renewal.stage = '' OR place < array_position(names, renewal.stage::text) THEN 'done'
                ELSE 'pending' END
            FROM renewals_renewal AS renewal,
                (VALUES (ARRAY['confirmation', 'sealing', 'signing', 'authorization', 'receipt']))
                    AS five(names),
                unnest(names) WITH ORDINALITY AS stage(name, place)
            """
        )
    analyze()


def analyze() -> None:
    """What Postgres knows of its tables is as new as autovacuum keeps it."""
    import psycopg

    from agency import engines

    with psycopg.connect(engines.urls().superuser, autocommit=True) as admin:
        admin.execute("ANALYZE")


def empty() -> None:
    """All rows of the agency are gone again."""
    import psycopg

    from agency import engines

    with psycopg.connect(engines.urls().superuser, autocommit=True) as admin:
        admin.execute(
            "TRUNCATE companies_company, renewals_renewal, renewals_batch, renewals_desk, "
            "agency_auditentry CASCADE"
        )


# --- what is measured ----------------------------------------------------------------------------


def queue(companies: list[Any]) -> None:
    """All of them in one batch, from a filter, as the page does."""
    from django.utils import timezone

    from agency.tenancy import scope
    from companies.models import Company
    from renewals.domain.queueing import queue_companies

    by = person()
    with scope(AGENCY):
        ids = list(Company.objects.filter(name__endswith="号公司").values_list("pk", flat=True))
        queued = queue_companies(
            ids, year=timezone.localdate().year, name="bench", by=by, chosen_by="q=号公司"
        )
    assert queued.number == len(companies)


def sweep_once() -> None:
    """One sweep over everything."""
    from renewals.domain.sweeping import sweep

    assert sweep()


def nothing_is_lost() -> bool:
    """Whether every row that was made has a next step, and none contradicts its stages."""
    from renewals.domain.sweeping import alert, alert_of_stages

    return alert() == 0 and alert_of_stages() == 0


def claim_at_once(companies: list[Any]) -> tuple[int, float, Share]:
    """Workers of 20 desks claim one card's renewal after another for some seconds: (claims, seconds, CPU).

    One process a core, the desks' threads shared among them, as production has it; each thread has its
    connection when the clock starts. The batch's first stage counts as proven: a canary would let one
    run at a time.
    """
    from agency.tenancy import scope
    from companies.models import Card
    from renewals.models import Batch, Desk

    with scope(AGENCY):
        Batch.objects.update(proven=["confirmation"])
        desks = [
            Desk.objects.create(name=f"{place}", code=f"b{place}", control="ws://127.0.0.1:1")
            for place in range(DESKS)
        ]
        cards = list(Card.objects.filter(company__in=companies))
    processes = min(os.cpu_count() or 1, DESKS)
    _close()
    begin_at = time.perf_counter() + WARM_UP_S
    workers = [
        _in_a_fork(partial(_claim_in_threads, desks[place::processes], cards[place::processes], begin_at))
        for place in range(processes)
    ]
    time.sleep(max(0.0, begin_at - time.perf_counter()))
    with shared() as share:
        made = [worker() for worker in workers]
    return sum(claims for claims, _ in made), max(seconds for _, seconds in made), share


def _in_a_fork(work: Callable[[], tuple[int, float]]) -> Callable[[], tuple[int, float]]:
    """Begin the work in a process of its own; what is returned waits for what it comes to."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps(work()).encode())
        os._exit(0)
    os.close(write)

    def result() -> tuple[int, float]:
        with os.fdopen(read) as pipe:
            claims, seconds = json.load(pipe)
        os.waitpid(pid, 0)
        return claims, seconds

    return result


def _claim_in_threads(desks: list[Any], cards: list[Any], begin_at: float) -> tuple[int, float]:
    """How many claims these desks made, and in how many seconds: until the time is over or all is claimed."""
    made = [0] * len(desks)

    def work(place: int) -> None:
        from agency.tenancy import scope
        from renewals.domain.claiming import claim_for_card

        with scope(AGENCY):
            """The connection is made."""
        time.sleep(max(0.0, begin_at - time.perf_counter()))
        for card in cards[place :: len(desks)]:
            if time.perf_counter() > begin_at + CLAIM_FOR_S:
                break
            with scope(AGENCY):
                if claim_for_card(card, desk=desks[place], worker="bench", profile="2024"):
                    made[place] += 1

    threads = [threading.Thread(target=work, args=[place]) for place in range(len(desks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made), time.perf_counter() - begin_at


def ring_while_the_broker_is_frozen() -> None:
    """How long a page waits that rings eight desks while Valkey does not answer."""
    from agency.tenancy import scope
    from renewals.domain.doorbell import ring
    from renewals.models import Desk

    with scope(AGENCY):
        desks = [
            Desk.objects.create(name=f"{place}", code=f"r{place}", control="ws://127.0.0.1:1")
            for place in range(8)
        ]
    valkey = broker_process()
    os.kill(valkey, signal.SIGSTOP)
    try:
        figures: dict[str, float] = {}
        with timed(figures, "ring"), scope(AGENCY):
            ring(*desks)
    finally:
        os.kill(valkey, signal.SIGCONT)
    print(f"\nringing 8 desks from a page while Valkey is frozen   {figures['ring']:.2f} s    (goal 1)")


def broker_process() -> int:
    """The process id of the Valkey that belongs to this benchmark."""
    from django.conf import settings
    from redis import Redis

    address = settings.REDIS_URL.removeprefix("redis+socket://").split("?")[0]
    client = Redis(unix_socket_path=address)
    found = int(client.info("server")["process_id"])
    client.close()
    return found


def _close() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
