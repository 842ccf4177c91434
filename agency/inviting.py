"""Invitations: sent by e-mail, sent again, taken back, and accepted once."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from agency import audit, masking
from agency.models import Invitation, Membership, Role, User
from agency.tenancy import as_invited, current_scope, scope

LASTS = timedelta(days=7)


class NotYours(PermissionError):
    """Staff invite clients; only an admin invites staff and admins."""


class AlreadyHere(ValueError):
    """Somebody with this address is in the agency already."""


class InvitationOver(ValueError):
    """The link was used, taken back, or is older than a week; or it never was one."""


def may_invite(by: Membership, role: str) -> bool:
    """Whether this person may invite somebody to this role: nobody to more than he is himself."""
    return by.role == Role.ADMIN or (by.role == Role.STAFF and role == Role.CLIENT)


def invite(invitation: Invitation, *, by: Membership) -> None:
    """Write the invitation down. Its link is made when its mail is (`renew_link`, `link_for`).

    An open invitation to the same address is taken back. Raises `NotYours`, `AlreadyHere`.
    """
    if not may_invite(by, invitation.role):
        raise NotYours(invitation.role)
    invitation.email = invitation.email.lower()
    if Membership.objects.filter(user__email=invitation.email, ended_at__isnull=True).exists():
        raise AlreadyHere(invitation.email)
    for older in _open().filter(email=invitation.email):
        revoke(older, by=by.user)
    invitation.agency_id = current_scope().agency
    invitation.invited_by = by.user
    invitation.token_sha256, invitation.expires_at = _digest(token_urlsafe(32)), timezone.now() + LASTS
    invitation.save(force_insert=True)
    audit.record("invited", invitation, by=by.user, **told_of(invitation))


def is_invited_elsewhere(email: str, *, company: Any) -> bool:
    """Whether this address has an open invitation to anything but this company: a new one takes it back."""
    still_good = _open().filter(email=email.lower(), expires_at__gt=timezone.now())
    return still_good.exclude(company=company).exists()


def invite_again(invitation: Invitation, *, by: Membership) -> None:
    """The old link is dead, and there may be a new one. Raises `NotYours`, `InvitationOver`."""
    if not may_invite(by, invitation.role):
        raise NotYours(invitation.role)
    if not renew_link(invitation):
        raise InvitationOver
    audit.record("invited_again", invitation, by=by.user, **told_of(invitation))


def renew_link(invitation: Invitation) -> str:
    """A token for the invitation's link, good for a week; empty where it was used or taken back.

    A link that went out before is dead: the token is kept nowhere, so each mail brings a new one.
    """
    return _renew(_open().filter(pk=invitation.pk))


def link_for(email: str, *, company: Any) -> str:
    """As `renew_link`, for the open invitation of this address to this company; empty where there is none."""
    return _renew(_open().filter(email=email.lower(), company=company))


def _renew(invitations: QuerySet[Invitation]) -> str:
    token, now = token_urlsafe(32), timezone.now()
    renewed = invitations.update(token_sha256=_digest(token), expires_at=now + LASTS, sent_at=now)
    return token if renewed else ""


def with_link(token: str) -> QuerySet[Invitation]:
    """The invitation that this token belongs to, in the current agency."""
    return Invitation.objects.filter(token_sha256=_digest(token))


def revoke(invitation: Invitation, *, by: User) -> bool:
    """Take the invitation back: its link is dead. False when it was used or taken back already."""
    revoked = _open().filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if revoked:
        audit.record("invitation_revoked", invitation, by=by, **told_of(invitation))
    return revoked == 1


def invitation_with(token: str) -> Invitation:
    """The open invitation that this token belongs to, with its agency. Raises `InvitationOver`."""
    with as_invited(_digest(token)):
        found = Invitation.across_agencies.filter(
            token_sha256=_digest(token),
            accepted_at__isnull=True,
            revoked_at__isnull=True,
            expires_at__gt=timezone.now(),
        ).first()
    if found is None:
        raise InvitationOver
    with scope(found.agency_id):
        return Invitation.objects.select_related("agency", "company", "invited_by").get(pk=found.pk)


def account_of(invitation: Invitation) -> User | None:
    """The account of the invited address, where there is one already."""
    return User.objects.filter(email=invitation.email).first()


def accept(invitation: Invitation, *, user: User | None = None, password: str | None = None) -> User:
    """Let the invited person in, once; makes the account where `user` is None. Raises `InvitationOver`.

    The link has reached the address, so the address is the person's. Somebody with an account must
    have signed in to it: the link alone gives nobody another one's account.
    """
    with transaction.atomic(), scope(invitation.agency_id):
        accepted = _open().filter(pk=invitation.pk).update(accepted_at=timezone.now())
        if not accepted:
            raise InvitationOver
        person = user or User.objects.create_user(invitation.email, password, name=invitation.name)
        rights = {
            "role": invitation.role,
            "company_id": invitation.company_id,
            "may_consent": invitation.may_consent,
            "gets_mail": invitation.gets_mail,
            "ended_at": None,
        }
        Membership.objects.update_or_create(
            user=person, defaults=rights, create_defaults={"agency_id": invitation.agency_id} | rights
        )
        audit.record("joined", person, by=person, **told_of(invitation))
    return person


def told_of(invitation: Invitation) -> dict[str, str]:
    """What the audit trail tells of an invitation; the address masked."""
    about = {"role": str(invitation.role), "email": masking.email(invitation.email)}
    return about | ({"company": str(invitation.company_id)} if invitation.company_id else {})


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def open_invitations(company: UUID | None = None) -> QuerySet[Invitation]:
    """Who was invited and has not come yet, newest first; for one company, or all."""
    found = _open().select_related("company", "invited_by").order_by("-sent_at")
    return found.filter(company_id=company) if company else found
