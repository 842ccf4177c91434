"""The story of one sitting: read where the portal is, do what is left, end with what was read."""

from __future__ import annotations

from portal_driver.applying import apply
from portal_driver.contract import Click, Finished, Outcome, Reason
from portal_driver.errors import PersonNeeded, PortalUnavailable, RequestRefused
from portal_driver.lists import Listed
from portal_driver.reading import Whereabouts, read_whereabouts
from portal_driver.receiving import receive
from portal_driver.sign_in import identify_card, sign_in
from portal_driver.sitting import Sitting
from portal_driver.words import mentions


async def renew(sitting: Sitting) -> Finished:
    """Take the plan's company as far as the portal lets it go today.

    Every run begins by reading and does only what is left, so it may be repeated at any time.
    Raises `DriverError` for every other end, `StopBefore` where the plan stops it.
    """
    await identify_card(sitting)
    await sign_in(sitting)
    done_here: frozenset[Click] = frozenset()
    while True:
        whereabouts = await read_whereabouts(sitting, done_here)
        sitting.starter.tell(whereabouts.reading(sitting.profile.lists.acknowledged))
        if whereabouts.policy.this_year is not None:
            await receive(sitting, whereabouts.policy.this_year)
            return Finished(Outcome.COMPLETE)
        if whereabouts.application.this_year is not None and whereabouts.step is None:
            return await _submitted(sitting, whereabouts.application.this_year)
        if whereabouts.step is None or whereabouts.stands_where_it_stood:
            raise _nothing_to_do(sitting, whereabouts)
        done_here |= await apply(sitting, whereabouts.step)


async def _submitted(sitting: Sitting, application: Listed) -> Finished:
    """The application is listed: keep the proof, and say how it stands."""
    if said := mentions(application.state, sitting.profile.lists.returned):
        raise RequestRefused(
            Reason.APPLICATION_RETURNED, application=application.number, state=said, reason=application.reason
        )
    return Finished(Outcome.SUBMITTED, None, {"application": application.number, "state": application.state})


def _nothing_to_do(sitting: Sitting, whereabouts: Whereabouts) -> Exception:
    """Why there is neither an application nor a way to one."""
    if whereabouts.done_here:
        return PortalUnavailable(Reason.PORTAL_UNAVAILABLE, seen="the application is not listed yet")
    if not whereabouts.application.is_complete:
        return PortalUnavailable(Reason.PORTAL_UNAVAILABLE, seen="the list of applications is incomplete")
    return PersonNeeded(
        Reason.NO_PENDING_POLICY,
        expected=sitting.profile.pending.banner[0],
        seen="no banner and no application",
    )
