"""Starting the simulator, for whoever plays on it: the demo, and rehearsals. Real work never does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Days on the portal pass in seconds there.
APPROVE_AFTER_S = 3
PACE = {"LOOK_AFTER_S": "4", "LOOK_LATE_AFTER_S": "4", "SWEEP_EVERY_S": "5", "RETRY_AFTER_S": "5"}


def simulator_command(companies: Path, *, year: int, desks: int, approve_after_s: int) -> list[str]:
    """The command that serves these companies' portal, and says where in its first line of JSON."""
    return [
        *(sys.executable, "-m", "portal_driver.simulator", "--companies", str(companies)),
        *("--year", str(year), "--desks", str(desks), "--approve-after-seconds", str(approve_after_s)),
    ]


def first_json(lines: list[str]) -> dict[str, Any] | None:
    """The first whole line that is a JSON object: where the simulator is."""
    for line in lines:
        if line.startswith("{") and line.endswith("\n"):
            found: dict[str, Any] = json.loads(line)
            return found
    return None
