"""The watch sees cards come and go, and keeps away from the control while a run uses it."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_driver.card_lock import alone_with_card, looking_at_card
from portal_driver.card_watch import ATTENDED_S, LONGEST_PAUSE_S, SOON_S, CardWatch, Look, Sight, pause_s
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

RUN = """
import sys
from portal_driver.card_lock import alone_with_card
with alone_with_card(sys.argv[1]):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
async def watch(portal: Simulator) -> AsyncIterator[CardWatch]:
    async with CardWatch(portal.controls[0], every_s=0.01) as watching:
        yield watching


@pytest.fixture
def run(portal: Simulator) -> Iterator[subprocess.Popen[str]]:
    """A run at the first desk's control, in a process of its own: it ends when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, portal.controls[0]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "has it\n"
    yield process
    process.kill()
    process.communicate()


async def test_it_sees_a_card_come_and_go(watch: CardWatch, portal: Simulator, hongda: Company):
    looks = [await watch.look()]
    portal.insert(1, hongda.card.number)
    looks += [await watch.look(), await watch.look()]
    portal.remove(1)
    looks.append(await watch.look())

    there = Look(Sight.CARD_IN, hongda.card.number)
    assert looks == [Look(Sight.CARD_OUT), there, there, Look(Sight.CARD_OUT)]


async def test_it_goes_on_looking(watch: CardWatch, portal: Simulator, hongda: Company):
    """A card that goes in between two looks is there at one of the next."""
    seen = []
    async for look in watch:
        seen.append(look.sight)
        if look.sight is Sight.CARD_IN:
            break
        portal.insert(1, hongda.card.number)

    assert seen == [Sight.CARD_OUT, Sight.CARD_IN]


async def test_while_cards_are_changed_it_looks_sooner_than_it_was_told_to(
    portal: Simulator, hongda: Company
):
    """Else this would take an hour."""
    async with CardWatch(portal.controls[0], every_s=3600) as watch:
        looks = aiter(watch)
        assert (await anext(looks)).sight is Sight.CARD_OUT
        portal.insert(1, hongda.card.number)
        async with asyncio.timeout(60):
            assert (await anext(looks)).sight is Sight.CARD_IN


async def test_while_a_run_lives_nothing_is_asked(
    watch: CardWatch, run: subprocess.Popen[str], portal: Simulator, hongda: Company
):
    portal.insert(1, hongda.card.number)
    during = await watch.look()
    run.kill()
    run.wait()

    assert (during, await watch.look()) == (Look(Sight.IN_USE), Look(Sight.CARD_IN, hongda.card.number))


async def test_the_connection_is_given_up_for_a_run(watch: CardWatch, portal: Simulator):
    await watch.look()
    with alone_with_card(portal.controls[0]):
        await watch.look()
        assert watch._connection is None


def test_a_run_waits_for_the_end_of_a_look(portal: Simulator):
    """It takes the control over once the look is over, and does not end the watcher for it."""
    process = None
    with looking_at_card(portal.controls[0]) as may:
        assert may
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, portal.controls[0]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert process.stdout is not None
    assert process.stdout.readline() == "has it\n"
    with looking_at_card(portal.controls[0]) as may:
        assert not may
    process.kill()
    process.communicate()


async def test_a_caller_that_knows_of_a_sitting_keeps_it_away(portal: Simulator, hongda: Company):
    answers = itertools.cycle([False, True])

    async def may_look() -> bool:
        return next(answers)

    portal.insert(1, hongda.card.number)
    async with CardWatch(portal.controls[0], may_look=may_look) as watching:
        looks = [await watching.look(), await watching.look()]

    assert looks == [Look(Sight.IN_USE), Look(Sight.CARD_IN, hongda.card.number)]


async def test_a_control_that_comes_back_is_taken_up_again(portal: Simulator, hongda: Company):
    portal.insert(1, hongda.card.number)
    portal.fault("control_missing", hongda.uscc, times=2)
    async with CardWatch(portal.controls[0], every_s=0.01) as watching:
        async with asyncio.timeout(10):
            looks = [look.sight async for look in _until_in(watching)]

    assert looks == [Sight.UNREACHABLE, Sight.UNREACHABLE, Sight.CARD_IN]


async def _until_in(watching: CardWatch) -> AsyncIterator[Look]:
    async for look in watching:
        yield look
        if look.sight is Sight.CARD_IN:
            return


@given(failures=st.integers(1, 100), every_s=st.floats(0.1, 10))
def test_pauses_grow_to_a_minute_and_differ(failures: int, every_s: float):
    longest = min(every_s * 2**failures, LONGEST_PAUSE_S)
    assert longest / 2 <= pause_s(failures, every_s, same_for_s=0.0) <= longest


@pytest.mark.parametrize(
    ("every_s", "same_for_s", "pause"),
    [
        (1.0, ATTENDED_S, 1.0),
        (1.0, ATTENDED_S - 1, SOON_S),  # somebody stands there
        (0.01, 0.0, 0.01),
    ],
)
def test_where_somebody_has_just_moved_a_card_it_looks_again_soon(
    every_s: float, same_for_s: float, pause: float
):
    assert pause_s(0, every_s, same_for_s=same_for_s) == pause
