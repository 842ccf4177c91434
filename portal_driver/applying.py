"""From the pending policy to the application: the first four stages (guide, parts 二 and 三)."""

from __future__ import annotations

import asyncio
import re
import time

from playwright.async_api import Page

from portal_driver.clicking import press_once
from portal_driver.contract import Click, Reason, StageBegun, Waiting
from portal_driver.errors import PageChanged, PersonNeeded
from portal_driver.finding import Press, View
from portal_driver.gate import Token
from portal_driver.lists import ApplicationsPage, Listing
from portal_driver.pages import (
    Closers,
    FinishingPage,
    PendingPage,
    Screen,
    SubmittedPage,
    close_button,
    closers,
)
from portal_driver.profile import Profile, Words
from portal_driver.reading import CLICKS_OF_STEPS, STEPS, read_list
from portal_driver.sitting import Sitting
from portal_driver.words import mentions

# The portal may open the application a moment before we see it, never after: its own clock is done first,
# but the button wakes up when the page's timer next looks.
_COUNTDOWN_ENDS_WITHIN_S = 5.0


async def apply(sitting: Sitting, step: Screen) -> frozenset[Click]:
    """Do what is left from this screen on. Returns the clicks that were seen to have taken effect."""
    seen = set(CLICKS_OF_STEPS[: STEPS.index(type(step))])
    screen: Screen | None = step
    while screen is not None and type(screen) in STEPS:
        if isinstance(screen, FinishingPage):
            screen = await _finish(sitting, screen)
            continue
        click = CLICKS_OF_STEPS[STEPS.index(type(screen))]
        sitting.starter.tell(StageBegun(click.stage))
        await _prepare(sitting, click)
        screen = await _press(sitting, click, screen)
        seen.add(click)
    if screen is not None:
        await sitting.keep(screen.name, screen.view, None)
    return frozenset(seen)


async def _prepare(sitting: Sitting, click: Click) -> None:
    """Everything on the screen that can still be undone."""
    words = sitting.profile.authorizing
    if click is Click.CONFIRM:
        await _agree(sitting, await _fill_contact(sitting))
    elif click is Click.SIGN:
        await sitting.portal.tick(words.sign_box)
    elif click is Click.AUTHORIZE:
        await sitting.portal.tick(words.authorize_box)


async def _press(sitting: Sitting, click: Click, screen: Screen) -> Screen | None:
    """Press this screen's irreversible button; returns the screen that proves its effect."""
    words: dict[Click, Words] = {
        Click.CONFIRM: sitting.profile.pending.confirm,
        Click.SEAL: sitting.profile.authorizing.make_seal,
        Click.SIGN: sitting.profile.authorizing.sign,
        Click.AUTHORIZE: sitting.profile.authorizing.authorize,
    }
    later = STEPS[STEPS.index(type(screen)) + 1 :]

    async def next_screen(token: Token) -> tuple[Screen | None, str]:
        return await _proved_by(sitting, later, token)

    return await press_once(sitting, click, screen, words[click], next_screen)


async def _finish(sitting: Sitting, page: Screen) -> Screen | None:
    """Press 确定 on the last page. Pressing it again in a later run does no harm: the list is read first."""
    await sitting.check_page(page.view)
    await sitting.keep(page.name, page.view, None)
    await sitting.portal.press(sitting.profile.authorizing.finish)
    screen, _ = await _proved_by(sitting, (), None)
    return screen


async def _proved_by(
    sitting: Sitting, later: tuple[type[Screen], ...], token: Token | None
) -> tuple[Screen | None, str]:
    """The next screen, or this year's row in 投保申请 where the portal shows a page that we do not know."""
    portal, profile, year = sitting.portal, sitting.profile, sitting.plan.year
    screens: tuple[type[Screen], ...] = (*later, SubmittedPage)

    def proof(view: View) -> tuple[Screen | None, str] | None:
        if screen := portal.recognise(view, screens):
            return screen, SubmittedPage.said_in(view, profile) or screen.words(profile)[0]
        # A list that shows by itself proves something by its row alone: it may be what was there before.
        listing = ApplicationsPage.listing(view, profile, year)
        return _listed(sitting, listing) if listing and listing.this_year else None

    try:
        return await portal.wait_for(proof, screens[0].words(profile), token=token)
    except PageChanged:
        # The page that we do not know may look like a list itself.
        await portal.come_in()
        way = [profile.company.onward, profile.menu.applications]
        listing = await read_list(sitting, way, ApplicationsPage)
        if listing.this_year is None:
            raise
        return _listed(sitting, listing)


