"""What `./run faults` tells the long runs."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--seed", type=int, default=1)
    group.addoption("--minutes", type=float, default=1.0)
    group.addoption("--faults", type=int, default=0, help="end after so many")
    group.addoption("--desks", type=int, default=4)
    group.addoption("--browser", action="store_true", help="the real driver in a browser, on the simulator")
    group.addoption("--state", type=Path, help="where the figures are kept, to go on from")
