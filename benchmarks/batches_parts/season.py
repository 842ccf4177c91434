"""A season of so many companies, every third for the first time, in the sample's own format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stdnum.cn import uscc


def write_season(path: Path, companies: int) -> None:
    """Write companies with nothing wrong about them, for the simulator and for `load_season`.

    The first is one for the first time: whoever comes after it meets no click that nobody has pressed.
    """
    path.write_text(json.dumps({"companies": [_company(place) for place in range(companies)]}))


def _company(place: int) -> dict[str, Any]:
    body = f"91440101MB{place:07d}"
    return {
        "name": f"广州市第{place + 1}号贸易有限公司",
        "uscc": body + str(uscc.calc_check_digit(body)),
        "region": "广州",
        "contact": {"name": "王志强", "mobile": "13820000000", "email": f"c{place}@example.com"},
        "authorized_before": place % 3 != 0,
        "old_policy_ends_in_days": 30,
        "card": {
            "number": f"C{place:012d}",
            "certificate": f"{place:010x}",
            "holder": "宋海峰",
            "pin": f"{31415926 + place}",
            "valid_for_days": 200,
        },
        "drawer": f"A-{place:04d}",
    }
