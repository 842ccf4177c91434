"""Who is in the agency and as what: changed by its admins, in force at the next request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.models import Authenticator
from django.utils import timezone

from agency import audit, rights
from agency.models import Agency, Membership, Role, User
from agency.people import memberships_of
from agency.signing_in import end_sessions
from agency.tenancy import current_scope


class Refusal(ValueError):
    """The change is not made; `code` says why: `self`, `last_admin`, `not_yours`, `role`, `here`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def change_role(member: Membership, role: Role, *, by: Membership) -> None:
    """Make staff an admin or an admin staff. Raises `Refusal`.

    Nobody changes his own role, and the last admin stays one. The person signs in anew.
    """
    if role == Role.CLIENT or member.role == Role.CLIENT:
        raise Refusal("role")  # a client's company and a colleague's desk are two invitations
    with _changing(member, by=by) as before:
        if role != Role.ADMIN:
            _keep_an_admin(before)
        Membership.objects.filter(pk=member.pk).update(role=role)
        audit.record("role_changed", member.user, by=by.user, before=before.role, after=str(role))
        end_sessions(member.user)


def end(member: Membership, *, by: Membership) -> None:
    """The person does not belong to the agency any more: signed out now, and let in no more.

    Raises `Refusal`. Staff may do so with clients.
    """
    with _changing(member, by=by) as before:
        _keep_an_admin(before)
        Membership.objects.filter(pk=member.pk).update(ended_at=timezone.now())
        audit.record("left", member.user, by=by.user, before=before.role)
        end_sessions(member.user)


def take_back(member: Membership, *, by: Membership) -> None:
    """Let somebody who had left in again, as what he was. Raises `Refusal`."""
    with _changing(member, by=by) as before:
        Membership.objects.filter(pk=member.pk).update(ended_at=None)
        audit.record("taken_back", member.user, by=by.user, after=before.role)


def change_rights(member: Membership, *, may_consent: bool, gets_mail: bool, by: Membership) -> None:
    """What a client may do beyond seeing. Raises `Refusal` for anybody but a client."""
    if member.role != Role.CLIENT:
        raise Refusal("role")
    with _changing(member, by=by) as before:
        Membership.objects.filter(pk=member.pk).update(may_consent=may_consent, gets_mail=gets_mail)
        audit.record(
            "rights_changed",
            member.user,
            by=by.user,
            before={"may_consent": before.may_consent, "gets_mail": before.gets_mail},
            after={"may_consent": may_consent, "gets_mail": gets_mail},
        )


def sign_out(member: Membership, *, by: Membership) -> int:
    """End every session of the person's; returns how many there were. Raises `Refusal`."""
    with _changing(member, by=by):
        ended = end_sessions(member.user)
        audit.record("sessions_ended", member.user, by=by.user, count=ended)
    return ended


def reset_factors(member: Membership, *, by: Membership) -> None:
    """The person has lost his second factor: it is taken away, and he adds a new one. Raises `Refusal`.

    He gets one more sign-in without. Who works for several agencies is helped by the operator: one
    agency's admin does not open another agency's door.
    """
    if len(memberships_of(member.user)) > 1:
        raise Refusal("not_yours")
    with _changing(member, by=by):
        Authenticator.objects.filter(user=member.user).delete()
        User.objects.filter(pk=member.user_id).update(grace_used_at=None)
        audit.record("factors_reset", member.user, by=by.user)
        end_sessions(member.user)


def erase(member: Membership, *, by: Membership) -> bool:
    """Empty the account of somebody who has left; False where another agency knows him. Raises `Refusal`.

    An admin's act. The trail goes on naming who did what: it is written once, and that is its purpose.
    """
    if by.role != Role.ADMIN:
        raise Refusal("not_yours")
    with _changing(member, by=by) as now:
        if now.ended_at is None:
            raise Refusal("here")
        audit.record("person_erased", member.user, by=by.user)
        return rights.forget(member.user)


@contextmanager
def _changing(member: Membership, *, by: Membership) -> Iterator[Membership]:
    """The member as he is now, with the agency locked: changes of roles wait for each other."""
    Agency.objects.select_for_update(no_key=True).get(pk=current_scope().agency)
    mine = Membership.objects.get(pk=by.pk)
    if mine.ended_at is not None or not _may_change(mine, member):
        raise Refusal("not_yours")
    if member.user_id == by.user_id:
        raise Refusal("self")
    yield Membership.objects.get(pk=member.pk)


def _may_change(by: Membership, member: Membership) -> bool:
    return by.role == Role.ADMIN or (by.role == Role.STAFF and member.role == Role.CLIENT)


def _keep_an_admin(member: Membership) -> None:
    """Raises `Refusal` where the agency would be left without an admin."""
    if member.role != Role.ADMIN:
        return
    admins = Membership.objects.filter(role=Role.ADMIN, ended_at__isnull=True)
    if not admins.exclude(pk=member.pk).exists():
        raise Refusal("last_admin")