def _listed(sitting: Sitting, listing: Listing) -> tuple[None, str]:
    number = listing.this_year.number if listing.this_year else ""
    return None, f"{sitting.profile.menu.applications[0]} {number}"


async def _fill_contact(sitting: Sitting) -> View:
    """Fill name, mobile and e-mail; returns the page as it is then.

    Raises `PersonNeeded` for what the portal would refuse (guide, 二.2).
    """
    words, contact = sitting.profile.pending, sitting.plan.contact
    if re.search(r"[-_]", contact.email):
        raise PersonNeeded(Reason.CONTACT_REFUSED, seen="the e-mail holds a hyphen or an underscore")
    view = await sitting.portal.fill(
        {
            words.contact_name: contact.name,
            words.contact_mobile: contact.mobile,
            words.contact_email: contact.email,
        }
    )
    if said := view.mentions(words.contact_refused):
        raise PersonNeeded(Reason.CONTACT_REFUSED, seen=said)
    return view


async def _agree(sitting: Sitting, pending: View) -> None:
    """Tick the box; the renewal application (续转申请单) opens: keep it, spend its full time, close it."""
    portal, profile = sitting.portal, sitting.profile
    words = profile.pending
    before, tabs = closers(pending, profile), portal.tabs()

    def opened(view: View) -> View | None:
        is_open = view.page not in tabs or close_button(view, profile, before)
        return view if view.ready and is_open else None

    await portal.tick(words.box, before=pending)
    view = await portal.wait_for(opened, words.application)
    opened_at = time.monotonic()
    sitting.check_company(_new_text(view, pending))
    await sitting.keep("application", view, Click.CONFIRM.stage)
    await sitting.keep_documents("application", Click.CONFIRM.stage)
    await _spend(sitting, opened_at, profile.limits.reading_s)
    await _close_application(sitting, pending.page, before)


def _new_text(view: View, before: View) -> str:
    """What a page says that it did not say before: of an application that lies over it, its own text."""
    said = set(before.text.split("\n"))
    return "\n".join(line for line in view.text.split("\n") if line not in said)


async def _spend(sitting: Sitting, since: float, seconds: float) -> None:
    """Let the time pass, and tell each second of it."""
    passed = 0.0
    while passed < seconds:
        passed = time.monotonic() - since
        sitting.starter.tell(Waiting("application", round(min(passed, seconds), 1), seconds))
        await asyncio.sleep(max(0.0, min(1.0, seconds - passed)))


async def _close_application(sitting: Sitting, pending: Page, before: Closers) -> None:
    """Press what closes the application once it may be pressed; a tab without such a thing is closed."""
    portal, profile = sitting.portal, sitting.profile
    words = profile.pending.close_application
    give_up_at = time.monotonic() + _COUNTDOWN_ENDS_WITHIN_S

    def ended(view: View) -> View | None:
        button = close_button(view, profile, before)
        if button is None:
            return view if view.page is not pending else None
        return view if time.monotonic() > give_up_at or not _is_counting(button, view, profile) else None

    def closed(view: View) -> bool | None:
        button = close_button(view, profile, before)
        is_open = button is not None and button.layer > 0
        return True if PendingPage.shown_in(view, profile) and not is_open else None

    view = await portal.wait_for(ended, words, patient=True)
    if close_button(view, profile, before) is None and view.page is not pending:
        await view.page.close()
    else:
        await portal.press(words, lambda view: close_button(view, profile, before), before=view)
    await portal.wait_for(closed, profile.pending.confirm)


def _is_counting(button: Press, view: View, profile: Profile) -> bool:
    """Whether the portal still counts down, beside the button or on it (关闭(3s))."""
    beside = mentions(button.inside or view.text, profile.pending.countdown)
    return bool(beside) or button.disabled or bool(re.search(r"[1-9]", button.said))
