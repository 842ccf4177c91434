"""The doors that belong to nobody's work: the way home, health, and the pages for what went wrong."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agency.models import Membership, Role
from agency.people import is_operator

HOME = {Role.ADMIN: "renewals:today", Role.STAFF: "renewals:today", Role.CLIENT: "renewals:mine"}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Each role's own page; who belongs to no agency is told so."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None and is_operator(request.user.pk):  # type: ignore[arg-type]  # signed in
        return redirect("operator:agencies")
    if membership is None:
        return render(request, "agency/no_agency.html", status=403)
    return redirect(HOME[Role(membership.role)])


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Whether this process can serve pages: 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return JsonResponse({"database": "unreachable"}, status=503)
    return JsonResponse({"database": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what no form of ours sends. It may come before anybody knows from whom."""
    return HttpResponse(render_to_string("400.html", {"simulation": settings.SIMULATION}), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for our own mistakes. It asks nothing of the database: that may be what failed."""
    try:
        return render(request, "500.html", status=500)
    except DatabaseError:
        # Even who is signed in cannot be asked.
        return HttpResponse(render_to_string("500.html", {"simulation": settings.SIMULATION}), status=500)
