"""What `./run faults` tells the long runs."""

from __future__ import annotations

import pytest

from tests.faults.options import add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser.getgroup("faults").addoption)
