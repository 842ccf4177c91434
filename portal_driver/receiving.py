"""The approved policy: download it, check it, acknowledge it (guide, part 四)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from playwright.async_api import Error as PlaywrightError

from portal_driver.clicking import press_once
from portal_driver.contract import Click, PolicyRead, Reason, StageBegun
from portal_driver.errors import PageChanged, PortalUnavailable
from portal_driver.finding import Press, View
from portal_driver.gate import Token
from portal_driver.lists import Listed, PoliciesPage
from portal_driver.pages import PolicyPage, Screen, period_in
from portal_driver.policy_file import check_policy_file
from portal_driver.profile import Words
from portal_driver.reading import read_list
from portal_driver.sitting import Sitting

# A download that a page makes of a document comes at once after it.
_DOWNLOAD_FOLLOWS_S = 1.0


@dataclass(frozen=True)
class Place:
    """Where a policy's buttons are: on a page of its own, or in its entry of the list."""

    sitting: Sitting
    policy: Listed
    screen: Screen

    @property
    def is_own_page(self) -> bool:
        """Whether the policy has a page of its own."""
        return isinstance(self.screen, PolicyPage)

    def button_in(self, view: View, words: Words) -> Press | None:
        """What says the words for this policy and no other."""
        if self.is_own_page:
            return view.press(words)
        entry = _entry(self.sitting, view)
        return view.press(words, within=entry.region) if entry else None

    def is_acknowledged(self, view: View) -> bool:
        """Whether this policy reads 已收悉."""
        return PoliciesPage.is_acknowledged(view, self.sitting.profile, self.policy.number)


async def receive(sitting: Sitting, policy: Listed) -> None:
    """Store the policy and acknowledge it (收悉), unless it is acknowledged already."""
    sitting.starter.tell(StageBegun(Click.RECEIPT.stage))
    place = await _open(sitting, policy)
    await _store(place)
    if place.is_acknowledged(place.screen.view):
        await sitting.keep(place.screen.name, place.screen.view, Click.RECEIPT.stage)
        return
    words = sitting.profile.lists.receipt
    view = await press_once(
        sitting,
        Click.RECEIPT,
        place.screen,
        words,
        lambda token: _acknowledged(place, token),
        button_in=lambda view: place.button_in(view, words),
    )
    await sitting.keep("policy_acknowledged", view, Click.RECEIPT.stage)


async def _acknowledged(place: Place, token: Token) -> tuple[View, str]:
    """What shows that 收悉 took effect: the policy's page, or else its entry in a list that is read anew."""
    sitting, policy = place.sitting, place.policy
    words = sitting.profile.lists.acknowledged
    try:
        view = await sitting.portal.wait_for(
            lambda view: view if place.is_acknowledged(view) else None, words, token=token
        )
    except PageChanged:
        listing = await read_list(sitting, [sitting.profile.menu.policies], PoliciesPage)
        if not place.is_acknowledged(listing.view):
            raise
        view = listing.view
    return view, f"{policy.number} {words[0]}"


def _entry(sitting: Sitting, view: View) -> Listed | None:
    listing = PoliciesPage.listing(view, sitting.profile, sitting.plan.year)
    return listing.this_year if listing else None


async def _open(sitting: Sitting, policy: Listed) -> Place:
    """Press 查看 in the policy's entry; the page that opens is that policy's.

    Where the entry has the buttons itself, 查看 only shows the policy: it is looked at and put away.
    """
    words = sitting.profile.lists
    listed = Place(sitting, policy, PoliciesPage(sitting.portal, await sitting.portal.glance()))
    if listed.button_in(listed.screen.view, words.download):
        await _look_at(listed)
        return Place(sitting, policy, PoliciesPage(sitting.portal, await sitting.portal.look()))
    await sitting.portal.press(words.view, lambda view: listed.button_in(view, words.view))
    page = await sitting.portal.reach(PolicyPage)
    sitting.check_company(page.view.text)
    if page.number() != policy.number:
        raise PageChanged(expected=policy.number, seen=page.number())
    return Place(sitting, policy, page)


async def _look_at(listed: Place) -> None:
    """Open the policy from the list, as the guide has it before 收悉, and come back to the list."""
    portal, profile = listed.sitting.portal, listed.sitting.profile
    view = await portal.look()
    button = listed.button_in(view, profile.lists.view)
    if button is None:
        return
    words = profile.lists.view
    await portal.press(words, lambda view: listed.button_in(view, words))
    shown = await portal.rest()
    await listed.sitting.keep("policy", shown, Click.RECEIPT.stage)
    if shown.page is not view.page:
        await shown.page.close()
    else:
        await portal.close_top_layer(profile.pending.close_application)
    await read_list(listed.sitting, [profile.menu.policies], PoliciesPage)


async def _store(place: Place) -> None:
    sitting, policy, screen = place.sitting, place.policy, place.screen
    content = await _download(place)
    await asyncio.to_thread(check_policy_file, content, company=sitting.plan.company, number=policy.number)
    kept = sitting.evidence.keep_policy(content, stage=Click.RECEIPT.stage)
    on_page = screen if isinstance(screen, PolicyPage) else None
    period = on_page.period() if on_page and any(on_page.period()) else period_in(policy.period)
    insurer = on_page.insurer() if on_page else ""
    sitting.starter.tell(PolicyRead(policy.number, *period, insurer, kept.file, kept.sha256, kept.size))


async def _download(place: Place) -> bytes:
    """The file behind 下载, shown or saved. Raises `PortalUnavailable` when none comes or it breaks off."""
    portal, words = place.sitting.portal, place.sitting.profile.lists.download
    before = portal.tabs()
    await portal.press(words, lambda view: place.button_in(view, words))
    try:
        async with asyncio.timeout(place.sitting.profile.limits.page_s):
            content = await portal.movement.file(_DOWNLOAD_FOLLOWS_S)
    except (TimeoutError, PlaywrightError, OSError):
        raise PortalUnavailable(
            Reason.POLICY_FILE_BROKEN, seen="the download did not come or broke off"
        ) from None
    for tab in portal.tabs():
        if tab not in before:  # opened for the file alone, it would hide the policy's page
            await tab.close()
    return content
