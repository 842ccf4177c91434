"""The installation's operator: agencies, their health, and going into one with a reason."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agency import inviting, letters, operating, posting
from agency.forms import AgencyForm, FirstAdminForm, ReasonForm
from agency.freshness import fresh_sign_in
from agency.models import Agency, Invitation, Membership, Role
from agency.people import operator_of, operator_only
from agency.tenancy import scope


@require_safe
@operator_only
def agencies(request: HttpRequest) -> HttpResponse:
    """Every agency with counts; nothing of what is in it."""
    return _show(request, AgencyForm(), ReasonForm())


def _show(request: HttpRequest, form: AgencyForm, reason_form: ReasonForm) -> HttpResponse:
    context = {
        "agencies": operating.agencies(by=operator_of(request)),
        "form": form,
        "reason_form": reason_form,
    }
    return render(request, "agency/operator.html", context)


@require_POST
@operator_only
@fresh_sign_in
def make(request: HttpRequest) -> HttpResponse:
    """A new agency; its first admin gets an invitation."""
    form = AgencyForm(request.POST)
    if not form.is_valid():
        return _show(request, form, ReasonForm())
    wanted = form.cleaned_data
    try:
        made = operating.add_agency(
            wanted["name"], wanted["slug"], phone=wanted["phone"], by=operator_of(request)
        )
    except operating.SlugTaken:
        form.add_error("slug", _("There is an agency with this short name already."))
        return _show(request, form, ReasonForm())
    _invite_first_admin(request, made, name=wanted["admin_name"], email=wanted["admin_email"])
    messages.success(request, _("%(agency)s is made. Its admin is invited.") % {"agency": wanted["name"]})
    return redirect("operator:agencies")


@require_POST
@operator_only
@fresh_sign_in
def invite(request: HttpRequest, agency_id: UUID) -> HttpResponse:
    """Invite the first admin of an agency that nobody is in yet: a link was lost, or an address wrong."""
    if agency_id not in {one.id for one in operating.agencies(by=operator_of(request)) if not one.people}:
        raise Http404
    form = FirstAdminForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write the admin's name and e-mail address."))
        return redirect("operator:agencies")
    wanted = form.cleaned_data
    _invite_first_admin(request, agency_id, name=wanted["admin_name"], email=wanted["admin_email"])
    words = _("The invitation is on its way to %(email)s.")
    messages.success(request, words % {"email": wanted["admin_email"]})
    return redirect("operator:agencies")


def _invite_first_admin(request: HttpRequest, agency_id: UUID, *, name: str, email: str) -> None:
    """Whoever was invited before him comes in no more."""
    with scope(agency_id):
        for older in inviting.open_invitations():
            inviting.revoke(older, by=operator_of(request))
        agency = Agency.objects.get(pk=agency_id)
        invitation = Invitation(name=name, email=email, role=Role.ADMIN)
        by = Membership(agency=agency, user=operator_of(request), role=Role.ADMIN)
        inviting.invite(invitation, by=by)
        posting.post(invitation, origin=letters.our_address(request))


@require_POST
@operator_only
@fresh_sign_in
def enter(request: HttpRequest, agency_id: UUID) -> HttpResponse:
    """Into an agency for an hour, to look; its admins read the reason."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write down why, in a sentence: the agency's admins read it."))
        return redirect("operator:agencies")
    if agency_id not in {one.id for one in operating.agencies(by=operator_of(request))}:
        raise Http404
    operating.enter(request, agency_id, reason=form.cleaned_data["reason"])
    return redirect("home")


@require_POST
@operator_only
def leave(request: HttpRequest) -> HttpResponse:
    """Out again."""
    operating.leave(request)
    return redirect("operator:agencies")
