"""`./run bench companies`: the lists at 10,000 companies, and an import of 10,000 rows.

./run bench companies                  10,000 companies in one agency of four
./run bench companies --small          a tenth of that, to see that it works

Goals on an idle machine with 2 cores: lists at the 95th percentile in 150 ms; preview of 10,000 rows in
10 s and 300 MB, writing them in 15 s. Each line says how much of the machine was used by others while it
was measured. The 300 MB are this process's, at its most, with Django and all that was read before.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from io import BytesIO
from typing import Any

from benchmarks.machine import AGENCY, described, engines_of_its_own, shared, timed

ROWS = 10_000
ASKED = 40
PAGES = (
    ("companies:list", ""),
    ("companies:list", "?q=gsd00012"),
    ("companies:list", "?q=C0000000123"),
    ("companies:list", "?ready=yes"),
    ("companies:list", "?ready=no&page=20"),
    ("companies:list", "?ready=consent_missing"),
    ("companies:list", "?ends=2027-06-01&sort=-name"),
    ("readiness:list", ""),
)


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./run bench companies", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows")
    rows = ROWS // 10 if parser.parse_args(words).small else ROWS
    print(described())
    with engines_of_its_own():
        client, person = _somebody()
        _import(rows, person)
        _analyze()
        for name, query in PAGES:
            _measure(client, name, query)


def _somebody() -> tuple[Any, Any]:
    """A browser in which a member of the staff is signed in, and himself."""
    from django.conf import settings
    from django.test import Client

    from agency.models import Membership, Role, User
    from agency.tenancy import scope

    settings.ALLOWED_HOSTS = ["testserver"]
    person = User.objects.create_user("mei@bench.example", name="Mei")
    with scope(AGENCY):
        Membership.objects.create(user=person, role=Role.STAFF)
    client = Client()
    client.force_login(person)
    return client, person


def _workbook(rows: int) -> BytesIO:
    from stdnum.cn import uscc
    from xlsxwriter import Workbook

    file = BytesIO()
    with Workbook(file, {"constant_memory": True}) as book:
        page = book.add_worksheet("客户名单")
        page.write_row(
            0, 0, ("企业名称", "统一社会信用代码", "联系人", "手机", "邮箱", "卡号", "有效期至", "地区")
        )
        for number in range(rows):
            body = f"91440101MB{number:07d}"
            code = body + str(uscc.calc_check_digit(body))
            valid_until = f"2027-{number % 12 + 1:02d}-01"
            cells = (
                f"广东{number:05d}号公司",
                code,
                "王",
                "13800138000",
                "a@example.com",
                f"C{number:010d}",
                valid_until,
            )
            page.write_row(number + 1, 0, (*cells, "广州"))
    file.seek(0)
    return file


def _import(rows: int, person: Any) -> None:
    """As a worker does it: read, written, and read again with nothing new."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from agency.tenancy import scope
    from companies import uploads
    from companies.domain import imports

    content = _workbook(rows).getvalue()
    figures: dict[str, float] = {}
    for turn in ("new", "again"):
        with scope(AGENCY):
            key = uploads.keep(SimpleUploadedFile("客户.xlsx", content), of=person.pk)
            workbook = imports.begin("客户.xlsx", key, by=person)
        with shared() as read, timed(figures, f"preview {turn}"):
            imports.work(AGENCY, workbook.pk)
        _say(f"preview of {rows:,} rows, {turn}", figures[f"preview {turn}"], read)
        with scope(AGENCY):
            assert imports.confirm(workbook)
        with shared() as written, timed(figures, f"write {turn}"):
            imports.work(AGENCY, workbook.pk)
        _say(f"writing of {rows:,} rows, {turn}", figures[f"write {turn}"], written)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  memory at its most          {most:8.0f} MB   (the reading process: {child:.0f} MB)", flush=True)


def _say(what: str, seconds: float, share: Any) -> None:
    print(f"  {what:34} {seconds:8.2f} s    ({share})", flush=True)


def _analyze() -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")


def _measure(client: Any, name: str, query: str) -> None:
    from django.urls import reverse

    times = []
    with shared() as share:
        for turn in range(ASKED + 3):
            began = time.perf_counter()
            response = client.get(reverse(name) + query)
            assert response.status_code == 200
            if turn >= 3:
                times.append(1000 * (time.perf_counter() - began))
    p95 = statistics.quantiles(times, n=20)[-1]
    page = f"{reverse(name)}{query}"
    print(f"  {page:44} p50 {statistics.median(times):6.0f} ms  p95 {p95:6.0f} ms   ({share})", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
