"""Each guard is missed when it is taken out: otherwise the fault tests would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.proofs import PROOFS, holds

pytestmark = pytest.mark.usefixtures("committed")
SEEN = {
    "gate": {"O1: confirm", "O3: confirm"},  # sent twice, and the trail names one
    "look first": {"O1: confirm"},
    "second reading": {"O1: confirm"},
    "epoch": {"epoch: run"},
    "fence": {"O1: confirm"},
    "sweep": {"O2: renewal"},
}


@pytest.mark.parametrize("guard", list(PROOFS))
def test_with_the_guard_everything_holds(guard: str, tmp_path: Path) -> None:
    assert holds(guard, tmp_path, without=False) == []


@pytest.mark.parametrize("guard", list(PROOFS))
def test_without_the_guard_it_is_seen(guard: str, tmp_path: Path) -> None:
    found = holds(guard, tmp_path, without=True)
    assert {" ".join(one.split()[:2]) for one in found} == SEEN[guard]


def test_each_guard_has_its_mutant_and_its_proof() -> None:
    assert set(PROOFS) == set(MUTANTS) == set(SEEN)
