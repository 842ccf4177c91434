"""The month, for an admin: totals, every renewal it moved, and both as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import BinaryIO

from django.db.models import Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agency import audit
from agency.freshness import fresh_sign_in
from agency.people import admin_only
from agency.sending import send_file
from renewals.domain import reporting
from renewals.domain.reporting import MonthRow
from renewals.models import Renewal, StageState

# Nothing of ours happened outside them, and the ends of the calendar have no neighbours.
YEARS = range(2000, 2100)


@dataclass(frozen=True)
class FileKind:
    """One kind of file that the month can be had as."""

    content_type: str
    write: Callable[[list[MonthRow], BinaryIO], None]


FILES: dict[str, FileKind] = {
    "xlsx": FileKind(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", reporting.write_xlsx
    ),
    "csv": FileKind("text/csv; charset=utf-8", reporting.write_csv),
}


@require_safe
@admin_only
def month(request: HttpRequest) -> HttpResponse:
    """The renewals that the chosen month moved, with totals by stage and state."""
    chosen = _chosen(request)
    rows = reporting.month_rows(chosen.year, chosen.month)
    totals = reporting.totals(rows)
    context = {
        "month": chosen,
        "months": list(_months(chosen)),
        "rows": rows,
        "states": [(state, number) for state, number in totals.states.items() if number],
        "stages": [(name, list(by_state.items())) for name, by_state in totals.stages.items()],
        "stage_states": list(StageState),
    }
    return render(request, "renewals/report.html", context)


@require_safe
@admin_only
@fresh_sign_in
def download(request: HttpRequest, kind: str) -> HttpResponse:
    """The same month as a workbook or as a table of text."""
    if kind not in FILES:
        raise Http404
    chosen = _chosen(request)
    membership = request.membership  # type: ignore[attr-defined]  # admins only
    audit.record("report_exported", membership.agency, by=membership.user, kind=kind, month=f"{chosen:%Y-%m}")
    content = BytesIO()
    FILES[kind].write(reporting.month_rows(chosen.year, chosen.month), content)
    name = _("Renewals %(month)s") % {"month": f"{chosen:%Y-%m}"}
    return send_file(content.getvalue(), content_type=FILES[kind].content_type, save_as=f"{name}.{kind}")


def _chosen(request: HttpRequest) -> date:
    """The first day of the month in the address (`month=2026-11`), or of this one.

    Raises `Http404` for anything that is no month.
    """
    text = request.GET.get("month", "")
    if not text:
        return timezone.localdate().replace(day=1)
    try:
        chosen = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if chosen.year not in YEARS:
        raise Http404
    return chosen


def _months(chosen: date) -> Iterator[date]:
    """The months to choose from, newest first: from the first renewal until now, and the chosen one."""
    first = Renewal.objects.aggregate(first=Min("queued_at"))["first"]
    month = timezone.localdate().replace(day=1)
    earliest = timezone.localdate(first).replace(day=1) if first else month
    if not earliest <= chosen <= month:
        yield chosen
    while month >= earliest:
        yield month
        month = (month - timedelta(days=1)).replace(day=1)
