"""Settings are read strictly; a mistake says what to write."""

from __future__ import annotations

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
    (tmp_path / "key").write_text("k" * 40 + "\n")
    monkeypatch.setenv("X_KEY_FILE", str(tmp_path / "key"))
    assert environment.secret("X_KEY", local=False) == "k" * 40


def test_a_local_secret_is_made_once_and_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XUBAO_RUNTIME", str(tmp_path))
    made = environment.secret("X_KEY", local=True)
    assert environment.secret("X_KEY", local=True) == made
    assert (tmp_path / "secrets" / "x_key.json").stat().st_mode & 0o777 == 0o600
    assert len(list((tmp_path / "secrets").iterdir())) == 1
