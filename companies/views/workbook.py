"""The workbook: what would each row do? Only then is it written."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agency.people import staff_only
from companies import uploads
from companies.domain.importing import Sheet, Verdict, import_companies, preview
from companies.domain.refusals import RowsWrong, WorkbookRefused
from companies.forms import WorkbookForm


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def import_workbook(request: HttpRequest) -> HttpResponse:
    """Choose a workbook; then see row by row what importing it would do. Nothing is written."""
    form = WorkbookForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        return render(request, "companies/import.html", {"form": form})
    upload = form.cleaned_data["workbook"]
    try:
        sheet = preview(upload.file, upload.name)
    except WorkbookRefused as refusal:
        return render(request, "companies/import.html", {"form": form, "refusal": refusal})
    upload.seek(0)
    return _show_sheet(request, sheet, uploads.keep(upload, of=_person(request)))


@require_POST
@staff_only
def confirm_import(request: HttpRequest) -> HttpResponse:
    """Write the rows that the preview showed. Sent twice, it changes nothing the second time."""
    key, name = _key(request.POST), request.POST.get("filename", "")
    try:
        with uploads.kept(key, of=_person(request)) as file:
            sheet = preview(file, name)
        imported = import_companies(sheet, by=request.user)  # type: ignore[arg-type]  # staff only
    except FileNotFoundError:
        messages.warning(request, _("This workbook was imported already, or too long ago. Choose it again."))
        return redirect("companies:import")
    except RowsWrong:
        return _show_sheet(request, sheet, key)
    transaction.on_commit(lambda: uploads.forget(key, of=_person(request)))
    words = _("Imported: %(new)d new, %(changed)d changed, %(unchanged)d as before.")
    messages.success(request, words % asdict(imported))
    return redirect("companies:list")


def _show_sheet(request: HttpRequest, sheet: Sheet, key: UUID) -> HttpResponse:
    context = {
        "form": WorkbookForm(),
        "sheet": sheet,
        "key": key,
        "totals": [(verdict, sheet.totals[verdict]) for verdict in Verdict],
        "wrong": sheet.totals[Verdict.WRONG],
        "useful": sheet.totals[Verdict.NEW] + sheet.totals[Verdict.CHANGED],
    }
    return render(request, "companies/import.html", context)


def _person(request: HttpRequest) -> UUID:
    person: UUID = request.user.pk  # type: ignore[assignment]  # staff only
    return person


def _key(posted: QueryDict) -> UUID:
    try:
        return UUID(posted.get("key", ""))
    except ValueError:
        raise Http404 from None
