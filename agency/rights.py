"""What an agency holds about a person who signs in, and the emptying of his account (PIPL 45, 47).

The account's row stays, because the audit trail and what he did refer to it; it says nothing about him.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.utils import timezone

from agency.models import AuditEntry, Invitation, Membership, User
from agency.people import is_operator
from agency.signing_in import end_sessions
from agency.tenancy import as_user

GONE = "—"


def held_about(user: User) -> dict[str, Any]:
    """Everything that the current agency holds about this person, for JSON. No secret is in it."""
    acts = AuditEntry.objects.filter(actor=user) | AuditEntry.objects.filter(object_id=str(user.pk))
    return {
        "name": user.name,
        "email": user.email,
        "taken_at": _iso(timezone.now()),
        "account": {"since": _iso(user.date_joined), "last_sign_in": _iso(user.last_login)},
        "memberships": [
            {
                "role": one.role,
                "company": one.company.name if one.company else None,
                "may_consent": one.may_consent,
                "gets_mail": one.gets_mail,
                "joined_at": _iso(one.joined_at),
                "ended_at": _iso(one.ended_at),
            }
            for one in Membership.objects.filter(user=user).select_related("company")
        ],
        "invitations": [
            {"name": one.name, "role": one.role, "sent_at": _iso(one.sent_at)}
            for one in Invitation.objects.filter(email=user.email)
        ],
        "second_factors": [
            {"kind": one.type, "since": _iso(one.created_at), "used_at": _iso(one.last_used_at)}
            for one in Authenticator.objects.filter(user=user)
        ],
        "sign_ins": [
            {"from": one.ip, "with": one.user_agent, "seen_at": _iso(one.last_seen_at)}
            for one in UserSession.objects.filter(user=user)
        ],
        "audit": [
            {
                "at": _iso(one.at),
                "who": one.actor_name,
                "what": one.action,
                "from": one.address,
                "on": one.object_type,
                "detail": one.detail,
            }
            for one in acts.order_by("number").iterator(chunk_size=2000)
        ],
    }


def forget(user: User) -> bool:
    """Empty the account and sign the person out; False where another agency knows him, who then decides.

    Who runs the installation keeps his account, too: no agency takes that from him.

    Inside the scope of the agency that lets him go, after his membership there has ended.
    """
    Invitation.objects.filter(email=user.email).delete()
    end_sessions(user)
    with as_user(user.pk):
        elsewhere = Membership.across_agencies.filter(user=user, ended_at__isnull=True).exists()
    if elsewhere or is_operator(user.pk):
        return False
    Authenticator.objects.filter(user=user).delete()
    user.name, user.email = GONE, f"{user.pk}@erased.invalid"
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save()
    return True


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
