"""A person's own things that allauth has no page for: which agency to work for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agency.middleware import CHOSEN_AGENCY
from agency.people import memberships_of


@require_POST
@login_required
def choose_agency(request: HttpRequest) -> HttpResponse:
    """Work for another of the person's agencies from here on."""
    wanted = request.POST.get("agency", "")
    if wanted not in {str(one.agency_id) for one in memberships_of(request.user)}:  # type: ignore[arg-type]
        raise Http404
    request.session[CHOSEN_AGENCY] = wanted
    return redirect("home")
