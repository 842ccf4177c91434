"""撤销: right after an act that can be undone, one press puts the renewals back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from agency import audit
from agency.models import User
from agency.people import colleagues, staff_only
from companies.views.selection import back
from renewals.domain.colleagues import assign
from renewals.domain.pausing import resume
from renewals.models import Renewal

# In the session: the last act that can be undone. Also what `base.html` knows its message by.
UNDO = "undo"
# More would make every request of the session carry them.
AT_MOST = 500


def offer(request: HttpRequest, act: str, done: Sequence[Renewal], *, to: User | None = None) -> str:
    """Remember these renewals as they were before the act; the tag for the message that offers to undo it.

    Empty where the act cannot be undone so. An act after it takes its place.
    """
    request.session.pop(UNDO, None)
    if act not in ("assign", "pause") or not 0 < len(done) <= AT_MOST:
        return ""
    before = {str(renewal.pk): str(renewal.assignee_id or "") for renewal in done}
    request.session[UNDO] = {"act": act, "to": str(to.pk) if to else "", "before": before}
    return UNDO


@require_POST
@staff_only
def undo(request: HttpRequest) -> HttpResponse:
    """Undo the person's last act; what somebody has changed since stays as it is, and is counted."""
    kept = request.session.pop(UNDO, {"act": "", "to": "", "before": {}})
    renewals = Renewal.objects.filter(pk__in=kept["before"]).order_by("pk")
    put_back = _unassign if kept["act"] == "assign" else _unpause
    with audit.held_back():
        undone = [put_back(one, kept, by=request.user) for one in renewals]  # type: ignore[arg-type]  # staff
    if not undone:
        messages.warning(request, _("There is nothing to undo any more."))
    if number := undone.count(True):
        messages.success(
            request, ngettext("Undone: %(n)d renewal.", "Undone: %(n)d renewals.", number) % {"n": number}
        )
    if number := undone.count(False):
        words = ngettext(
            "%(n)d renewal was changed since and stays as it is.",
            "%(n)d renewals were changed since and stay as they are.",
            number,
        )
        messages.warning(request, words % {"n": number})
    return back(request, "renewals:board")


def _unassign(renewal: Renewal, kept: dict[str, Any], *, by: User) -> bool:
    if str(renewal.assignee_id or "") != kept["to"]:
        return False
    former = kept["before"][str(renewal.pk)]
    to = colleagues().filter(pk=former).first() if former else None
    # Who is no colleague any more gets nothing back.
    return bool(to or not former) and assign(renewal, to, by=by)


def _unpause(renewal: Renewal, _kept: dict[str, Any], *, by: User) -> bool:
    own = renewal.pauses.filter(ended_at__isnull=True, begun_by=by).first()
    return own is not None and resume(own, by=by, why=_("Undone right after"))
