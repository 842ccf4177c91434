"""Making and changing a desk, for admins."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agency.people import admin_only
from renewals.domain import desk_making
from renewals.forms import DeskForm


@require_http_methods(["GET", "HEAD", "POST"])
@admin_only
def new(request: HttpRequest) -> HttpResponse:
    """A new desk. Work begins at it once its programs run."""
    form = DeskForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "renewals/desk_form.html", {"form": form})
    made = desk_making.make_desk(form.save(commit=False), by=request.user)  # type: ignore[arg-type]
    words = _(
        "%(desk)s is made. Tell who runs this installation its code, %(code)s: its programs start by it."
    )
    messages.success(request, words % {"desk": made.name, "code": made.code})
    return redirect("renewals:desks")


@require_http_methods(["GET", "HEAD", "POST"])
@admin_only
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """The desk's name, and where its card control answers."""
    found = get_object_or_404(desk_making.own_desks(), code=code)
    form = DeskForm(request.POST or None, instance=found)
    if request.method != "POST" or not form.is_valid():
        return render(request, "renewals/desk_form.html", {"form": form, "desk": found})
    desk_making.change_desk(form.save(commit=False), by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("The desk is changed."))
    return redirect("renewals:desk", found.code)
