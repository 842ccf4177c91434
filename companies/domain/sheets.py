"""Takes a workbook apart, in a process of its own: `python sheets.py < workbook`.

A workbook is a stranger's file. Two cells in opposite corners of a sheet make the reading library
ask for half a terabyte, and Rust aborts where it does not get it; so that happens here, under limits
of memory and time, and not in a web process. Run as a file, this imports nothing of ours.

Prints one JSON line a sheet: the number of its first row and its rows, or null where it is too
large. Dates are objects, {"date": "2027-03-01"}. Exit status 2: not a workbook.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

NOT_A_WORKBOOK = 2
MAX_ROWS = 20_000
MAX_COLUMNS = 200
# Titles and headings stand above the rows that count.
ROWS_ABOVE = 10
_MEMORY_BYTES = 2 * 1024**3
_PROCESSOR_S = 20


def main() -> int:
    """Standard input to standard output; see above."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_S, _PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read())) as workbook:
            for name in workbook.sheet_names:
                print(json.dumps(_sheet(workbook.get_sheet_by_name(name)), default=_date))  # noqa: T201
    except CalamineError:
        return NOT_A_WORKBOOK
    return 0


def _sheet(sheet: CalamineSheet) -> dict[str, Any] | None:
    if sheet.height > MAX_ROWS + ROWS_ABOVE or sheet.width > MAX_COLUMNS:
        return None
    first = sheet.start[0] + 1 if sheet.start else 1
    return {"first": first, "rows": sheet.to_python()}


def _date(cell: object) -> Any:
    """A moment is its day: no column of ours tells more. A time of day is what it looks like."""
    if isinstance(cell, datetime):
        return {"date": cell.date().isoformat()}
    return {"date": cell.isoformat()} if isinstance(cell, date) else str(cell)


if __name__ == "__main__":
    sys.exit(main())
