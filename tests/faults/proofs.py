"""For each guard of the engine a short scenario that holds with it and does not hold without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from portal_driver.contract import Click
from tests.faults.campaign import Campaign, Fault, campaign
from tests.faults.oracles import violations
from tests.faults.portal import Trouble


def a_lost_answer(played: Campaign) -> None:
    """The portal does it and the connection breaks."""
    played.sit(played.companies[0], Fault(trouble=Trouble("answer_lost", Click.CONFIRM)))


def done_late(played: Campaign) -> None:
    """The portal does it late: the first reading does not show it yet."""
    [company] = played.companies
    played.sit(company, Fault(trouble=Trouble("late", Click.CONFIRM)))
    played.let_time_pass(at_the_portal=False)
    played.sit(company)


def a_worker_that_slept(played: Campaign) -> None:
    """A worker sleeps before it writes down an intent; another does the work; it wakes up."""
    played.with_a_sleeper(played.companies[0], Fault("arm_unheard", "stop", Click.CONFIRM))


def a_driver_that_slept(played: Campaign) -> None:
    """A driver sleeps with its finger on the button; another does the work; it wakes up."""
    played.with_a_sleeper(played.companies[0], Fault(driver=f"stop=driver_pressing&click={Click.CONFIRM}"))


def a_killed_worker(played: Campaign) -> None:
    """A worker is killed with a renewal in its hands."""
    [company] = played.companies
    played.sit(company, Fault("claimed", "kill"))
    played.let_time_pass()
    played.sweep()


PROOFS: dict[str, Callable[[Campaign], None]] = {
    "gate": a_lost_answer,
    "look first": done_late,
    "second reading": done_late,
    "epoch": a_worker_that_slept,
    "fence": a_driver_that_slept,
    "sweep": a_killed_worker,
}


def holds(guard: str, directory: Path, *, without: bool) -> list[str]:
    """What does not hold after the guard's scenario, with the guard or without it."""
    with campaign(directory, mutant=guard if without else "") as played:
        PROOFS[guard](played)
        return violations(played, at_the_end=False)
