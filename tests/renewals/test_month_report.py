"""The month for an admin: what belongs to it, what it adds up to, and the files that carry it away."""

from __future__ import annotations

import csv
import zipfile
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import translation
from pytest_django import DjangoAssertNumQueries
from python_calamine import CalamineWorkbook

from agency.models import Agency, User
from agency.tenancy import scope
from companies.models import Company
from renewals.domain.reporting import month_rows, totals, write_csv, write_xlsx
from renewals.models import Policy, Renewal, StageName, StageState, State
from tests.cast import make_company, make_renewal

# In Shanghai it is eight hours later: 15:59 UTC on 28 February is still February there, 16:00 is March.
BEFORE_MARCH = datetime(2026, 2, 28, 15, 59, tzinfo=UTC)
MARCH_BEGINS = datetime(2026, 2, 28, 16, 0, tzinfo=UTC)
IN_MARCH = datetime(2026, 3, 9, 2, 30, tzinfo=UTC)  # 10:30 in Shanghai
MARCH_ENDS = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
LONG_AGO = datetime(2025, 12, 1, tzinfo=UTC)


def settle(renewal: Renewal, **values: Any) -> None:
    """Bring a renewal to where a test needs it; what is not said happened long ago."""
    with scope(renewal.agency_id):
        fields = {"queued_at": LONG_AGO, "state_since": LONG_AGO} | values
        Renewal.objects.filter(pk=renewal.pk).update(**fields)


def completed(renewal: Renewal) -> None:
    """The renewal is complete, with its policy: confirmed, passed over three stages, received."""
    settle(
        renewal,
        state=State.COMPLETE,
        queued_at=IN_MARCH,
        submitted_at=IN_MARCH,
        completed_at=IN_MARCH,
        application_number="SQ2026000001",
    )
    with scope(renewal.agency_id):
        skipped = [StageName.SEALING, StageName.SIGNING, StageName.AUTHORIZATION]
        renewal.stages.update(state=StageState.DONE, began_at=IN_MARCH, ended_at=IN_MARCH)
        renewal.stages.filter(name__in=skipped).update(state=StageState.SKIPPED)
        Policy.objects.create(
            company=renewal.company,
            renewal=renewal,
            number="BX2026000001",
            valid_from=date(2026, 3, 5),
            valid_to=date(2027, 3, 4),
            insurer="中国出口信用保险公司",
            file="policy.pdf",
            sha256="0" * 64,
            size=1,
        )


def companies_in(year: int, month: int, renewal: Renewal) -> list[str]:
    with scope(renewal.agency_id):
        return [row.company for row in month_rows(year, month)]


def opened(file: BytesIO) -> CalamineWorkbook:
    """The workbook that was written, from its beginning."""
    file.seek(0)
    return CalamineWorkbook.from_filelike(file)


@pytest.mark.parametrize("moment", ["queued_at", "submitted_at", "completed_at", "state_since"])
def test_a_renewal_belongs_to_each_month_in_which_something_happened_to_it(renewal: Renewal, moment: str):
    settle(renewal, **{moment: IN_MARCH})
    name = renewal.company.name
    assert [companies_in(2026, month, renewal) for month in (2, 3, 4)] == [[], [name], []]


def test_a_renewal_that_waited_through_the_whole_month_is_not_in_it(renewal: Renewal):
    settle(renewal, submitted_at=BEFORE_MARCH, completed_at=MARCH_ENDS)
    assert companies_in(2026, 3, renewal) == []


def test_months_begin_and_end_at_midnight_in_shanghai(renewal: Renewal):
    settle(renewal, submitted_at=BEFORE_MARCH)
    assert (companies_in(2026, 2, renewal), companies_in(2026, 3, renewal)) == ([renewal.company.name], [])
    settle(renewal, submitted_at=MARCH_BEGINS)
    assert (companies_in(2026, 2, renewal), companies_in(2026, 3, renewal)) == ([], [renewal.company.name])


