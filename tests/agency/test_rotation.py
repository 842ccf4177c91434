"""A new key: everything that was sealed with the old one is sealed anew, while people go on."""

from __future__ import annotations

from io import StringIO
from secrets import token_hex

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from pytest_django.fixtures import Settings

from agency.models import Agency, User
from agency.rotation import rotate_agency, rotate_factors
from agency.sealing import SEALED_COLUMNS, WrongSeal, present_head, seal, unseal
from agency.tenancy import TenantModel, scope
from companies.domain.cards import store_pin, vault_pin
from companies.models import Card, Company
from renewals.domain.pins import grant_pin
from renewals.models import Desk, PinGrant
from tests.cast import make_company
from tests.database import OUR_AGENCY


@pytest.fixture
def new_key(settings: Settings) -> str:
    """From here on another key seals; the one before still opens."""
    settings.VAULT_OLD_KEYS = [settings.VAULT_KEY]
    settings.VAULT_KEY = token_hex(32)
    return str(settings.VAULT_KEY)


def pins(cards: list[Card]) -> list[str | None]:
    return [vault_pin(Card.objects.get(pk=card.pk)) for card in cards]


def test_a_text_of_the_old_key_opens_until_that_key_is_taken_out(settings: Settings) -> None:
    sealed = seal("27182818", bound_to="card:a:1")
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], token_hex(32)
    assert unseal(sealed, bound_to="card:a:1") == "27182818"
    settings.VAULT_OLD_KEYS = []
    with pytest.raises(WrongSeal, match="another key"):
        unseal(sealed, bound_to="card:a:1")


def test_rotation_seals_vault_and_grants_anew(card: Card, desk: Desk, mei: User, settings: Settings) -> None:
    with scope(OUR_AGENCY):
        grant_pin(card, desk=desk, pin="31415926", by=mei)
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], token_hex(32)
    assert rotate_agency(OUR_AGENCY).count == 2
    settings.VAULT_OLD_KEYS = []
    with scope(OUR_AGENCY):
        assert pins([card]) == ["27182818"]
        assert bytes(PinGrant.objects.get().sealed_pin or b"").startswith(present_head())


def test_a_second_rotation_finds_nothing_to_do(card: Card, new_key: str) -> None:
    assert [rotate_agency(OUR_AGENCY).count, rotate_agency(OUR_AGENCY).count] == [1, 0]


def test_a_rotation_that_was_cut_short_goes_on_and_people_read_meanwhile(
    agency: object, mei: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    companies = [make_company(agency, number, f"第{number}家") for number in range(11, 16)]  # type: ignore[arg-type]
    with scope(OUR_AGENCY):
        cards = [company.cards.get() for company in companies]
        for number, card in enumerate(cards):
            store_pin(card, f"1000000{number}", by=mei)
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], token_hex(32)
    monkeypatch.setattr("agency.rotation.ROWS_AT_ONCE", 2)
    sealed: list[str] = []

    def power_cut(secret: str, *, bound_to: str) -> bytes:
        if len(sealed) == 3:
            raise KeyboardInterrupt
        sealed.append(bound_to)
        return seal(secret, bound_to=bound_to)

    with monkeypatch.context() as during:
        during.setattr("agency.rotation.seal", power_cut)
        with pytest.raises(KeyboardInterrupt):
            rotate_agency(OUR_AGENCY)
    wanted = [f"1000000{number}" for number in range(5)]
    with scope(OUR_AGENCY):
        assert pins(cards) == wanted
    # Two rows had been committed; the third was taken back with its transaction.
    assert rotate_agency(OUR_AGENCY).count == 3
    settings.VAULT_OLD_KEYS = []
    with scope(OUR_AGENCY):
        assert pins(cards) == wanted


def test_a_text_moved_to_another_row_or_agency_does_not_open_and_is_named(
    card: Card, wus_company: Company, raos_company: Company, new_key: str
) -> None:
    with scope(OUR_AGENCY):
        stolen = bytes(Card.objects.get(pk=card.pk).sealed_pin or b"")
        Card.objects.filter(company=wus_company).update(sealed_pin=stolen)
        wus = Card.objects.get(company=wus_company)
        with pytest.raises(WrongSeal, match="moved"):
            vault_pin(wus)
    with scope(raos_company.agency_id):
        Card.objects.filter(company=raos_company).update(sealed_pin=stolen)
        with pytest.raises(WrongSeal, match="moved"):
            vault_pin(Card.objects.get(company=raos_company))
    rotated = rotate_agency(OUR_AGENCY)
    assert (rotated.count, rotated.broken) == (1, [f"companies_card {wus.pk}"])


def test_second_factors_are_sealed_and_rotated(mei: User, settings: Settings) -> None:
    TOTP.activate(mei, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(mei).generate_codes()
    assert "JBSWY3DPEHPK3PXP" not in str(Authenticator.objects.get(type="totp").data)
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], token_hex(32)
    assert [rotate_factors().count, rotate_factors().count] == [2, 0]
    settings.VAULT_OLD_KEYS = []
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes


@pytest.mark.usefixtures("committed")
def test_the_command_says_what_it_did_and_fails_for_what_does_not_open(settings: Settings) -> None:
    company = make_company(Agency(pk=OUR_AGENCY), 21, "一家")
    with scope(OUR_AGENCY):
        Card.objects.filter(company=company).update(sealed_pin=seal("1", bound_to="somewhere else"))
        card = Card.objects.get(company=company)
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], token_hex(32)
    said = StringIO()
    with pytest.raises(CommandError, match=f"companies_card {card.pk}"):
        call_command("rotate_keys", stdout=said)
    assert said.getvalue().splitlines() == [
        "beijiang: 0 sealed anew",
        "lingnan: 0 sealed anew",
        "second factors: 0 sealed anew",
    ]


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    sealed = {
        (model, field.name)
        for model in apps.get_models()
        if issubclass(model, TenantModel)
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField)
    }
    assert {(column.model, column.column) for column in SEALED_COLUMNS} == sealed
