"""`./run faults` says itself what it can do."""

from __future__ import annotations

import re

import pytest

from tests.faults.__main__ import main
from tests.faults.options import RUNS


def test_help_names_every_option_and_begins_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    said = capsys.readouterr().out
    options = set(re.findall(r"^  (?:-h, )?(--[a-z]+)", said, flags=re.MULTILINE))
    of_chaos = {"--seed", "--minutes", "--faults", "--desks", "--browser", "--state"}
    assert (end.value.code, options) == (0, {"--help", *RUNS, *of_chaos})
    assert said.startswith("usage: ./run faults ")


def test_the_matrix_and_the_mutants_are_not_run_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*RUNS])
    assert end.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
