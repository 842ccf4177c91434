"""The month for an admin: on a page, as a workbook, and as a table of text."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from agency.models import Agency, User
from agency.tenancy import scope
from renewals.models import Renewal, State
from tests.cast import make_company, make_renewal

REPORT = reverse("renewals:report")


@pytest.fixture
def page(client: Client, lin: User) -> Client:
    client.force_login(lin)
    return client


def download(page: Client, kind: str, **query: str) -> bytes:
    response = page.get(reverse("renewals:report_download", args=[kind]), query)
    content: bytes = response.getvalue()
    return content


def this_month() -> str:
    return f"{timezone.localdate():%Y-%m}"


def test_the_month_holds_the_agencys_renewals_and_no_others(
    page: Client, renewal: Renewal, raos_renewal: Renewal
) -> None:
    context = page.get(REPORT).context
    assert [row.company for row in context["rows"]] == [renewal.company.name]
    assert context["states"] == [(State.WAITING, 1)]


def test_a_month_without_renewals_is_empty(page: Client, renewal: Renewal) -> None:
    assert page.get(REPORT, {"month": "2020-02"}).context["rows"] == []


def test_the_months_to_choose_from_begin_with_the_first_renewal(page: Client, renewal: Renewal) -> None:
    now = timezone.localtime()
    with scope(renewal.agency_id):
        Renewal.objects.update(queued_at=now.replace(day=1) - timedelta(days=1))
    months = [f"{month:%Y-%m}" for month in page.get(REPORT).context["months"]]
    assert months == [f"{now:%Y-%m}", f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"]


@pytest.mark.parametrize("month", ["2026-13", "last", "2026-02-30"])
def test_a_month_that_does_not_exist_is_not_found(page: Client, month: str) -> None:
    assert page.get(REPORT, {"month": month}).status_code == 404


def test_the_table_of_text_has_the_rows_of_the_page(page: Client, renewal: Renewal) -> None:
    table = download(page, "csv", month=this_month()).decode("utf-8-sig")
    _headings, *rows = csv.reader(StringIO(table))
    assert len(rows) == 1
    assert rows[0].count(renewal.company.name) == 1


def test_the_workbook_has_the_rows_of_the_page(page: Client, renewal: Renewal) -> None:
    book = CalamineWorkbook.from_filelike(BytesIO(download(page, "xlsx", month=this_month())))
    _headings, *rows = book.get_sheet_by_index(0).to_python()
    assert len(rows) == 1
    assert rows[0].count(renewal.company.name) == 1


def test_the_files_are_named_after_the_month(page: Client, renewal: Renewal) -> None:
    response = page.get(reverse("renewals:report_download", args=["csv"]), {"month": "2026-11"})
    response.getvalue()
    name = quote("续保月报 2026-11.csv")
    assert response["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"


def test_there_is_no_other_kind_of_file(page: Client) -> None:
    assert page.get(reverse("renewals:report_download", args=["pdf"])).status_code == 404


@pytest.mark.parametrize("renewals", [1, 3])
def test_the_month_asks_the_same_questions_however_long_it_is(
    page: Client, agency: Agency, mei: User, django_assert_num_queries: object, renewals: int
) -> None:
    for number in range(renewals):
        make_renewal(make_company(agency, 10 + number, f"深圳市第{number}贸易有限公司"), mei)
    with django_assert_num_queries(12):  # type: ignore[operator]
        assert len(page.get(REPORT).context["rows"]) == renewals


def test_the_month_is_chinas_and_not_utcs(page: Client, renewal: Renewal) -> None:
    with scope(renewal.agency_id):
        # 31 October, 16:30 UTC is 1 November, 00:30 in China.
        moment = datetime.fromisoformat("2025-10-31T16:30:00+00:00")
        Renewal.objects.update(queued_at=moment, state_since=moment)
    assert [len(page.get(REPORT, {"month": month}).context["rows"]) for month in ("2025-10", "2025-11")] == [
        0,
        1,
    ]
