"""Accepting an invitation: the page behind the link in the mail."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from agency import inviting
from agency.forms import JoinForm
from agency.middleware import CHOSEN_AGENCY
from agency.models import Invitation, Role, User
from agency.signing_in import ask_for_factor

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Who invites whom as what, and one button. Colleagues choose a password; clients need none."""
    try:
        found = inviting.invitation_with(token)
        account = inviting.account_of(found)
        if request.method == "POST":
            return _accept(request, found, account)
    except inviting.InvitationOver:
        return render(request, "agency/invitation_over.html", status=410)
    return _show(request, found, account, JoinForm(invitation=found))


def _show(request: HttpRequest, found: Invitation, account: User | None, form: JoinForm) -> HttpResponse:
    context = {
        "invitation": found,
        "form": form if account is None and found.role != Role.CLIENT else None,
        "account": account,
        "is_signed_in": account is not None and request.user == account,
    }
    return render(request, "agency/invitation.html", context)


def _accept(request: HttpRequest, found: Invitation, account: User | None) -> HttpResponse:
    if account is not None:
        return _join_with(request, found, account)
    password = None
    if found.role != Role.CLIENT:
        form = JoinForm(request.POST, invitation=found)
        if not form.is_valid():
            return _show(request, found, account, form)
        password = form.cleaned_data["password"]
    person = inviting.accept(found, password=password)
    login(request, person, backend=_BACKEND)
    ask_for_factor(User, request, person)
    return _welcome(request, found)


def _join_with(request: HttpRequest, found: Invitation, account: User) -> HttpResponse:
    """Somebody with an account signs in to it first: with all that it asks for."""
    if request.user != account:
        there = urlencode({"next": request.path})
        return HttpResponseRedirect(f"{reverse('account_login')}?{there}")
    inviting.accept(found, user=account)
    return _welcome(request, found)


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    request.session[CHOSEN_AGENCY] = str(found.agency_id)
    messages.success(request, _("Welcome to %(agency)s.") % {"agency": found.agency.name})
    return redirect("home")
