"""The workbook: what would each row do? Only then is it written. A worker reads and writes; pages watch."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import yesno
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from agency import audit
from agency.people import staff_only
from agency.sending import send_file
from agency.spreadsheets import write_xlsx
from companies import uploads
from companies.domain import imports
from companies.domain.columns import Column
from companies.domain.importing import Change, Verdict
from companies.domain.refusals import restored
from companies.forms import ColumnsForm, WorkbookForm
from companies.models import Import, ImportRow, ImportState
from companies.ringing import ring_for

ROWS_A_PAGE = 100
SHOWN_BEFORE = 10
# In the address beside the verdicts: the rows with a remark, whatever became of them.
REMARKED = "remarked"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def send(request: HttpRequest) -> HttpResponse:
    """Choose a workbook; a worker reads it, and the next page says how far it is. Nothing is written."""
    form = WorkbookForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        earlier = Import.objects.select_related("made_by").order_by("-made_at")[:SHOWN_BEFORE]
        return render(request, "companies/import.html", {"form": form, "earlier": earlier})
    upload = form.cleaned_data["workbook"]
    key = uploads.keep(upload, of=request.user.pk)  # type: ignore[arg-type]  # staff only
    workbook = imports.begin(upload.name, key, by=request.user)  # type: ignore[arg-type]
    ring_for(workbook)
    return redirect("companies:workbook", workbook.pk)


@require_safe
@staff_only
def workbook(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """One import: how far it is; row by row what it would do; what became of it."""
    found = _workbook(workbook_id)
    if found.state == ImportState.COLUMNS:
        return redirect("companies:workbook_columns", found.pk)
    counts = imports.totals(found)
    chosen = request.GET.get("verdict", "")
    field = "outcome" if found.state == ImportState.DONE else "verdict"
    remarked = imports.with_remarks(found)
    if chosen == REMARKED:
        rows = remarked
    else:
        rows = found.rows.filter(**{field: chosen}) if chosen in Verdict else found.rows.all()
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = _standing(found) | {
        "totals": [(verdict, counts[verdict]) for verdict in Verdict],
        "all": counts.total(),
        "chosen": chosen,
        "wrong": counts[Verdict.WRONG],
        "remarked": remarked.count(),
        "useful": counts[Verdict.NEW] + counts[Verdict.CHANGED],
        "ignored": [one["text"] for one in found.headings if one["text"] and not one["column"]],
        "refusal": restored(found.refusal) if found.refusal else None,
        "page": page,
        "rows": [_shown(row, is_done=found.state == ImportState.DONE) for row in page.object_list],
    }
    return render(request, "companies/workbook.html", context)


@require_safe
@staff_only
def progress(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """How far it is, for a page that watches; once there is more to see, the whole page."""
    found = _workbook(workbook_id)
    if found.state not in imports.WORKED_ON:
        return HttpResponseClientRefresh()
    return render(request, "companies/workbook.html#progress", _standing(found))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def columns(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """What stands in which column, by a person's word; then it is read anew."""
    found = _workbook(workbook_id)
    form = ColumnsForm(request.POST or None, workbook=found)
    if not form.is_valid():
        return render(request, "companies/columns.html", {"workbook": found, "form": form})
    skips_hidden = form.cleaned_data["skips_hidden"]
    if imports.choose_columns(found, form.chosen(), skips_hidden=skips_hidden):
        ring_for(found)
    return redirect("companies:workbook", found.pk)


@require_POST
@staff_only
def sheet(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """Another sheet of the same file; it is read anew."""
    found, name = _workbook(workbook_id), request.POST.get("sheet", "")
    if name in found.sheets and imports.choose_sheet(found, name):
        ring_for(found)
    return redirect("companies:workbook", found.pk)


@require_POST
@staff_only
def confirm(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """Write the right rows. Sent twice, it does so once."""
    found = _workbook(workbook_id)
    if imports.confirm(found):
        ring_for(found)
    else:
        messages.warning(request, _("This workbook is being imported already, or was."))
    return redirect("companies:workbook", found.pk)


@require_safe
@staff_only
def wrong(request: HttpRequest, workbook_id: UUID) -> HttpResponse:
    """The wrong rows as a workbook, each with its reason, to be put right and sent again."""
    found, content = _workbook(workbook_id), BytesIO()
    headings, rows = imports.wrong_rows(found)
    audit.record("wrong_rows_taken", found, by=request.user, file=found.filename)  # type: ignore[arg-type]
    write_xlsx(headings, rows, content, name=_("Wrong rows"))
    save_as = f"{_('Wrong rows')} {timezone.localdate():%Y-%m-%d}.xlsx"
    return send_file(content.getvalue(), content_type=XLSX, save_as=save_as)


def _workbook(workbook_id: UUID) -> Import:
    return get_object_or_404(Import.objects.select_related("made_by"), pk=workbook_id)


def _standing(found: Import) -> dict[str, Any]:
    """How far an import is."""
    return {"workbook": found, "is_moving": found.state in imports.WORKED_ON}


def _shown(row: ImportRow, *, is_done: bool) -> dict[str, Any]:
    verdict = Verdict(row.outcome or row.verdict) if is_done else Verdict(row.verdict)
    # Of a new company all is new; what stands beside it already is not said twice.
    known = (Column.NAME, Column.USCC) if verdict == Verdict.NEW else ()
    return {
        "row": row,
        "verdict": verdict,
        "mistakes": imports.mistakes_of(row),
        "remarks": imports.remarks_of(row),
        "changes": [_as_words(one) for one in imports.changes_of(row) if one.column not in known],
        "joining": [" ".join(filter(None, person)) for person in row.joining],
    }


def _as_words(change: Change) -> dict[str, Any]:
    before, after = (yesno(one) if isinstance(one, bool) else one for one in (change.before, change.after))
    return {"heading": change.column.heading, "before": before, "after": after}
