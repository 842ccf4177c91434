"""Settings are read strictly; a mistake says what to write."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from datetime import time
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from agency import environment


@pytest.mark.parametrize(
    ("value", "read", "said"),
    [
        ("yes", lambda: environment.flag("X", default=True), 'X is "yes"; write "true" or "false"'),
        ("soon", lambda: environment.seconds("X", 60), 'X is "soon"; write a number of seconds, such as 60'),
        ("-1", lambda: environment.seconds("X", 60), 'X is "-1"; write a number of seconds, such as 60'),
        ("nan", lambda: environment.seconds("X", 60), 'X is "nan"; write a number of seconds, such as 60'),
        ("many", lambda: environment.number("X", 5), 'X is "many"; write a whole number, such as 5'),
        ("c", lambda: environment.choice("X", ("a", "b"), "a"), 'X is "c"; write one of: a, b'),
        ("c", lambda: environment.choice("X", ("", "a"), ""), 'X is "c"; write one of: nothing at all, a'),
    ],
)
def test_a_mistake_names_the_setting_its_value_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, value: str, read: object, said: str
) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured) as error:
        read()  # type: ignore[operator]
    assert str(error.value) == said


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", " ")
    assert environment.text("X", "default") == "default"
    assert environment.words("X", "a, b,") == ["a", "b"]


def test_in_production_a_missing_secret_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="X_KEY is missing"):
        environment.secret("X_KEY", local=False)


def test_a_short_secret_is_an_error_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_KEY", "short")
    with pytest.raises(ImproperlyConfigured, match="shorter than 32"):
        environment.secret("X_KEY", local=True)


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = secrets.token_hex(20)
    (tmp_path / "key").write_text(key + "\n")
    monkeypatch.setenv("X_KEY_FILE", str(tmp_path / "key"))
    assert environment.secret("X_KEY", local=False) == key


@pytest.mark.parametrize(
    "weak", ["k" * 40, "changeme-changeme-changeme-0123456789", "django-insecure-" + "a1b2c3d4e5"]
)
def test_a_secret_that_can_be_guessed_is_an_error_everywhere(
    monkeypatch: pytest.MonkeyPatch, weak: str
) -> None:
    monkeypatch.setenv("X_KEY", weak.ljust(40, "q"))
    with pytest.raises(ImproperlyConfigured, match="can be guessed") as error:
        environment.secret("X_KEY", local=True)
    assert weak not in str(error.value)


def test_old_secrets_lie_in_a_file_or_stand_with_commas(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = [secrets.token_hex(20), secrets.token_hex(20)]
    monkeypatch.setenv("X_OLD", ",".join(old))
    assert environment.old_secrets("X_OLD") == old
    monkeypatch.delenv("X_OLD")
    (tmp_path / "old").write_text("\n".join(old))
    monkeypatch.setenv("X_OLD_FILE", str(tmp_path / "old"))
    assert environment.old_secrets("X_OLD") == old


def test_production_does_not_start_with_one_key_for_two_things(tmp_path: Path) -> None:
    key = secrets.token_hex(20)
    env = os.environ | {"XUBAO_MODE": "production", "SECRET_KEY": key, "VAULT_KEY": key}
    start = subprocess.run(
        [sys.executable, "-c", "import agency.settings"], env=env, capture_output=True, text=True
    )
    assert start.returncode == 1
    assert start.stderr.strip().endswith("SECRET_KEY and VAULT_KEY are the same; write two random values")
    assert key not in start.stderr


def test_a_local_secret_is_made_once_and_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XUBAO_RUNTIME", str(tmp_path))
    made = environment.secret("X_KEY", local=True)
    assert environment.secret("X_KEY", local=True) == made
    assert (tmp_path / "secrets" / "x_key.json").stat().st_mode & 0o777 == 0o600
    assert len(list((tmp_path / "secrets").iterdir())) == 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("08:00-20:00", (time(8), time(20))),
        ("09:30 - 17:45", (time(9, 30), time(17, 45))),
        ("always", None),
        ("", (time(7), time(19))),
    ],
)
def test_opening_hours_are_read(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: tuple[time, time] | None
) -> None:
    monkeypatch.setenv("PORTAL_HOURS", written)
    assert environment.hours("PORTAL_HOURS", "07:00-19:00") == meant


@pytest.mark.parametrize("written", ["8 to 20", "20:00-08:00", "08:00-08:00", "08:00", "08:00-24:30", "-"])
def test_hours_that_are_none_say_how_to_write_them(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("PORTAL_HOURS", written)
    with pytest.raises(ImproperlyConfigured) as refused:
        environment.hours("PORTAL_HOURS", "always")
    assert str(refused.value) == (
        f'PORTAL_HOURS is "{written}"; write hours such as 08:00-20:00, or "always"'
    )
