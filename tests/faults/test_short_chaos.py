"""A little of the chaos of `./run faults` each day: a batch at two desks, one seed, a few faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import campaign
from tests.faults.chaos import Figures, unleash


@pytest.mark.usefixtures("committed")
def test_a_batch_in_chaos_comes_to_its_end(tmp_path: Path) -> None:
    with campaign(tmp_path, companies=2, desks=2) as played:
        figures = unleash(played, seed=11, seconds=10.0, at_most=12)
    assert figures.violations == []
    assert figures.injected > 0


def test_figures_go_on_from_where_they_were_kept(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    assert Figures.kept_in(kept) is None
    figures = Figures(seed=7, companies=8)
    figures.faults["worker: kill at claimed"] = 3
    figures.violations.append("O1: confirm")
    figures.keep(kept)
    assert Figures.kept_in(kept) == figures
    assert figures.in_words().endswith("done twice: 1, lost: 0, else: 0")
