"""The long runs of `./run faults`: chaos, the whole matrix, the mutants. `./run test` leaves them alone."""

from __future__ import annotations

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
COMPANIES_A_ROUND = 8


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
    seed, end_at = pytestconfig.getoption("seed"), time.monotonic() + 60 * pytestconfig.getoption("minutes")
    wanted = pytestconfig.getoption("faults")
    total = Figures(seed)
    companies = 0
    while time.monotonic() < end_at and not (wanted and total.injected >= wanted):
        directory = tmp_path / str(companies)
        directory.mkdir()
        with campaign(
            directory, companies=COMPANIES_A_ROUND, desks=pytestconfig.getoption("desks")
        ) as played:
            left = wanted - total.injected if wanted else 0
            figures = unleash(played, seed=seed + companies, seconds=end_at - time.monotonic(), at_most=left)
        companies += COMPANIES_A_ROUND
        total.seconds += figures.seconds
        total.rounds += figures.rounds
        total.sittings += figures.sittings
        total.faults += figures.faults
        total.violations += figures.violations
        say(f"  {companies} companies, {total.injected} faults, {len(total.violations)} violations")
        empty_database()
    for kind, number in sorted(total.faults.items()):
        say(f"  {number:6}  {kind}")
    say(
        f"seed {seed}: {companies} companies, {total.sittings} sittings, {total.injected} faults in "
        f"{total.seconds:.0f} s; {len(total.violations)} violations"
    )
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
