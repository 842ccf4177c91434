"""The audit trail, for an admin: who did what, on what, from where; as a page and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agency import audit
from agency.freshness import fresh_sign_in
from agency.models import AuditEntry
from agency.people import admin_only
from agency.sending import send_file
from agency.spreadsheets import write_csv, write_xlsx
from agency.trail import (
    ENTRIES_A_PAGE,
    TrailFilter,
    action_words,
    as_rows,
    detail_lines,
    headings,
    object_words,
)

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Shown:
    """One entry as the page shows it."""

    entry: AuditEntry
    action: str
    about: str
    lines: list[tuple[str, str]]

    @property
    def is_visit(self) -> bool:
        """The platform's operator was here."""
        return self.entry.action.startswith("operator_")


@require_safe
@admin_only
def trail(request: HttpRequest) -> HttpResponse:
    """The newest entries that match; `before` goes on from a number, so that no page is counted."""
    found = TrailFilter(request.GET, AuditEntry.objects.all())
    entries = found.qs.order_by("-number")
    if before := _number(request.GET.get("before", "")):
        entries = entries.filter(number__lt=before)
    page = list(entries[: ENTRIES_A_PAGE + 1])
    context = {
        "filter": found,
        "entries": [_shown(entry) for entry in page[:ENTRIES_A_PAGE]],
        "older_than": page[ENTRIES_A_PAGE - 1].number if len(page) > ENTRIES_A_PAGE else None,
        "is_newest": not before,
    }
    return render(request, "agency/trail.html", context)


@require_safe
@admin_only
@fresh_sign_in
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """Everything that matches, oldest first, as a file. That it was taken is an entry too."""
    if kind not in _TYPES:
        raise Http404
    found = TrailFilter(request.GET, AuditEntry.objects.all())
    found.refuse_nonsense()
    membership = request.membership  # type: ignore[attr-defined]  # admins only
    audit.record("audit_exported", membership.agency, by=membership.user, kind=kind)
    rows = as_rows(found.qs)
    content, name = BytesIO(), _("Audit trail")
    if kind == "csv":
        write_csv(headings(), rows, content)
    else:
        write_xlsx(headings(), rows, content, name=name)
    save_as = f"{name} {timezone.localdate():%Y-%m-%d}.{kind}"
    return send_file(content.getvalue(), content_type=_TYPES[kind], save_as=save_as)


def _shown(entry: AuditEntry) -> Shown:
    about = object_words(entry.object_type)
    return Shown(entry, action_words(entry.action), about, detail_lines(entry.detail))


def _number(text: str) -> int | None:
    """Raises `Http404` for what is no number."""
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Http404
    return int(text)
