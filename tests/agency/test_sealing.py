"""Sealed secrets open only where they were sealed."""

from __future__ import annotations

import pytest

from agency.sealing import WrongSeal, seal, unseal


def test_a_sealed_secret_opens_in_its_place() -> None:
    assert unseal(seal("27182818", bound_to="card:a:1"), bound_to="card:a:1") == "27182818"


def test_the_same_secret_never_looks_the_same() -> None:
    assert seal("27182818", bound_to="card:a:1") != seal("27182818", bound_to="card:a:1")


def test_a_sealed_secret_does_not_hold_the_secret() -> None:
    assert b"27182818" not in seal("27182818", bound_to="card:a:1")


def test_a_sealed_secret_does_not_open_in_another_row() -> None:
    with pytest.raises(WrongSeal, match="moved"):
        unseal(seal("27182818", bound_to="card:a:1"), bound_to="card:a:2")


def test_a_changed_secret_does_not_open() -> None:
    sealed = bytearray(seal("27182818", bound_to="card:a:1"))
    sealed[-1] ^= 1
    with pytest.raises(WrongSeal):
        unseal(bytes(sealed), bound_to="card:a:1")


def test_a_secret_of_another_key_says_so(settings: pytest.FixtureRequest) -> None:
    sealed = seal("27182818", bound_to="card:a:1")
    settings.VAULT_KEY = "another key, long enough to be taken"  # type: ignore[attr-defined]
    with pytest.raises(WrongSeal, match="another key"):
        unseal(sealed, bound_to="card:a:1")
