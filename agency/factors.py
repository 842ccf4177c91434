"""Second factors: kept sealed, and never taken away from somebody who must have one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agency.people import needs_second_factor
from agency.sealing import present_head, seal, unseal

# allauth hands the text over without its row, so it is bound to its table alone.
_PLACE = "mfa_authenticator"
# Where in an authenticator's data sealed texts stand.
SEALED_KEYS = ["secret", "seed", "migrated_codes"]
STRONG = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class SealedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """What allauth asks us about second factors."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "The code is wrong, or was used already. Type the one that the app shows now."
        ),
        "incorrect_passkey": gettext_lazy(
            "This passkey does not work here. Use another one, or another way."
        ),
    }

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """allauth's; where it calls a passkey a code, in words that fit."""
        is_passkey = code == "incorrect_code" and "credential" in self.request.POST
        error: ValidationError = super().validation_error("incorrect_passkey" if is_passkey else code, *args)
        return error

    def encrypt(self, text: str) -> str:
        return b64encode(seal(text, bound_to=_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(b64decode(encrypted_text), bound_to=_PLACE)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last factor stays where the role asks for one: a new one is added first."""
        if authenticator.type not in STRONG or not needs_second_factor(authenticator.user):
            return True
        others = Authenticator.objects.filter(user=authenticator.user, type__in=STRONG)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def get_totp_issuer(self) -> str:
        return _("Xubao")

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": _("Xubao")}


def is_sealed_anew(data: dict[str, Any]) -> bool:
    """Whether the present key sealed everything in an authenticator's data."""
    return all(b64decode(text).startswith(present_head()) for text in _sealed(data))


def sealed_anew(data: dict[str, Any]) -> dict[str, Any]:
    """The same data, sealed with the present key. Raises `WrongSeal`."""

    def anew(value: Any) -> Any:
        if isinstance(value, list):
            return [anew(one) for one in value]
        return b64encode(seal(unseal(b64decode(value), bound_to=_PLACE), bound_to=_PLACE)).decode()

    return data | {key: anew(data[key]) for key in SEALED_KEYS if key in data}


def _sealed(data: dict[str, Any]) -> list[str]:
    values = [data[key] for key in SEALED_KEYS if key in data]
    return [text for value in values for text in (value if isinstance(value, list) else [value])]
