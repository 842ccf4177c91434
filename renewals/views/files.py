"""Evidence and policies: a file leaves only after its row was found in the person's scope."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePath
from uuid import UUID

from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agency import audit
from agency.models import AuditEntry, Role
from agency.people import role_required, staff_only
from agency.sending import send_stored
from renewals.models import Evidence, Policy, Renewal

TOLD_AGAIN_AFTER = timedelta(days=1)
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
    found = get_object_or_404(Evidence.objects.select_related("renewal"), pk=evidence_id)
    _tell_once_a_day(found, request)
    return _send(found.file)


@require_safe
@role_required(Role.ADMIN, Role.STAFF, Role.CLIENT)
def policy(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """The policy, to keep. Row-level security shows a client the policies of its company only."""
    found = get_object_or_404(Policy.objects.select_related("company", "renewal"), pk=policy_id)
    _tell("policy_viewed", found, request, number=found.number)
    name = _("%(company)s policy %(year)s") % {"company": found.company.name, "year": found.renewal.year}
    return _send(found.file, save_as=f"{name}.pdf")


def _tell(action: str, found: Renewal | Policy, request: HttpRequest, **detail: str) -> None:
    """Who looked, in the audit trail."""
    audit.record(action, found, by=request.user, **detail)  # type: ignore[arg-type]  # people of the agency


def _tell_once_a_day(found: Evidence, request: HttpRequest) -> None:
    """Who looked at what a run has seen: once, however many pictures of it the page brings by itself."""
    looked = AuditEntry.objects.filter(
        object_type="renewal",
        object_id=str(found.renewal_id),
        action="evidence_viewed",
        actor=request.user.pk,
    )
    if not looked.filter(detail__run=str(found.run_id), at__gt=Now() - TOLD_AGAIN_AFTER).exists():
        _tell("evidence_viewed", found.renewal, request, run=str(found.run_id))


def _send(file: str, *, save_as: str = "") -> HttpResponse:
    """The stored file. Raises `Http404` where it is missing from the disk."""
    kind = _TYPES.get(PurePath(file).suffix, "application/octet-stream")
    return send_stored(file, content_type=kind, save_as=save_as)
