"""Virtual cards and the readers they are put into."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .companies import Company

_ECDSA = ec.ECDSA(hashes.SHA256())
# Certificates of this kind of card are issued for ten years [P].
_ISSUED_BEFORE_END = timedelta(days=3650)


class NoCard(Exception):
    """The reader is empty."""


class CardLocked(Exception):
    """Too many wrong PINs: the card does nothing until the e-port office unlocks it."""


class PinRefused(Exception):
    """The PIN was wrong and a try is spent."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


@dataclass
class Card:
    """One company's card. Its key never leaves it: it signs, after a right PIN."""

    company: Company
    tries: int
    tries_left: int = field(init=False)
    tries_spent: int = 0
    _key: ec.EllipticCurvePrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tries_left = self.tries
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def number(self) -> str:
        """The number printed on the card."""
        return self.company.card.number

    @property
    def is_locked(self) -> bool:
        """No try is left."""
        return self.tries_left == 0

    def verify_pin(self, pin: str) -> None:
        """Return when the PIN is right; a right PIN gives all tries back.

        Raises `PinRefused` or, when none is left afterwards or before, `CardLocked`.
        """
        if self.is_locked:
            raise CardLocked
        if pin != self.company.card.pin:
            self.spend_try()
        self.tries_left = self.tries

    def spend_try(self) -> None:
        """Take one try away, as a wrong PIN does. Always raises."""
        self.tries_left -= 1
        self.tries_spent += 1
        if self.is_locked:
            raise CardLocked
        raise PinRefused(self.tries_left)

    def sign(self, data: str) -> str:
        """A signature of the text, in base64. The PIN must have been verified."""
        return base64.b64encode(self._key.sign(data.encode(), _ECDSA)).decode()

    def has_signed(self, data: str, signature: str) -> bool:
        """Whether this card made the signature of the text."""
        try:
            self._key.public_key().verify(base64.b64decode(signature, validate=True), data.encode(), _ECDSA)
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def valid_from(self) -> datetime:
        """The first moment of the certificate."""
        return self.valid_to - _ISSUED_BEFORE_END

    @property
    def valid_to(self) -> datetime:
        """The last moment of the certificate."""
        return datetime.combine(self.company.card.valid_until, time(23, 59, 59), tzinfo=UTC)

    def certificate_pem(self) -> str:
        """The card's signing certificate."""
        who = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.company.name),
                x509.NameAttribute(NameOID.COMMON_NAME, self.company.card.holder),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, self.company.card.certificate),
            ]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "仿真环境证书管理中心")]))
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.valid_from)
            .not_valid_after(self.valid_to)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Reader:
    """The reader of one desk: at most one card is in it."""

    desk: int
    inserted: Card | None = None

    @property
    def card(self) -> Card:
        """The card in the reader. Raises `NoCard`."""
        if self.inserted is None:
            raise NoCard
        return self.inserted
