"""Which faults are tried: every crash point, in each way, at each click; and what the portal does wrong."""

from __future__ import annotations

from collections.abc import Iterator

from portal_driver.contract import Click
from tests.faults.campaign import Fault
from tests.faults.points import DRIVER_POINTS, HOWS, MACHINES, POINTS
from tests.faults.portal import Trouble

TROUBLES_OF_A_DEED = ("answer_lost", "not_done", "late")
TROUBLES = ("down", "list_lags", "refused_pin", "pin_unclear")


def crashes(how: str, click: Click) -> Iterator[Fault]:
    """Each point at which a worker can meet this fate around this click, in the order of a run."""
    for name, point in POINTS.items():
        if point.of_click:
            yield Fault(name, how, click)
        elif _belongs_to(name, click):
            yield Fault(name, how)


def driver_deaths(click: Click) -> Iterator[Fault]:
    """Each point at which the driver can die around this click."""
    for name in DRIVER_POINTS:
        if name not in ("driver_began", "driver_has_pin"):
            yield Fault(driver=f"die={name}&click={click}")
        elif click is Click.CONFIRM:
            yield Fault(driver=f"die={name}")


def troubles(click: Click) -> Iterator[Fault]:
    """What the portal can do wrong around this click."""
    for kind in TROUBLES_OF_A_DEED:
        yield Fault(trouble=Trouble(kind, click))
    if click is Click.CONFIRM:
        for kind in TROUBLES:
            yield Fault(trouble=Trouble(kind))
    if click is Click.RECEIPT:
        yield Fault(trouble=Trouble("broken_file"))


def machines(click: Click) -> Iterator[Fault]:
    """What can be wrong with the whole machine: at the first click, and where a file is brought."""
    if click in (Click.CONFIRM, Click.RECEIPT):
        for machine in MACHINES:
            yield Fault(machine=machine)


def everything() -> list[Fault]:
    """The whole matrix."""
    faults: list[Fault] = []
    for click in Click:
        for how in HOWS:
            faults += crashes(how, click)
        faults += [*driver_deaths(click), *troubles(click), *machines(click)]
    return faults


def fitting(click: Click | None) -> list[Fault]:
    """What can go wrong in a sitting whose next click is this one, or in which nothing is pressed."""
    if click is None:
        return [fault for fault in everything() if not fault.of_click]
    return [fault for fault in everything() if fault.of_click in ("", click)]


def _belongs_to(name: str, click: Click) -> bool:
    """Points that are about no click are tried once: the policy's at the last, the rest at the first."""
    return click is (Click.RECEIPT if name.startswith("policy_") else Click.CONFIRM)
