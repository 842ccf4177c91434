"""What the documents name is there: a promise that points to nothing is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
TESTS = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
_PARTS = ("agency", "benchmarks", "bootstrap", "companies", "deploy", "docs", "locale", "portal_driver")
_FILE = re.compile(rf"(?:{'|'.join((*_PARTS, 'renewals', 'templates', 'tests'))})/[\w./-]*\w")
_TEST = re.compile(r"\btest_\w+\.py")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_and_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {code for code in re.findall(r"`([^`\n]+)`", text) if _FILE.fullmatch(code)}
    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert set(_TEST.findall(text)) - TESTS == set()
