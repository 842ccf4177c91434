"""A browser, a portal (the simulator) and somebody who starts the driver and answers it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, async_playwright

from portal_driver.browser import find_browser
from portal_driver.profile import PROFILES, Profile, load_profile
from portal_driver.simulator.companies import Company, read_companies
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from tests.portal_driver.desk import Desk

SAMPLE = Path(__file__).parents[2] / "samples" / "season.json"
# The portal's ten seconds, shortened on both sides: the simulator still enforces them.
READING_S = 0.3


@pytest.fixture(scope="session")
def companies() -> tuple[Company, ...]:
    return read_companies(SAMPLE, today=date.today())  # noqa: DTZ011  (as the simulator's own command does)


@pytest.fixture(scope="session")
def by_name(companies: tuple[Company, ...]) -> Callable[[str], Company]:
    return lambda name: next(company for company in companies if company.name == name)


@pytest.fixture
def hongda(by_name: Callable[[str], Company]) -> Company:
    """A company that has authorised in an earlier year."""
    return by_name("广州市宏达贸易有限公司")


@pytest.fixture
def nanyue(by_name: Callable[[str], Company]) -> Company:
    """A company that renews for the first time."""
    return by_name("广州市南粤纺织有限公司")


@pytest.fixture(scope="session")
def running_portal(companies: tuple[Company, ...]) -> Iterator[Simulator]:
    """One simulator for all these tests. Two desks, so that its sign-in page looks for the usual address."""
    settings = Settings(year=2026, desks=2, approve_after_s=None, read_seconds=READING_S)
    with Simulator(companies, settings) as simulator:
        yield simulator


@pytest.fixture
def portal(running_portal: Simulator) -> Simulator:
    """The simulator, as new."""
    running_portal.reset()
    return running_portal


@pytest.fixture
def profile() -> Profile:
    """This year's profile, with a short reading time and little patience."""
    profile = load_profile("2024")
    limits = replace(profile.limits, reading_s=READING_S, settled_s=1.0, page_s=15.0, answer_s=5.0)
    return replace(profile, limits=limits)


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    """The same as a file, for a driver in a process of its own."""
    text = (PROFILES / "2024.toml").read_text(encoding="utf-8")
    for key, seconds in {"reading_s": READING_S, "settled_s": 1.0, "page_s": 15.0, "answer_s": 5.0}.items():
        text = re.sub(rf"^{key} = \d+", f"{key} = {seconds}", text, flags=re.MULTILINE)
    file = tmp_path / "fast.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def desk(portal: Simulator, profile: Profile, tmp_path: Path, playwright: Playwright) -> Desk:
    """A desk at which a card is inserted and the driver is run."""
    return Desk(portal, profile, tmp_path, playwright)


@pytest_asyncio.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """One Playwright for all of them."""
    async with async_playwright() as playwright:
        yield playwright


@pytest_asyncio.fixture(scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """One browser for the tests that only look at small pages."""
    async with _launched(playwright) as browser:
        yield browser


@pytest_asyncio.fixture
async def browser_of_its_own(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser for one test: a gate stands before all of it, for as long as it lives."""
    async with _launched(playwright) as browser:
        yield browser


@contextlib.asynccontextmanager
async def _launched(playwright: Playwright) -> AsyncIterator[Browser]:
    browser = await playwright.chromium.launch(executable_path=find_browser().executable)
    yield browser
    await browser.close()


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh page in a context of its own."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()
