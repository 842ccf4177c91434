"""Files that are made to do harm: refused quickly, in little memory, and with a reason."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from companies.domain import sheets
from companies.domain.refusals import (
    NotAWorkbook,
    RowUnreadable,
    WorkbookRefused,
    WorkbookTooLarge,
    WorkbookUnsafe,
)
from companies.domain.workbook import read_table
from tests.companies.workbooks import HEADINGS, xlsx

MEMORY_BYTES = 300 * 1024 * 1024
PROCESSOR_S = 2


def with_part(name: str, content: bytes) -> bytes:
    """A good workbook with one part more, or another one in the place of this part."""
    good, made = zipfile.ZipFile(xlsx(HEADINGS, ("一家", "91440100MAB53RXR8B"))), BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bad:
        for entry in good.infolist():
            if entry.filename != name:
                bad.writestr(entry, good.read(entry))
        bad.writestr(name, content)
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
OPENING = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CLOSING = b"</sheetData></worksheet>"


def zip_bomb() -> bytes:
    return with_part(SHEET, OPENING + b" " * (300 * 1024 * 1024) + CLOSING)


def lying_zip_bomb() -> bytes:
    """Its directory says that the sheet is small."""
    honest = with_part(SHEET, OPENING + b" " * (150 * 1024 * 1024) + CLOSING)
    size = (150 * 1024 * 1024 + len(OPENING) + len(CLOSING)).to_bytes(4, "little")
    return honest.replace(size, (1000).to_bytes(4, "little"))


def many_entries() -> bytes:
    made = BytesIO(xlsx(HEADINGS).getvalue())
    with zipfile.ZipFile(made, "a") as archive:
        for number in range(sheets.MAX_ENTRIES + 1):
            archive.writestr(f"xl/media/{number}.png", b"")
    return made.getvalue()


def million_cells() -> bytes:
    row = b"<row>" + b'<c t="n"><v>1</v></c>' * 100 + b"</row>"
    return with_part(SHEET, OPENING + row * 10_000 + CLOSING)


def cells_in_far_corners() -> bytes:
    far = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return with_part(SHEET, OPENING + far + CLOSING)


def external_entity() -> bytes:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return with_part(SHEET, evil + OPENING + b"&e;" + CLOSING)


def billion_laughs() -> bytes:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    return with_part(
        "xl/sharedStrings.xml", b'<!DOCTYPE x [<!ENTITY l0 "ha">' + laughs + b"]><sst>&l9;</sst>"
    )


def entity_in_utf_16() -> bytes:
    return with_part(SHEET, '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x/>'.encode("utf-16"))


BOMBS: list[tuple[Callable[[], bytes], str, type[WorkbookRefused]]] = [
    (zip_bomb, "a.xlsx", WorkbookTooLarge),
    (lying_zip_bomb, "a.xlsx", NotAWorkbook),
    (many_entries, "a.xlsx", WorkbookTooLarge),
    (million_cells, "a.xlsx", WorkbookTooLarge),
    (cells_in_far_corners, "a.xlsx", WorkbookTooLarge),
    (external_entity, "a.xlsx", WorkbookUnsafe),
    (billion_laughs, "a.xlsx", WorkbookUnsafe),
    (entity_in_utf_16, "a.xlsx", WorkbookUnsafe),
    (lambda: with_part("../../etc/cron.d/evil", b"x"), "a.xlsx", WorkbookUnsafe),
    (lambda: with_part("/etc/passwd", b"x"), "a.xlsx", WorkbookUnsafe),
    (lambda: with_part("..\\..\\evil.dll", b"x"), "a.xlsx", WorkbookUnsafe),
    (lambda: with_part("C:/Windows/evil.dll", b"x"), "a.xlsx", WorkbookUnsafe),
    (lambda: b"PK\x03\x04" + b"\0" * 1000, "a.xlsx", NotAWorkbook),
    (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4096, "a.xls", NotAWorkbook),
    (lambda: b"," * (9 * 1024 * 1024), "a.csv", WorkbookTooLarge),
    (lambda: b"a,b\n" * (2 * 1024 * 1024), "a.csv", WorkbookTooLarge),
    (lambda: b"a" * (9 * 1024 * 1024), "a.csv", RowUnreadable),
    (lambda: b'"' + b"a" * (9 * 1024 * 1024), "a.csv", RowUnreadable),
]
NAMES = [getattr(make, "__name__", "") + f" {number}" for number, (make, _name, _why) in enumerate(BOMBS)]


@pytest.mark.parametrize(("make", "name", "why"), BOMBS, ids=NAMES)
def test_a_bomb_is_refused_and_the_message_says_why(
    make: Callable[[], bytes], name: str, why: type[WorkbookRefused]
) -> None:
    with pytest.raises(WorkbookRefused) as refused:
        read_table(BytesIO(make()), name)
    assert type(refused.value) is why
    assert str(refused.value).endswith("。")


@pytest.mark.parametrize(("make", "name", "_why"), BOMBS, ids=NAMES)
def test_a_bomb_costs_little_memory_and_processor_time(
    make: Callable[[], bytes], name: str, _why: type[WorkbookRefused]
) -> None:
    """The reader is run under a processor limit of its own, and tells its largest size when it ends."""
    kind = "text" if name.endswith(".csv") else "workbook"
    measured = (
        "import resource, subprocess, sys;"
        f"resource.setrlimit(resource.RLIMIT_CPU, ({PROCESSOR_S}, {PROCESSOR_S}));"
        "done = subprocess.run([sys.executable, '-I', sys.argv[1], sys.argv[2]], stdout=subprocess.DEVNULL);"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    said = subprocess.run(
        [sys.executable, "-c", measured, sheets.__file__, kind], input=make(), capture_output=True, check=True
    )
    status, kilobytes = map(int, said.stdout.split())
    unit = 1 if sys.platform == "darwin" else 1024
    assert status != -9, "it ran into the limit of processor time"
    assert kilobytes * unit < MEMORY_BYTES


def test_the_largest_workbook_that_is_read_fits_the_limits() -> None:
    rows = [(f"第{n}家", f"91440100MA{n:08d}", *[f"内容 {n} {c}" for c in range(18)]) for n in range(20_000)]
    headings = (*HEADINGS, *[f"其他 {c}" for c in range(18)])
    assert len(read_table(xlsx(headings, *rows), "a.xlsx").lines) == 20_000
