"""Evidence and policies: a file leaves only after its row was found in the person's scope."""

from __future__ import annotations

from pathlib import PurePath
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agency import audit
from agency.models import Role
from agency.people import role_required, staff_only
from agency.sending import send_stored
from renewals.models import Evidence, Policy

# What a browser may show by itself. A page's markup is shown as the text that it is evidence of.
_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".txt": "text/plain; charset=utf-8",
    ".html": "text/plain; charset=utf-8",
}


@require_safe
@staff_only
def evidence(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """One piece of evidence, to look at."""
    found = get_object_or_404(Evidence.objects, pk=evidence_id)
    _tell("evidence_viewed", found, request, renewal=str(found.renewal_id))
    return _send(found.file)


@require_safe
@role_required(Role.ADMIN, Role.STAFF, Role.CLIENT)
def policy(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """The policy, to keep. Row-level security shows a client the policies of its company only."""
    found = get_object_or_404(Policy.objects.select_related("company", "renewal"), pk=policy_id)
    _tell("policy_viewed", found, request, number=found.number)
    name = _("%(company)s policy %(year)s") % {"company": found.company.name, "year": found.renewal.year}
    return _send(found.file, save_as=f"{name}.pdf")


def _tell(action: str, found: Evidence | Policy, request: HttpRequest, **detail: str) -> None:
    """Who looked, in the audit trail."""
    audit.record(action, found, by=request.user, **detail)  # type: ignore[arg-type]  # people of the agency


def _send(file: str, *, save_as: str = "") -> HttpResponse:
    """The stored file. Raises `Http404` where it is missing from the disk."""
    kind = _TYPES.get(PurePath(file).suffix, "application/octet-stream")
    return send_stored(file, content_type=kind, save_as=save_as)
