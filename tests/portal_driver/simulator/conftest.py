"""A running simulator, a clock that the tests move, and companies of the sample season."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from portal_driver.simulator.companies import Company, read_companies
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import BEIJING, Settings

from .visitor import Visitor

SAMPLE = Path(__file__).parents[3] / "samples" / "season.json"
NEW_YEAR = datetime(2026, 3, 1, 9, 0, tzinfo=BEIJING)


class Clock:
    """The server's clock; stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NEW_YEAR

    def __call__(self) -> datetime:
        return self.now

    def advance(self, *, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def companies() -> tuple[Company, ...]:
    return read_companies(SAMPLE, today=NEW_YEAR.date())


@pytest.fixture(scope="session")
def hongda(companies: tuple[Company, ...]) -> Company:
    """A company that has authorised in an earlier year."""
    return next(company for company in companies if company.name == "广州市宏达贸易有限公司")


@pytest.fixture(scope="session")
def nanyue(companies: tuple[Company, ...]) -> Company:
    """A company that renews for the first time."""
    return next(company for company in companies if company.name == "广州市南粤纺织有限公司")


@pytest.fixture(scope="session")
def server(companies: tuple[Company, ...]) -> Iterator[tuple[Simulator, Clock]]:
    """One simulator for all these tests; each finds it as new through `sim`."""
    clock = Clock()
    with Simulator(companies, Settings(year=2026, desks=2, approve_after_s=60), clock=clock) as running:
        yield running, clock


@pytest.fixture
def clock(server: tuple[Simulator, Clock]) -> Clock:
    clock = server[1]
    clock.now = NEW_YEAR
    return clock


@pytest.fixture
def sim(server: tuple[Simulator, Clock], clock: Clock) -> Simulator:
    server[0].reset()
    return server[0]


@pytest.fixture
def at_hongda(sim: Simulator, hongda: Company) -> Iterator[Visitor]:
    """Somebody of Hongda, signed in with the company's card at desk 1."""
    yield from _signed_in(sim, hongda, desk=1)


@pytest.fixture
def at_nanyue(sim: Simulator, nanyue: Company) -> Iterator[Visitor]:
    """Somebody of Nanyue, signed in with the company's card at desk 2."""
    yield from _signed_in(sim, nanyue, desk=2)


def _signed_in(sim: Simulator, company: Company, *, desk: int) -> Iterator[Visitor]:
    sim.insert(desk, company.card.number)
    with Visitor(sim, desk=desk) as visitor:
        visitor.sign_in(company.card.pin)
        yield visitor
