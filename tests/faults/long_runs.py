"""The long runs of `./run faults`: chaos, the whole matrix, the mutants. `./run test` leaves them alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import matrix
from tests.faults.campaign import campaign
from tests.faults.chaos import Figures, unleash
from tests.faults.emptying import empty_database
from tests.faults.oracles import violations
from tests.faults.proofs import PROOFS, holds

pytestmark = pytest.mark.usefixtures("committed")
Say = Callable[[str], None]
# In a browser each takes many seconds to its end, once the faults are over.
COMPANIES_A_ROUND = {False: 16, True: 4}


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Say:
    """Prints a line that pytest does not swallow."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)  # noqa: T201

    return line


def run_chaos(tmp_path: Path, pytestconfig: pytest.Config, say: Say) -> None:
    """Batch after batch in chaos, until the time is over or so many faults were tried."""
    wanted, kept = pytestconfig.getoption("faults"), pytestconfig.getoption("state")
    minutes = pytestconfig.getoption("minutes")
    if minutes is None:
        minutes = math.inf if wanted else 1
    end_at = time.monotonic() + 60 * minutes
    browser = pytestconfig.getoption("browser")
    companies = COMPANIES_A_ROUND[browser]
    total = Figures.kept_in(kept) or Figures(pytestconfig.getoption("seed"))
    while time.monotonic() < end_at and not (wanted and total.injected >= wanted):
        directory = tmp_path / str(total.companies)
        directory.mkdir()
        with campaign(
            directory,
            companies=companies,
            desks=pytestconfig.getoption("desks"),
            browser=browser,
        ) as played:
            total.add(
                unleash(
                    played,
                    seed=total.seed + total.companies,
                    seconds=end_at - time.monotonic(),
                    at_most=wanted - total.injected if wanted else 0,
                )
            )
        total.companies += companies
        say(
            f"  {total.companies} companies, {total.injected} faults in {total.seconds:.0f} s, "
            f"{len(total.violations)} violations"
        )
        total.keep(kept)
        empty_database()
    for kind, number in sorted(total.faults.items()):
        say(f"  {number:6}  {kind}")
    for violation in total.violations:
        say(f"  {violation}")
    say(total.in_words())
    assert total.violations == []


def run_matrix(tmp_path: Path, say: Say) -> None:
    """Every fault of the matrix once, each on a company of its own."""
    faults = matrix.everything()
    wrong = []
    for number, fault in enumerate(faults):
        directory = tmp_path / str(number)
        directory.mkdir()
        with campaign(directory) as played:
            played.carry_through(played.companies[0], [fault])
            found = violations(played)
        wrong += found
        say(f"  {number + 1:4} of {len(faults)}  {fault}  {'; '.join(found) or 'holds'}")
        empty_database()
    assert wrong == []


@pytest.mark.parametrize("guard", list(PROOFS))
def run_mutants(guard: str, tmp_path: Path, say: Say) -> None:
    """Each guard's scenario, with it and without it."""
    for place, without in enumerate((False, True)):
        directory = tmp_path / str(place)
        directory.mkdir()
        found = holds(guard, directory, without=without)
        empty_database()
        say(f"  {guard:<10}  {'taken out' if without else 'in place':<9}  {'; '.join(found) or 'holds'}")
        assert bool(found) is without
