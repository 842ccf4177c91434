"""A stamp fits exactly while the step's result and its sources are as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.stamps import Stamp


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    (tmp_path / "lock").write_text("django==6.1.3")
    return tmp_path / "lock"


@pytest.fixture
def stamp(lock: Path, tmp_path: Path) -> Stamp:
    return Stamp(tmp_path / "made", lock)


def test_a_step_that_was_never_finished_has_none(stamp: Stamp) -> None:
    assert not stamp.fits()


def test_a_finished_step_is_not_done_again(stamp: Stamp) -> None:
    stamp.set()
    assert stamp.fits()


def test_a_changed_lock_file_asks_for_the_step_again(stamp: Stamp, lock: Path) -> None:
    stamp.set()
    lock.write_text("django==6.1.4")
    assert not stamp.fits()


def test_the_stamp_goes_with_what_was_made(stamp: Stamp, tmp_path: Path) -> None:
    stamp.set()
    (tmp_path / "made").rename(tmp_path / "removed")
    assert not stamp.fits()
