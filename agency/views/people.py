"""The agency's people: who they are, whom to invite, what each may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from agency import audit, inviting, letters, posting, rights, roster
from agency.factors import STRONG
from agency.forms import IdleForm, InviteForm, RightsForm, RoleForm
from agency.freshness import fresh_sign_in, is_fresh, prove_first
from agency.models import Agency, Invitation, Membership, Role
from agency.people import admin_only, staff_only
from agency.sending import send_file
from agency.tenancy import current_scope

CLIENTS_A_PAGE = 50
# Asking companies by mail invites as many people at once as there are companies.
INVITATIONS_SHOWN = 50
_REFUSALS: dict[str, str | Promise] = {
    "self": gettext_lazy("Nobody changes his own role or access: ask another admin."),
    "last_admin": gettext_lazy("This is the last admin. Make somebody else admin first."),
    "not_yours": gettext_lazy("Only an admin of this agency alone may do this."),
    "role": gettext_lazy("This does not fit the person's role."),
    "here": gettext_lazy("End the person's access first."),
}


@require_safe
@staff_only
def people(request: HttpRequest) -> HttpResponse:
    """Colleagues, clients and open invitations. Staff invite and change clients, an admin everybody."""
    query = request.GET.get("q", "").strip()
    initial = {key: request.GET[key] for key in ("name", "email", "company") if key in request.GET}
    return _show(request, InviteForm(initial=initial, by=_me(request)), query=query)


def _show(request: HttpRequest, form: InviteForm, *, query: str = "", status: int = 200) -> HttpResponse:
    clients, invitations = _members().filter(role=Role.CLIENT), inviting.open_invitations()
    if query:
        clients = clients.filter(
            Q(user__name__icontains=query)
            | Q(user__email__icontains=query)
            | Q(company__name__icontains=query)
        )
        invitations = invitations.filter(
            Q(name__icontains=query) | Q(email__icontains=query) | Q(company__name__icontains=query)
        )
    context = {
        "colleagues": _members().exclude(role=Role.CLIENT),
        "page": Paginator(clients, CLIENTS_A_PAGE).get_page(request.GET.get("page")),
        "query": query,
        "invitations": invitations[:INVITATIONS_SHOWN],
        "invited": invitations.count(),
        "form": form,
        "idle_form": IdleForm(instance=_me(request).agency),
    }
    return render(request, "agency/people.html", context, status=status)


def _members() -> QuerySet[Membership]:
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=STRONG)
    return (
        Membership.objects.select_related("user", "company")
        .annotate(has_factor=Exists(factors))
        .order_by(F("ended_at").asc(nulls_first=True), "user__name")
    )


@require_POST
@staff_only
def invite(request: HttpRequest) -> HttpResponse:
    """Send an invitation; a form with mistakes comes back with them.

    A colleague's is a role given away, so it asks for a fresh sign-in, as changing one does.
    """
    form = InviteForm(request.POST, by=_me(request))
    if not form.is_valid():
        return _show(request, form)
    invitation = form.invitation()
    if invitation.role != Role.CLIENT and not is_fresh(request):
        return prove_first(request)
    try:
        inviting.invite(invitation, by=_me(request))
    except inviting.NotYours:
        raise Http404 from None
    except inviting.AlreadyHere:
        form.add_error("email", _("Somebody with this address is here already."))
        return _show(request, form)
    posting.post(invitation, origin=letters.our_address(request))
    messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email})
    return redirect("people:people")


@require_POST
@staff_only
def send_again(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """A new link for an open invitation; the old one is dead."""
    invitation = _invitation(invitation_id)
    if invitation.role != Role.CLIENT and not is_fresh(request):
        return prove_first(request)
    try:
        inviting.invite_again(invitation, by=_me(request))
    except inviting.NotYours:
        raise Http404 from None
    except inviting.InvitationOver:
        messages.warning(request, _("This invitation was used or taken back already."))
        return redirect("people:people")
    posting.post(invitation, origin=letters.our_address(request))
    messages.success(request, _("A new link is on its way. The old one does not work any more."))
    return redirect("people:people")


@require_POST
@staff_only
def revoke(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitation = _invitation(invitation_id)
    if not inviting.may_invite(_me(request), invitation.role):
        raise Http404
    if inviting.revoke(invitation, by=_me(request).user):
        messages.success(request, _("The invitation is taken back: its link does not work any more."))
    return redirect("people:people")


@require_safe
@staff_only
def person(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """One person: role, rights, sign-ins, and what may be changed."""
    member = get_object_or_404(_members(), pk=membership_id)
    me = _me(request)
    context = {
        "member": member,
        "sessions": UserSession.objects.filter(user=member.user).count(),
        "is_me": member.user_id == me.user_id,
        "may_change": me.role == Role.ADMIN or member.role == Role.CLIENT,
        "role_form": RoleForm(initial={"role": member.role}),
        "rights_form": RightsForm(instance=member),
    }
    return render(request, "agency/person.html", context)


@require_POST
@staff_only
@fresh_sign_in
def change(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Carry out one act on a person, after a fresh sign-in."""
    member = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    try:
        messages.success(request, act(request, member))
    except roster.Refusal as refusal:
        messages.error(request, str(_REFUSALS[refusal.code]))
    return redirect("people:person", member.pk)


