"""The count of PIN tries is a count: it sees a second use, and a card that was locked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from websockets.asyncio.client import connect

from benchmarks.pins import RIGHT_PIN, WRONG_PIN, Fault, Figures, Relay, _company, measure
from portal_driver.simulator.companies import companies_from
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    companies = companies_from({"companies": [_company(1)]}, today=date.today())  # noqa: DTZ011
    with Simulator(companies, Settings(year=2026, desks=1, approve_after_s=None)) as running:
        running.insert(1, companies[0].card.number)
        yield running


async def test_each_use_of_a_pin_is_counted_at_the_card(simulator: Simulator):
    """Two wrong ones and a right one; what only asks about the card does not count."""
    relay = Relay(simulator.controls[0], simulator, 1)
    async with relay.listening(), connect(relay.address, proxy=None) as page:
        for pin in (WRONG_PIN, WRONG_PIN, RIGHT_PIN):
            await page.send(json.dumps({"_method": "ver", "_id": 1, "args": {}}))
            args = {"inData": "x", "passwd": pin}
            await page.send(json.dumps({"_method": "cus-sec_SpcSignDataAsPEM", "_id": 2, "args": args}))
        for _ in range(7):
            await page.recv()
    [company] = simulator.state()["companies"].values()
    assert (relay.uses, company["pin_tries_spent"]) == (3, 2)


def test_what_is_worse_than_one_try_shows_in_the_figures():
    figures = Figures()
    figures.add(Fault("slow"), "signed_in", authorised=1, uses=1, tries=0, locked=False)
    figures.add(Fault("wrong_pin"), "card_locked", authorised=1, uses=3, tries=3, locked=True)
    figures.add(Fault("changed"), "card_wrong", authorised=0, uses=1, tries=1, locked=False)
    assert (figures.most_uses_of_one_authorisation, figures.most_tries_of_one_authorisation) == (3, 3)
    assert (figures.lock_outs, figures.uses_without_authorisation, figures.runs) == (1, 1, 3)


@pytest.mark.browser
def test_a_short_measurement_spends_one_try_at_most():
    figures = measure(4, seed=7)
    assert figures.runs == 4
    assert figures.most_uses_of_one_authorisation <= 1
    assert (figures.lock_outs, figures.uses_without_authorisation) == (0, 0)
