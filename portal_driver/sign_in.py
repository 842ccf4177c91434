"""From the home page to the company's data: one card, one PIN, one try (guide, part 一)."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone

from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import CardRead, NeedPin, NoPin, Reason, SignedIn
from portal_driver.control import CardControl, check_card
from portal_driver.errors import DriverError, PageChanged, PersonNeeded, PortalUnavailable, SignInRefused
from portal_driver.evidence import Scrubber
from portal_driver.finding import View
from portal_driver.pages import CompanyPage, SignInForm, SignInPage
from portal_driver.portal import Portal
from portal_driver.sitting import Sitting

# The portal's clock decides whether a certificate has expired.
_BEIJING = timezone(timedelta(hours=8))


async def identify_card(sitting: Sitting) -> None:
    """Tell whose card is in the reader; it is the plan's and valid, or the run ends here, before any PIN."""
    card = await _read_card(sitting)
    sitting.starter.tell(card)
    _check_card(sitting, card)


async def _read_card(sitting: Sitting) -> CardRead:
    async with CardControl.at(sitting.plan.control, timeout_s=sitting.profile.limits.control_s) as control:
        return await control.read_card(may_be_silent=sitting.plan.card.is_said)


def _check_card(sitting: Sitting, card: CardRead) -> None:
    check_card(card, sitting.plan.card, today=datetime.now(_BEIJING).date())


async def sign_in(sitting: Sitting) -> CompanyPage:
    """Sign in with the card and its PIN; the company that the portal shows is the plan's."""
    page = await _open_sign_in(sitting)
    form = await page.choose_card()
    answer = await sitting.starter.need_pin(NeedPin(sitting.plan.card.number))
    if isinstance(answer, NoPin):
        raise PersonNeeded(Reason.PIN_MISSING, card=sitting.plan.card.number)
    sitting.scrubber.add(answer.pin)
    # A person may have taken minutes to type it: the right PIN on another card is a wrong try there.
    try:
        _check_card(sitting, await _read_card(sitting))
    except DriverError as error:
        error.pin_untouched = True
        raise
    await try_once(sitting.portal, form, answer.pin, sitting.scrubber)
    company_page = await _open_company(sitting.portal)
    sitting.portal.has_come_in(company_page.view)
    await _check_company(sitting, company_page)
    return company_page


async def _open_sign_in(sitting: Sitting) -> SignInPage:
    """The sign-in page: by the profile's shortcut if that works, else by the words from the home page."""
    portal, shortcut = sitting.portal, sitting.profile.addresses.sign_in
    if shortcut:
        with contextlib.suppress(PortalUnavailable, PageChanged):
            await portal.open(shortcut)
            return await portal.reach(SignInPage)
    await portal.open(sitting.plan.portal)
    return await portal.follow(sitting.profile.menu.to_sign_in, SignInPage)


async def try_once(portal: Portal, form: SignInForm, pin: str, scrubber: Scrubber) -> None:
    """Sign in, once. Whatever else follows a typed PIN is `SignInRefused`, never a second try."""
    # What the page says beforehand ("输错五次将被锁定") is no answer to the PIN.
    before = await portal.look()
    said_before = frozenset(_lines(before.text))

    def result_in(view: View) -> SignInRefused | bool | None:
        return _result(portal, scrubber, view, said_before)

    try:
        await form.type_pin(pin, before=before)
        result = await portal.wait_for(result_in, portal.profile.company.title, patient=True)
    except DriverError as error:
        raise SignInRefused(Reason.SIGN_IN_UNCLEAR, **error.detail) from None
    except PlaywrightError as error:
        # Its message quotes what was typed.
        raise SignInRefused(Reason.SIGN_IN_UNCLEAR, error=type(error).__name__) from None
    if isinstance(result, SignInRefused):
        raise result


async def _open_company(portal: Portal) -> CompanyPage:
    """The company's data; a sign-in that is asked for again before it is nobody's to repeat."""
    try:
        return await portal.follow([portal.profile.company.title], CompanyPage)
    except PageChanged as error:
        view = await portal.look()
        if view.asks_for_pin or SignInPage.shown_in(view, portal.profile):
            raise SignInRefused(Reason.SIGN_IN_UNCLEAR, **error.detail) from None
        raise


def _result(
    portal: Portal, scrubber: Scrubber, view: View, said_before: frozenset[str]
) -> SignInRefused | bool | None:
    """What the sign-in came to, or None while nothing can be told."""
    words = portal.profile.sign_in
    if not (view.asks_for_pin or SignInPage.shown_in(view, portal.profile)):
        company = portal.profile.company
        is_in = view.has_press(company.title) or view.has_press(company.onward)
        return is_in or CompanyPage.shown_in(view, portal.profile) or None
    new = [line for line in _lines(view.text) if line not in said_before]
    text = "\n".join([*new, *portal.dialogs])
    for reason, said in (
        (Reason.CARD_LOCKED, words.card_locked),
        (Reason.PIN_REFUSED, words.pin_refused),
        (Reason.SIGN_IN_UNCLEAR, words.card_trouble),
    ):
        line = _line_with(text, said)
        if line:
            return SignInRefused(reason, seen=scrubber.clean(line))
    return None


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _line_with(text: str, words: tuple[str, ...]) -> str:
    return next((line.strip() for line in text.split("\n") if any(word in line for word in words)), "")


async def _check_company(sitting: Sitting, page: CompanyPage) -> None:
    shown = page.company()
    sitting.starter.tell(SignedIn(shown.name, shown.uscc))
    await sitting.keep(page.name, page.view, None)
    sitting.compare(shown)