def _change_role(request: HttpRequest, member: Membership) -> str:
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    roster.change_role(member, Role(form.cleaned_data["role"]), by=_me(request))
    return _("The role is changed. The person signs in anew.")


def _change_rights(request: HttpRequest, member: Membership) -> str:
    form = RightsForm(request.POST)
    if not form.is_valid():
        raise Http404
    roster.change_rights(member, **form.cleaned_data, by=_me(request))
    return _("The rights are changed.")


def _end(request: HttpRequest, member: Membership) -> str:
    roster.end(member, by=_me(request))
    return _("The person is signed out and comes in no more. What he did stays in the story.")


def _take_back(request: HttpRequest, member: Membership) -> str:
    roster.take_back(member, by=_me(request))
    return _("The person may come in again.")


def _sign_out(request: HttpRequest, member: Membership) -> str:
    roster.sign_out(member, by=_me(request))
    return _("The person is signed out everywhere.")


def _erase(request: HttpRequest, member: Membership) -> str:
    if roster.erase(member, by=_me(request)):
        return _("The account is emptied. The audit trail goes on naming who did what.")
    return _(
        "The person works for another agency too: there the account stays. Here its invitations are gone."
    )


def _reset_factors(request: HttpRequest, member: Membership) -> str:
    roster.reset_factors(member, by=_me(request))
    return _("The second factor is taken away. The person may sign in once without, and adds a new one.")


_ACTS: dict[str, Callable[[HttpRequest, Membership], str]] = {
    "role": _change_role,
    "rights": _change_rights,
    "end": _end,
    "take_back": _take_back,
    "sign_out": _sign_out,
    "reset_factors": _reset_factors,
    "erase": _erase,
}


@require_safe
@admin_only
@fresh_sign_in
def export(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Everything that the agency holds about a person who signs in, as JSON; an entry in the trail too."""
    member = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
    audit.record("person_exported", member.user, by=_me(request).user)
    content = json.dumps(rights.held_about(member.user), ensure_ascii=False, indent=1).encode()
    save_as = f"{member.user.name} {timezone.localdate():%Y-%m-%d}.json"
    return send_file(content, content_type="application/json", save_as=save_as)


@require_POST
@admin_only
@fresh_sign_in
def idle(request: HttpRequest) -> HttpResponse:
    """How long an open page keeps people signed in."""
    agency = Agency.objects.get(pk=current_scope().agency)
    before, form = agency.idle_minutes, IdleForm(request.POST, instance=agency)
    if form.is_valid():
        agency.save(update_fields=["idle_minutes"])
        audit.record("idle_changed", agency, by=_me(request).user, before=before, after=agency.idle_minutes)
        messages.success(request, _("Saved. It holds from the next click on."))
    else:
        messages.error(request, _("Write a number of minutes from 5 to 240."))
    return redirect("people:people")


def _me(request: HttpRequest) -> Membership:
    membership: Membership = request.membership  # type: ignore[attr-defined]  # staff only
    return membership


def _invitation(invitation_id: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.select_related("company"), pk=invitation_id)
