"""Both languages are whole, and the check that says so notices what is not."""

from __future__ import annotations

from collections.abc import Iterable

import polib
import pytest

from agency import translations


def test_everything_that_people_read_is_translated() -> None:
    assert translations.faults() == []


def catalogue(*entries: polib.POEntry) -> polib.POFile:
    made = polib.POFile()
    made.extend(entries)
    return made


def found(entries: Iterable[polib.POEntry], wanted: set[translations.Key]) -> list[str]:
    return list(translations.catalogue_faults(catalogue(*entries), wanted))


def test_a_new_string_and_an_old_one_are_named() -> None:
    old = polib.POEntry(msgid="Station", msgstr="台")
    assert found([old], {(None, "Desk", None)}) == [
        "not in the catalogue: 'Desk'",
        "no longer used: 'Station'",
    ]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (polib.POEntry(msgid="Desk", msgstr=" "), "not translated: 'Desk'"),
        (polib.POEntry(msgid="Desk", msgstr="读卡台", flags=["fuzzy"]), "marked as fuzzy: 'Desk'"),
        (polib.POEntry(msgid="%(n)d days", msgstr="天"), "other placeholders: '%(n)d days' → '天'"),
    ],
)
def test_an_unfinished_translation_is_named(entry: polib.POEntry, fault: str) -> None:
    assert found([entry], {(None, entry.msgid, None)}) == [fault]


def test_the_same_words_in_another_context_are_another_string() -> None:
    entry = polib.POEntry(msgid="State", msgstr="状态")
    assert found([entry], {(None, "State", None), ("renewal", "State", None)}) == [
        "not in the catalogue: 'State'"
    ]


@pytest.mark.parametrize(
    ("template", "unmarked"),
    [
        ("<p>{% translate 'Desk' %}</p>", []),
        ("<p>{% blocktranslate %}Desk {{ name }}{% endblocktranslate %}</p>", []),
        ("<p>Desk {{ name }}</p>", ["Desk"]),
        ("<p>读卡</p>", ["读", "卡"]),
        ('<p lang="zh-Hans">确认投保</p>', []),
        ('<input placeholder="Search">', ["Search"]),
        ("{% comment %}Not for readers: 读卡台{% endcomment %}", []),
    ],
)
def test_text_on_a_page_that_nobody_marked_is_found(template: str, unmarked: list[str]) -> None:
    assert translations.unmarked_in_template(template) == unmarked


@pytest.mark.parametrize(
    ("source", "unmarked"),
    [
        ('messages.success(request, _("Stored."))', []),
        ('messages.success(request, "Stored.")', ["Stored."]),
        ('forms.CharField(label="Name")', ["Name"]),
        ('raise forms.ValidationError("Too long.")', ["Too long."]),
    ],
)
def test_text_in_code_that_nobody_marked_is_found(source: str, unmarked: list[str]) -> None:
    assert translations.unmarked_in_python(source) == unmarked


def test_a_wrong_call_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert translations.main(["--chek"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == str(translations.__doc__).splitlines()[0]
