"""The guide walked by a person in a real browser, on every skin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import BrowserContext, async_playwright

from portal_driver.browser import find_browser
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings, beijing_now
from portal_driver.simulator.skin import skin_names

from .conftest import NEW_YEAR
from .person import Person, apply, receive, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=skin_names())
def skinned(request: pytest.FixtureRequest, companies: tuple[Company, ...]) -> Iterator[Simulator]:
    settings = Settings(year=2026, skin=request.param, read_seconds=0.5, approve_after_s=None)
    ahead = beijing_now() - NEW_YEAR
    with Simulator(companies, settings, clock=lambda: beijing_now() - ahead) as running:
        yield running


@pytest.fixture
def sim(skinned: Simulator) -> Simulator:
    skinned.reset()
    return skinned


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable)
        yield await browser.new_context()
        await browser.close()


async def test_a_person_gets_from_the_home_page_to_receipt(
    sim: Simulator, context: BrowserContext, nanyue: Company
):
    seen: list[str] = []

    async def saw(screen: str) -> None:
        await person.see("仿真环境")
        seen.append(screen)

    person = Person(context)
    sim.insert(1, nanyue.card.number)
    await sign_in(person, sim.portal, nanyue, saw)
    await apply(person, nanyue, saw)
    sim.approve(nanyue.uscc)
    await receive(person, saw)

    state = sim.state()["companies"][nanyue.uscc]
    once = {"received": 1, "took_effect": 1}
    assert state["clicks"] == dict.fromkeys(("confirm", "seal", "sign", "authorize", "receipt"), once)
    assert state["policy"]["received"] is True
    assert seen == [
        "home", "sign_in", "pin", "company", "pending_banner", "pending_policy", "application", "sealing",
        "signing", "authorizing", "finishing", "submitted", "applications", "policies", "policy",
        "policy_acknowledged",
    ]  # fmt: skip
