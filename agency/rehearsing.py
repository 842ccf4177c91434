"""The twin of an agency, in which its staff rehearse: who comes in, and what can be done there.

A twin is an agency of its own, so the same walls that keep agencies apart keep a rehearsal away from what
is real. It has no members: a person's rights in it are those of his membership in the real agency, read
anew at each request.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from agency.models import Agency, Membership, Role
from agency.tenancy import scope

# In the session of whoever is in a twin now: the id of the real agency, so that who changes agencies is out.
REHEARSING = "rehearsing"

# Deny by default: what is not named here is about the real agency, and is done there.
LOOKED_AT = {
    *("home", "language", "renewals:today", "renewals:attention", "renewals:board", "renewals:changes"),
    *("renewals:rows", "renewals:renewal", "renewals:live", "renewals:proof", "renewals:batches"),
    *("renewals:batch", "renewals:batch_head", "renewals:desks", "renewals:desk", "renewals:desk_live"),
    *("renewals:today_numbers", "renewals:attention_moved"),
    *("renewals:run_sheet", "renewals:evidence", "renewals:policy", "companies:list", "companies:company"),
}
_DONE = {
    *("language", "renewals:deed", "renewals:act", "renewals:carry_out", "renewals:save_view"),
    *("renewals:delete_view", "renewals:batch_pause", "renewals:batch_resume", "renewals:desk_pause"),
    *("renewals:desk_resume", "renewals:undo", "renewals:rehearsal_leave"),
}


def twin(*, make: bool = False) -> UUID | None:
    """The twin of the current agency; None where there is none and none is to be made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rehearsal_twin(%s)", [make])
        [found] = cursor.fetchone()
    return found if found is None else UUID(str(found))


def in_the_twin(request: HttpRequest, real: Membership) -> Membership:
    """Who the person is for this request: as a rehearsing member of the twin, or unchanged.

    Clients and visiting operators never rehearse.
    """
    if request.session.get(REHEARSING) != str(real.agency_id):
        return real
    if real.role == Role.CLIENT or hasattr(real, "is_visit"):
        return real
    with scope(real.agency_id):
        found = twin()
    if found is None:
        return real
    with scope(found):
        agency = Agency.objects.get(pk=found)
    inside = Membership(agency=agency, user=real.user, role=real.role)
    inside.is_rehearsal = True  # type: ignore[attr-defined]  # read by templates
    return inside


def turn_away(request: HttpRequest, membership: Membership) -> HttpResponse | None:
    """Back to the rehearsal's own pages from one that is no part of it; None where the page is."""
    if not hasattr(membership, "is_rehearsal"):
        return None
    name = request.resolver_match.view_name if request.resolver_match else ""
    if name in (LOOKED_AT if request.method in ("GET", "HEAD") else _DONE):
        return None
    messages.warning(request, _("That is no part of a rehearsal. Leave the rehearsal to do it."))
    return redirect("renewals:today")
