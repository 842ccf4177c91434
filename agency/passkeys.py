"""Passkeys that are refused are told in the trail, as wrong codes are; allauth tells only of codes."""

from __future__ import annotations

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django.core.exceptions import ValidationError


class AuthenticatePasskey(AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """allauth's form for a passkey; what a browser never sends is refused like a wrong one."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ValidationError:
            self._tell()
            raise
        except KeyError:  # a part is missing that allauth takes for granted
            self._tell()
            raise get_adapter().validation_error("incorrect_code") from None

    def _tell(self) -> None:
        """Where the passkey itself should have said who it is, nobody is known whom it is about."""
        if self.user is not None:
            passkey = Authenticator(user=self.user, type=Authenticator.Type.WEBAUTHN)
            authentication_failed.send(
                sender=Authenticator, request=context.request, user=self.user, authenticator=passkey
            )


class LoginPasskey(AuthenticatePasskey, LoginWebAuthnForm):  # type: ignore[misc]
    """To sign in by a passkey alone."""


class ReauthenticatePasskey(AuthenticatePasskey, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """To prove again who one is."""
