"""Workbooks for tests, made as an agency's programs make them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date
from io import BytesIO

from xlsxwriter import Workbook

type Written = str | float | bool | date | None

HEADINGS = ("企业名称", "统一社会信用代码")


def xlsx(*rows: Sequence[Written], sheet: str = "客户名单") -> BytesIO:
    """A workbook with these rows; None leaves a cell empty."""
    file = BytesIO()
    with Workbook(file) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page = book.add_worksheet(sheet)
        for line, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if isinstance(cell, date):
                    page.write_datetime(line, place, cell, day)
                elif isinstance(cell, str):
                    page.write_string(line, place, cell)
                elif cell is not None:
                    page.write(line, place, cell)
    file.seek(0)
    return file


def xls(*rows: Sequence[str | float]) -> BytesIO:
    """The same in the format of Excel 97 ([MS-XLS], in a [MS-CFB] file of 512-byte sectors)."""
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for line, cells in enumerate(rows):
        for place, cell in enumerate(cells):
            head = struct.pack("<HHH", line, place, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                sheet += _record(0x0204, head + text)
            else:
                sheet += _record(0x0203, head + struct.pack("<d", cell))
    sheet += _record(0x000A, b"")
    opening = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    name = "客户名单".encode("utf-16-le")
    bound_length = 4 + 8 + len(name)
    start = len(opening) + bound_length + 4
    bound = _record(0x0085, struct.pack("<IHBB", start, 0, len(name) // 2, 1) + name)
    return BytesIO(_compound(opening + bound + _record(0x000A, b"") + sheet))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _compound(stream: bytes, *, name: str = "Workbook") -> bytes:
    """A compound file with one stream of this name, long enough to lie in ordinary sectors."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    assert len(fat) == 512, "one sector of table is enough for a test"
    entries = _directory_entry("Root Entry", 5, child=1, start=0xFFFFFFFE, size=0)
    entries += _directory_entry(name, 2, child=0xFFFFFFFF, start=2, size=len(stream))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0
    )
    header += struct.pack("<I", 0) + b"\xff" * 432
    return header + fat + entries.ljust(512, b"\0") + stream


def _directory_entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    nobody = 0xFFFFFFFF
    return (
        encoded.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(encoded), kind, 1, nobody, nobody, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def encrypted() -> BytesIO:
    """A workbook that asks for a password ([MS-OFFCRYPTO] 2.3.4.4): its package lies under that name."""
    return BytesIO(_compound(bytes(4096), name="EncryptedPackage"))
