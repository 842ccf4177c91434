"""The operator lets the whole installation stand still, and go on again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agency.forms import ReasonForm
from agency.freshness import fresh_sign_in
from agency.people import operator_of, operator_only
from renewals.domain.pausing import standstill
from renewals.domain.standing_still import go_on, stand_still


@require_safe
@operator_only
def page(request: HttpRequest) -> HttpResponse:
    """Whether the installation stands still, since when and why; and what can be done about it."""
    return _show(request, ReasonForm())


@require_POST
@operator_only
def begin(request: HttpRequest) -> HttpResponse:
    """Let everything stand still, at once: nobody is asked to sign in again before an emergency stop."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, form)
    if stand_still(why=form.cleaned_data["reason"], by=operator_of(request)):
        messages.success(request, _("Nothing begins any more. What was pressed is read to its end."))
    else:
        messages.info(request, _("The installation stands still already."))
    return redirect("renewals:standstill")


@require_POST
@operator_only
@fresh_sign_in
def end(request: HttpRequest) -> HttpResponse:
    """Let the work go on."""
    if go_on(by=operator_of(request)):
        messages.success(request, _("The work goes on, one run more at a time."))
    else:
        messages.info(request, _("The installation does not stand still."))
    return redirect("renewals:standstill")


def _show(request: HttpRequest, form: ReasonForm) -> HttpResponse:
    return render(request, "renewals/standstill.html", {"standing": standstill().first(), "form": form})
