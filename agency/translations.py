"""Holds the Chinese translation complete: `python -m agency.translations --check`, or `--update`.

English is what stands in the source, Chinese what people read by default. `--check` names every
string that is not translated and every text on a page that was not marked for translation;
`--update` writes the new strings into the catalogue, to be translated, and takes old ones out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polib
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
APPS = ("agency", "companies", "renewals")
HEADER = {
    "Project-Id-Version": "xubao",
    "Language": "zh_Hans",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}
# What Django calls the same functions when the translation is made later.
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": spec for name, spec in DEFAULT_KEYWORDS.items()}
# Words that are the same in both languages.
UNTRANSLATED = frozenset({"SHA-256", "Excel", "CSV", "Enter"})

type Key = tuple[str | None, str, str | None]  # context, singular, plural


def marked() -> set[Key]:
    """Every string that the code and the templates mark for translation."""
    found: set[Key] = set()
    for path in _python():
        found |= _extract(path.read_text(encoding="utf-8"))
    for path in _templates():
        found |= _extract(_as_python(path))
    return found


def _python() -> Iterator[Path]:
    for app in APPS:
        yield from sorted((ROOT / app).rglob("*.py"))


def _templates() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    yield from sorted((ROOT / "templates").rglob("*.txt"))


def _as_python(template: Path) -> str:
    """The template's marks as calls of gettext and its kin, as Django itself prepares it for xgettext.

    What is no mark comes as rows of X; without indents, which would mean something in Python.
    """
    lines = templatize(template.read_text(encoding="utf-8")).splitlines()
    return "\n".join(line.strip() for line in lines)


def _extract(source: str) -> set[Key]:
    messages = extract("python", BytesIO(source.encode()), keywords=KEYWORDS)
    return {_key(message, context) for _line, message, _comments, context in messages if message}


def _key(message: str | tuple[str, ...], context: str | None) -> Key:
    if isinstance(message, str):
        return context, message, None
    singular, plural, *_rest = message
    return context, singular, plural


# --- The catalogue ----------------------------------------------------------------------------


def catalogue_faults(catalogue: polib.POFile, wanted: set[Key]) -> Iterator[str]:
    """What is missing, stale, unfinished or broken in the catalogue."""
    there = {_entry_key(entry): entry for entry in catalogue}
    for key in sorted(wanted - set(there), key=_order):
        yield f"not in the catalogue: {key[1]!r}"
    for key in sorted(set(there) - wanted, key=_order):
        yield f"no longer used: {key[1]!r}"
    for key in sorted(wanted & set(there), key=_order):
        yield from _entry_faults(there[key])


def _entry_faults(entry: polib.POEntry) -> Iterator[str]:
    if entry.fuzzy:
        yield f"marked as fuzzy: {entry.msgid!r}"
    for text in _translations(entry):
        if not text.strip():
            yield f"not translated: {entry.msgid!r}"
        elif placeholders(text) != placeholders(entry.msgid_plural or entry.msgid):
            yield f"other placeholders: {entry.msgid!r} → {text!r}"


def _translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text: str) -> list[str]:
    """The places that are filled in, such as `%(n)d`; the order may differ between languages."""
    return sorted(re.findall(r"%\([a-z_]+\)[sd]|%[sdn]\b", text))


def _entry_key(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or None


def _order(key: Key) -> tuple[str, str]:
    return key[1].lower(), key[0] or ""


def update() -> int:
    """Bring the catalogue's strings up to date; what is translated stays. Returns how many are to do."""
    old = {_entry_key(entry): entry for entry in _read()}
    catalogue = polib.POFile(wrapwidth=110)
    catalogue.metadata = HEADER
    for key in sorted(marked(), key=_order):
        catalogue.append(old.get(key) or _new_entry(key))
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(CATALOGUE))
    return len(catalogue.untranslated_entries())


def _new_entry(key: Key) -> polib.POEntry:
    context, singular, plural = key
    if plural is None:
        return polib.POEntry(msgctxt=context, msgid=singular)
    return polib.POEntry(msgctxt=context, msgid=singular, msgid_plural=plural, msgstr_plural={0: ""})


def _read() -> polib.POFile:
    return polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()


# --- Text that nobody marked ------------------------------------------------------------------

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]+")
_SPOKEN_ATTRIBUTE = re.compile(r"""\b(?:title|placeholder|alt|aria-label)="([^"]*)\"""")
# In this order: what a reader of the page never sees.
_UNSEEN = (
    re.compile(r"{% comment .*?%}.*?{% endcomment %}|{% comment %}.*?{% endcomment %}|{#.*?#}", re.DOTALL),
    re.compile(r"{% blocktranslate.*?%}.*?{% endblocktranslate %}", re.DOTALL),
    re.compile(r"<script\b.*?</script>", re.DOTALL),
    re.compile(r"{% block body_class %}.*?{% endblock %}"),
    re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL),
    # What is in its own language for every reader: the portal's words, the names of languages.
    re.compile(r"""<(\w+)[^>]*\blang="(?:zh-Hans|en)"[^>]*>[^<]*</\1>"""),
)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)


def unmarked_in_template(text: str) -> list[str]:
    """What a template says to people without marking it: Chinese anywhere, or English words."""
    for unseen in _UNSEEN:
        text = unseen.sub(" ", text)
    spoken = " ".join(_SPOKEN_ATTRIBUTE.findall(text))
    shown = f"{_TAG.sub(' ', text)} {spoken}"
    for word in UNTRANSLATED:
        shown = shown.replace(word, " ")
    return [*_CHINESE.findall(_without_comments(text)), *_LATIN_WORD.findall(shown)]


def _without_comments(text: str) -> str:
    return re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)


def unmarked_in_python(source: str) -> list[str]:
    """Bare texts where only a translated one belongs: in messages, refusals and labels of forms."""
    return [
        constant.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        for constant in _spoken_arguments(node)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and constant.value
    ]


def _spoken_arguments(call: ast.Call) -> list[ast.expr]:
    labels = [word.value for word in call.keywords if word.arg in ("label", "empty_label")]
    match call.func:
        case ast.Attribute(value=ast.Name(id="messages")):
            return [*labels, *call.args[1:2]]
        case ast.Attribute(attr="ValidationError") | ast.Name(id="ValidationError"):
            return [*labels, *call.args[:1]]
    return labels


def unmarked() -> Iterator[str]:
    """Every text for people that was not marked, with its file."""
    for path in _templates():
        for text in unmarked_in_template(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}: not marked for translation: {text!r}"
    for path in _python():
        for text in unmarked_in_python(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}: not marked for translation: {text!r}"


def faults() -> list[str]:
    """All that keeps a page from being whole in both languages."""
    return [*catalogue_faults(_read(), marked()), *unmarked()]


def main(arguments: list[str]) -> int:
    """The exit status: 0 when all is translated; 2 for a wrong call."""
    if arguments == ["--update"]:
        print(f"{update()} strings to translate in {CATALOGUE.relative_to(ROOT)}")  # noqa: T201
        return 0
    if arguments != ["--check"]:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
