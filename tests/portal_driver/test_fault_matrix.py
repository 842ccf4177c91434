"""Every fault at every screen (`fault_table.py`): what follows, and never a request or a PIN too many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Playwright

from portal_driver.contract import Arm, Fired, NeedPin, Outcome
from portal_driver.profile import Profile, load_profile
from portal_driver.run import run
from portal_driver.simulator.companies import Company
from portal_driver.simulator.faults import Kind, Screen
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from tests.portal_driver.desk import DESK, YEAR, Desk, Staff
from tests.portal_driver.fault_table import DEEDS, STORIES, Cell, Clicks, Story

pytestmark = pytest.mark.browser

READING_S = 0.1
# A patience that a cell waits out, and that no other page of its sitting comes near.
SHORT_S, SHORT_PAGE_S = 3.0, 5.0
_UNTIL_CLEARED_S = 600.0
_EFFECT_WITHIN_S = 10.0

Portals = Callable[[str, float | None], Simulator]


@pytest.fixture(scope="module")
def portals(companies: tuple[Company, ...]) -> Iterator[Portals]:
    """The simulator in a skin, started when it is first asked for."""
    started: dict[tuple[str, float | None], Simulator] = {}
    with ExitStack() as stack:

        def portal(skin: str, approve_after_s: float | None) -> Simulator:
            if (skin, approve_after_s) not in started:
                settings = Settings(
                    year=YEAR,
                    skin=skin,
                    desks=2,
                    approve_after_s=approve_after_s,
                    read_seconds=READING_S,
                )
                started[skin, approve_after_s] = stack.enter_context(Simulator(companies, settings))
            return started[skin, approve_after_s]

        yield portal


@dataclass
class Sittings:
    """One company at one desk, sitting after sitting."""

    desk: Desk
    company: Company

    async def under(self, cell: Cell) -> Cell:
        """Sit under the cell's fault; returns the cell as it turned out."""
        portal = self.desk.portal
        # Set before anything is asked of the portal: it may be the insurer's decision that is due.
        fault = portal.fault(cell.kind, screen=cell.screen, **_timed(cell))
        before, tries = self.desk.clicks(self.company), self.desk.pin_tries_spent(self.company)
        outcome, reason, staff = await self.sit(_patience(cell))
        clicks = _difference(before, self.desk.clicks(self.company))
        pins = self.desk.pin_tries_spent(self.company) - tries
        portal.clear_faults()
        if cell.kind in (Kind.DONE_LATE, Kind.SLOW):
            clicks = await self._once_done(before, cell.clicks)
        armed = [event.click.value for event in staff.heard(Arm)]
        fired = [event.click.value for event in staff.heard(Fired)]
        assert len(staff.heard(NeedPin)) <= 1
        # Whatever reached the portal was armed, told, and sent once.
        assert fired == [deed for deed in DEEDS for _ in range(clicks.get(deed, (0, 0))[0])]
        return replace(
            cell,
            strikes=frozenset(fault.struck),
            outcome=outcome,
            reason=reason,
            clicks=clicks,
            pins=pins,
            tried=tuple(click for click in armed if click not in fired),
        )

    async def sit(self, profile: Profile) -> tuple[Outcome, Any, Staff]:
        """One sitting to its end."""
        portal, staff = self.desk.portal, Staff(self.company.card.pin)
        portal.insert(DESK, self.company.card.number)
        plan = self.desk.plan(self.company)
        directory = self.desk.directory / f"browser-{self.desk.runs}"
        directory.mkdir()
        finished = await run(plan, profile, staff, self.desk.playwright, directory)
        return finished.outcome, finished.reason, staff

    async def _once_done(self, before: Clicks, expected: Clicks) -> Clicks:
        """The clicks once the portal has done what it was late with."""
        give_up_at = time.monotonic() + _EFFECT_WITHIN_S
        while True:
            clicks = _difference(before, self.desk.clicks(self.company))
            if clicks == expected or time.monotonic() > give_up_at:
                return clicks
            await asyncio.sleep(0.05)


NOTHING: Clicks = dict.fromkeys(DEEDS, (0, 0))


def _difference(before: Clicks, after: Clicks) -> Clicks:
    changes = {deed: (after[deed][0] - before[deed][0], after[deed][1] - before[deed][1]) for deed in DEEDS}
    return {deed: change for deed, change in changes.items() if change != (0, 0)}


def _timed(cell: Cell) -> dict[str, Any]:
    """The fault's other fields; what is slow is slow until the fault is cleared."""
    seconds = {Kind.SLOW: _UNTIL_CLEARED_S, Kind.DONE_LATE: 0.3}
    return {"seconds": seconds[cell.kind], **cell.more} if cell.kind in seconds else dict(cell.more)


def _patience(cell: Cell | None = None) -> Profile:
    """This year's profile, with as little patience as the cell needs."""
    profile = load_profile("2024")
    limits = replace(
        profile.limits, reading_s=READING_S, settled_s=1.0, quiet_s=0.3, page_s=15.0, answer_s=5.0
    )
    if cell is None:
        return replace(profile, limits=limits)
    if cell.kind is Kind.SLOW and _is_deed(cell.screen):
        limits = replace(limits, answer_s=SHORT_S)
    elif cell.kind is Kind.SLOW or _is_waited_out(cell):
        limits = replace(limits, page_s=SHORT_PAGE_S)
    elif cell.kind is Kind.CONFIRM_DIALOG:
        limits = replace(limits, press_s=SHORT_S)
    return replace(profile, limits=limits)


def _is_waited_out(cell: Cell) -> bool:
    """Whether the driver waits for the company to show, as it does after a PIN, until the time is up."""
    is_rest = cell.kind in (Kind.SESSION_LOST, Kind.UNKNOWN_PAGE)
    return is_rest and cell.screen in (Screen.WORKSPACE, Screen.COMPANY)


def _is_deed(screen: Screen | None) -> bool:
    return screen in (*(Screen(deed) for deed in DEEDS), Screen.FINISH)


def _as_parameter(story: Story) -> Any:
    return pytest.param(story, id=story.name, marks=() if story.is_daily else pytest.mark.long)


@pytest.mark.parametrize("story", [_as_parameter(story) for story in STORIES])
async def test_what_a_fault_must_lead_to_and_that_the_next_sitting_ends_well(
    story: Story,
    portals: Portals,
    playwright: Playwright,
    by_name: Callable[[str], Company],
    tmp_path: Path,
):
    portal = portals(story.skin, story.approve_after_s)
    portal.reset()
    company = by_name("广州市南粤纺织有限公司" if story.first_time else "广州市宏达贸易有限公司")
    portal.put(company.uscc, story.step)
    if story.approved:
        portal.approve(company.uscc)
    sittings = Sittings(Desk(portal, _patience(), tmp_path, playwright), company)

    seen = [await sittings.under(cell) for cell in story.cells]
    end, _, _ = await sittings.sit(_patience())

    assert seen == list(story.cells)
    assert (end, _difference(NOTHING, sittings.desk.clicks(company))) == (story.end, story.total)
