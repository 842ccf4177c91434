"""Translations are compiled when, and only when, they have changed."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from bootstrap import translations


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    file.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Desk"\nmsgstr "读卡台"\n'
    )
    return file


def test_a_translation_that_was_never_compiled_is_stale(source: Path, tmp_path: Path) -> None:
    assert translations.stale(tmp_path) == [source]


def test_a_compiled_one_is_read_by_gettext_and_not_stale(source: Path, tmp_path: Path) -> None:
    translations.compile_all([source])
    with source.with_suffix(".mo").open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("Desk") == "读卡台"
    assert translations.stale(tmp_path) == []


def test_one_that_changed_since_is_stale(source: Path, tmp_path: Path) -> None:
    translations.compile_all([source])
    later = source.with_suffix(".mo").stat().st_mtime + 1
    os.utime(source, (later, later))
    assert translations.stale(tmp_path) == [source]
