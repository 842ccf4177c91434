"""The same driver and the same profile words on every markup that the simulator can wear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal_driver.contract import Click, Confirmed, Finished, Fired, Outcome, PolicyRead, Standing
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from portal_driver.simulator.skin import skin_names
from tests.portal_driver.conftest import READING_S
from tests.portal_driver.desk import YEAR, Desk

pytestmark = pytest.mark.browser

ONCE, NEVER = (1, 1), (0, 0)


@pytest.fixture(scope="module", params=skin_names())
def skinned(request: pytest.FixtureRequest, companies: tuple[Company, ...]) -> Iterator[Simulator]:
    """A simulator in one of its skins."""
    settings = Settings(year=YEAR, skin=request.param, desks=2, approve_after_s=None, read_seconds=READING_S)
    with Simulator(companies, settings) as simulator:
        yield simulator


@pytest.fixture
def portal(skinned: Simulator) -> Simulator:
    skinned.reset()
    return skinned


@pytest.mark.long  # a company that comes for the first time goes this way and further, in every skin: below
async def test_a_company_that_authorised_before_is_submitted_with_one_click(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda)

    assert finished.outcome is Outcome.SUBMITTED, finished
    assert desk.clicks(hongda) == {
        "confirm": ONCE,
        "seal": NEVER,
        "sign": NEVER,
        "authorize": NEVER,
        "receipt": NEVER,
    }
    assert [event.click for event in staff.heard(Fired)] == [Click.CONFIRM]
    assert [event.click for event in staff.heard(Confirmed)] == [Click.CONFIRM]
    assert desk.pin_tries_spent(hongda) == 0


async def test_a_first_time_company_goes_all_the_way_with_one_click_each(desk: Desk, nanyue: Company):
    submitted, staff = await desk.renew(nanyue)

    assert submitted.outcome is Outcome.SUBMITTED, submitted
    first_four = [Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE]
    assert [event.click for event in staff.heard(Fired)] == first_four
    assert [event.click for event in staff.heard(Confirmed)] == first_four
    assert [staff.last_reading[click] for click in first_four] == [Standing.DONE] * 4
    assert desk.clicks(nanyue)["receipt"] == NEVER

    desk.portal.approve(nanyue.uscc)
    complete, staff = await desk.renew(nanyue)

    assert complete == Finished(Outcome.COMPLETE)
    assert desk.clicks(nanyue) == dict.fromkeys(("confirm", "seal", "sign", "authorize", "receipt"), ONCE)
    [policy] = staff.heard(PolicyRead)
    on_the_portal = desk.portal.state()["companies"][nanyue.uscc]["policy"]
    assert (policy.number, policy.valid_from, policy.valid_to) == (
        on_the_portal["number"],
        on_the_portal["valid_from"],
        on_the_portal["valid_to"],
    )
    assert on_the_portal["received"] is True