def test_december_ends_where_january_begins(renewal: Renewal):
    settle(renewal, submitted_at=datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    assert companies_in(2026, 12, renewal) == [renewal.company.name]
    settle(renewal, submitted_at=datetime(2026, 12, 31, 16, 0, tzinfo=UTC))
    assert companies_in(2026, 12, renewal) == []
    assert companies_in(2027, 1, renewal) == [renewal.company.name]


def test_the_month_is_the_agencys_own(renewal: Renewal, raos_renewal: Renewal):
    settle(renewal, queued_at=IN_MARCH)
    settle(raos_renewal, queued_at=IN_MARCH)
    assert companies_in(2026, 3, renewal) == [renewal.company.name]
    assert companies_in(2026, 3, raos_renewal) == [raos_renewal.company.name]


def test_a_row_tells_how_the_renewal_stands(renewal: Renewal):
    completed(renewal)
    with scope(renewal.agency_id):
        (row,) = month_rows(2026, 3)
    assert (row.company, row.uscc, row.year) == (renewal.company.name, renewal.company.uscc, 2026)
    assert (row.batch, row.queued_by, row.state) == ("第一批", "Mei", State.COMPLETE)
    assert {name.value: cell.state.value for name, cell in row.stages.items()} == {
        "confirmation": "done",
        "sealing": "skipped",
        "signing": "skipped",
        "authorization": "skipped",
        "receipt": "done",
    }
    assert (row.application_number, row.policy_number) == ("SQ2026000001", "BX2026000001")
    assert (row.valid_from, row.valid_to) == (date(2026, 3, 5), date(2027, 3, 4))
    assert (row.completed_at == IN_MARCH, f"{row.completed_at:%H:%M}") == (True, "10:30")


def test_totals_count_each_stage_and_state_and_keep_the_zeros(renewal: Renewal, wus_renewal: Renewal):
    completed(renewal)
    settle(wus_renewal, state=State.ATTENTION, reason="uscc_differs", state_since=IN_MARCH)
    with scope(renewal.agency_id):
        wus_renewal.stages.filter(name=StageName.CONFIRMATION).update(state=StageState.ATTENTION)
        counted = totals(month_rows(2026, 3))
    none = dict.fromkeys(StageState, 0)
    assert counted.stages == {
        StageName.CONFIRMATION: none | {StageState.DONE: 1, StageState.ATTENTION: 1},
        StageName.SEALING: none | {StageState.SKIPPED: 1, StageState.PENDING: 1},
        StageName.SIGNING: none | {StageState.SKIPPED: 1, StageState.PENDING: 1},
        StageName.AUTHORIZATION: none | {StageState.SKIPPED: 1, StageState.PENDING: 1},
        StageName.RECEIPT: none | {StageState.DONE: 1, StageState.PENDING: 1},
    }
    assert counted.states == dict.fromkeys(State, 0) | {State.COMPLETE: 1, State.ATTENTION: 1}


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_rows_takes_two_queries(
    count: int, agency: Agency, mei: User, django_assert_num_queries: DjangoAssertNumQueries
):
    for number in range(count):
        settle(make_renewal(make_company(agency, 20 + number, f"第 {number} 家"), mei), queued_at=IN_MARCH)
    with scope(agency.pk):
        with django_assert_num_queries(2):
            rows = month_rows(2026, 3)
    assert len(rows) == count


ENGLISH_HEADINGS = [
    "Policy year",
    "Company",
    "Unified social credit code",
    "Batch",
    "Confirmation",
    "Confirmation at",
    "Sealing",
    "Sealing at",
    "Signing",
    "Signing at",
    "Authorization",
    "Authorization at",
    "Receipt",
    "Receipt at",
    "State",
    "Reason",
    "Application number",
    "Policy number",
    "Valid from",
    "Valid to",
    "Queued by",
    "Queued at",
    "Submitted at",
    "Completed at",
]


def test_the_workbook_has_a_line_a_renewal_with_real_dates_and_a_sheet_of_totals(renewal: Renewal):
    completed(renewal)
    file = BytesIO()
    with scope(renewal.agency_id), translation.override("en"):
        write_xlsx(month_rows(2026, 3), file)
    book = opened(file)
    headings, line = book.get_sheet_by_name("Renewals").to_python()
    assert headings == ENGLISH_HEADINGS
    at = datetime(2026, 3, 9, 10, 30)  # noqa: DTZ001  # as a workbook holds it
    assert line == [
        2026,
        renewal.company.name,
        renewal.company.uscc,
        "第一批",
        *["✓ Done", at],
        *["– Skipped", at] * 3,
        *["✓ Done", at],
        "Complete",
        "",
        "SQ2026000001",
        "BX2026000001",
        date(2026, 3, 5),
        date(2027, 3, 4),
        "Mei",
        *[at, at, at],
    ]
    assert book.get_sheet_by_name("Totals").to_python()[:6] == [
        [
            "Stage",
            "○ Not begun",
            "◔ In progress",
            "✓ Done",
            "– Skipped",
            "! Needs a person",
            "? To be verified",
        ],
        ["Confirmation", 0, 0, 1, 0, 0, 0],
        ["Sealing", 0, 0, 0, 1, 0, 0],
        ["Signing", 0, 0, 0, 1, 0, 0],
        ["Authorization", 0, 0, 0, 1, 0, 0],
        ["Receipt", 0, 0, 1, 0, 0, 0],
    ]


def test_the_workbook_has_a_chart_of_its_own_numbers(renewal: Renewal):
    file = BytesIO()
    with scope(renewal.agency_id), translation.override("en"):
        write_xlsx(month_rows(2026, 3), file)
    with zipfile.ZipFile(file) as archive:
        chart = archive.read("xl/charts/chart1.xml").decode()
    series = [f"<c:f>Totals!${column}$2:${column}$6</c:f>" for column in "BCDEFG"]
    assert [reference for reference in series if chart.count(reference) != 1] == []


def test_the_table_of_text_says_the_same_in_a_form_that_excel_reads_as_chinese(renewal: Renewal):
    completed(renewal)
    response = HttpResponse()
    with scope(renewal.agency_id), translation.override("en"):
        write_csv(month_rows(2026, 3), response)  # type: ignore[arg-type]  # a response is written like a file
    assert response.content.startswith(b"\xef\xbb\xbf")
    headings, line = csv.reader(response.content.decode("utf-8-sig").splitlines())
    assert headings == ENGLISH_HEADINGS
    assert (line[1], line[5], line[18]) == (renewal.company.name, "2026-03-09 10:30", "2026-03-05")


def test_a_reason_is_told_in_words(renewal: Renewal):
    settle(renewal, state=State.ATTENTION, reason="pin_refused", state_since=IN_MARCH)
    with scope(renewal.agency_id), translation.override("en"):
        (row,) = month_rows(2026, 3)
        assert (
            row.reason_words == "The portal refused the PIN. One try was spent; nobody tries again by itself."
        )


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_a_company_that_is_named_like_a_formula_is_only_a_name(renewal: Renewal, begins: str):
    name = f"{begins}HYPERLINK(1)"
    settle(renewal, queued_at=IN_MARCH)
    text, workbook = BytesIO(), BytesIO()
    with scope(renewal.agency_id):
        Company.objects.filter(pk=renewal.company_id).update(name=name)
        rows = month_rows(2026, 3)
        write_csv(rows, text)
        write_xlsx(rows, workbook)
    (_headings, line) = csv.reader(text.getvalue().decode("utf-8-sig").splitlines())
    assert line[1] == f"'{name}"
    with zipfile.ZipFile(workbook) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<f>") == 0
    assert opened(workbook).get_sheet_by_index(0).to_python()[1][1] == name


def test_a_month_in_which_nothing_happened_is_an_empty_file_with_headings(agency: Agency):
    text, workbook = BytesIO(), BytesIO()
    with scope(agency.pk), translation.override("en"):
        rows = month_rows(2026, 3)
        write_csv(rows, text)
        write_xlsx(rows, workbook)
    assert list(csv.reader(text.getvalue().decode("utf-8-sig").splitlines())) == [ENGLISH_HEADINGS]
    assert opened(workbook).get_sheet_by_name("Renewals").to_python() == [ENGLISH_HEADINGS]
