"""The table of faults is whole: each fault at each screen where it can happen, or why it cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from portal_driver.simulator.faults import Kind, Screen
from tests.portal_driver.fault_table import CANNOT, STORIES, Pair, Story, covered, daily_gaps, gaps


def test_each_fault_is_told_at_each_screen_where_it_can_happen():
    assert gaps(STORIES) == set()


def test_a_pair_that_cannot_happen_has_one_reason():
    reasons = Counter(pair for pairs in CANNOT.values() for pair in pairs)
    assert [pair for pair, count in reasons.items() if count > 1] == []


def test_stories_have_names_of_their_own():
    names = Counter(story.name for story in STORIES)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("pair", sorted(covered(STORIES)), ids=" at ".join)
def test_a_pair_that_is_dropped_from_the_table_is_missed(pair: Pair):
    assert gaps(_without(pair)) == {pair}


@pytest.mark.parametrize("pair", sorted(set().union(*CANNOT.values()))[::20], ids=" at ".join)
def test_a_pair_that_is_told_although_it_cannot_happen_is_noticed(pair: Pair):
    kind, screen = pair
    told = replace(STORIES[0].cells[0], kind=kind, strikes=frozenset([screen]))
    assert gaps([*STORIES, replace(STORIES[0], cells=(told,))]) == {pair}


def test_every_day_tells_each_kind_and_each_screen():
    assert daily_gaps(STORIES) == set()


@pytest.mark.parametrize("one", [*Kind, *Screen])
def test_a_kind_or_screen_that_every_day_leaves_out_is_missed(one: Kind | Screen):
    pairs = [pair for pair in covered(STORIES) if one in pair]
    assert one in daily_gaps(_without(*pairs))


def _without(*pairs: Pair) -> list[Story]:
    """The stories without what they tell of these pairs."""
    return [
        replace(
            story,
            cells=tuple(
                replace(cell, strikes=frozenset(at for at in cell.strikes if (cell.kind, at) not in pairs))
                for cell in story.cells
            ),
        )
        for story in STORIES
    ]
