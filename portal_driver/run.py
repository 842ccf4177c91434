"""One run from its plan to its last event: browser up, story told, everything closed again."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser, Playwright
from playwright.async_api import Error as PlaywrightError

from portal_driver.browser import FoundBrowser, control_arguments, find_browser, open_browser
from portal_driver.clicking import StopBefore
from portal_driver.contract import BadMessage, Finished, Fired, Outcome, Plan, Reason, Started, Waiting
from portal_driver.errors import (
    DriverError,
    OutcomeUnknown,
    PageChanged,
    PersonNeeded,
    PortalUnavailable,
    SignInRefused,
    StarterGone,
)
from portal_driver.evidence import EvidenceBox, Scrubber
from portal_driver.flow import renew
from portal_driver.gate import Gate
from portal_driver.portal import Portal
from portal_driver.profile import Profile
from portal_driver.sitting import Sitting
from portal_driver.starter import Starter

DRIVER = "xubao-portal-driver/1"
log = logging.getLogger(__name__)


async def run(
    plan: Plan, profile: Profile, starter: Starter, playwright: Playwright, directory: Path
) -> Finished:
    """Carry out the plan and return the last event, which is not told yet.

    `directory` takes the browser's profile; the caller wipes it. Raises only `StarterGone`.
    """
    scrubber = Scrubber()
    try:
        finished = await _carry_out(plan, profile, starter, playwright, directory, scrubber)
    except StopBefore as stop:
        finished = Finished(Outcome.STOPPED, None, {"before": str(stop.click)})
    except DriverError as error:
        finished = Finished(error.outcome, error.reason, error.detail, pin_untouched=error.pin_untouched)
    except StarterGone:
        raise
    except BadMessage as error:
        finished = Finished(Outcome.LATER, Reason.DRIVER_FAILED, {"error": str(error)})
    except Exception as error:
        # The traceback's text may quote what was typed; its places cannot.
        log.error("the driver failed: %s at %s", type(error).__name__, _places(error))
        finished = Finished(Outcome.LATER, Reason.DRIVER_FAILED, {"error": type(error).__name__})
    return replace(finished, detail={key: scrubber.clean(value) for key, value in finished.detail.items()})


async def _carry_out(
    plan: Plan,
    profile: Profile,
    starter: Starter,
    playwright: Playwright,
    directory: Path,
    scrubber: Scrubber,
) -> Finished:
    found = find_browser(plan.browser, channel=plan.channel, headless=plan.headless)
    evidence = EvidenceBox(plan.evidence, scrubber, starter.tell)
    evidence.check_writable()
    gate = Gate(
        profile.irreversible,
        answer_s=profile.limits.answer_s,
        on_fired=lambda click, digest: starter.tell(Fired(click, digest)),
    )
    arguments = control_arguments(plan.control, profile.control.page_addresses)
    async with open_browser(
        playwright, found, headless=plan.headless, directory=directory, arguments=arguments
    ) as (browser, context):
        starter.tell(Started(DRIVER, profile.name, profile.sha256, _named(found, browser)))
        await gate.guard(context)
        portal = Portal(
            context, profile, lambda waited: starter.tell(Waiting("page", waited, profile.limits.page_s))
        )
        sitting = Sitting(plan, profile, portal, gate, starter, evidence, scrubber)
        return await _unless_browser_goes(portal, gate, _told(sitting))


async def _told(sitting: Sitting) -> Finished:
    """The story, with the page kept where it ends at one that nobody expected."""
    try:
        return await renew(sitting)
    except DriverError as error:
        # A portal that is down has nothing to show; before the sign-in a person's reason lies at the desk.
        is_of_a_page = isinstance(error, PageChanged | SignInRefused | OutcomeUnknown)
        if is_of_a_page or (isinstance(error, PersonNeeded) and sitting.portal.signed_in):
            await _keep_unknown(sitting, error)
        raise


async def _keep_unknown(sitting: Sitting, error: DriverError) -> None:
    try:
        await sitting.keep_unknown(error)
    except Exception as lost:
        log.warning("the unknown page could not be kept: %s (after %s)", type(lost).__name__, error.reason)


async def _unless_browser_goes(
    portal: Portal, gate: Gate, story: Coroutine[None, None, Finished]
) -> Finished:
    """The story's end; a browser that dies under it is noticed at once, also during a long wait."""
    telling = asyncio.ensure_future(story)
    gone = asyncio.ensure_future(portal.movement.gone.wait())
    try:
        await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            raise _browser_gone(gate)
        return telling.result()
    except PlaywrightError as error:
        if portal.movement.gone.is_set():
            raise _browser_gone(gate) from None
        # Playwright's messages quote what was typed: only the kind of error is told.
        raise PortalUnavailable(Reason.DRIVER_FAILED, error=type(error).__name__) from None
    finally:
        for task in (telling, gone):
            task.cancel()
        await asyncio.gather(telling, gone, return_exceptions=True)


def _browser_gone(gate: Gate) -> DriverError:
    if gate.is_armed:
        return OutcomeUnknown(seen="the browser died")
    return PortalUnavailable(Reason.BROWSER_GONE, seen="the browser died")


def _places(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


def _named(found: FoundBrowser, browser: Browser) -> str:
    return f"{found.name} {browser.version} ({found.found_in})"
