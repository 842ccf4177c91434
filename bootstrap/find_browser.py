"""Prints what the driver's search for a browser finds. Run by the Python of `.venv`."""

from __future__ import annotations

import json

from portal_driver.browser import find_browser
from portal_driver.errors import PortalUnavailable


def search() -> dict[str, str]:
    """`browser`: the executable; or `tried`: where there was none."""
    try:
        return {"browser": str(find_browser().executable)}
    except PortalUnavailable as missing:
        return {"tried": missing.detail["tried"]}


if __name__ == "__main__":
    print(json.dumps(search()))
