"""Where the portal is: the lists 投保申请 (12) and 保险单 (13), and what stands behind the banner (4)."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal_driver.contract import Click, Reading, Standing
from portal_driver.errors import PageChanged
from portal_driver.finding import View
from portal_driver.lists import ApplicationsPage, Listing, ListPage, PoliciesPage
from portal_driver.pages import (
    AuthorizingPage,
    BannerPage,
    FinishingPage,
    PendingPage,
    Screen,
    SealingPage,
    SigningPage,
)
from portal_driver.portal import Portal
from portal_driver.profile import Profile, Words
from portal_driver.sitting import Sitting
from portal_driver.words import mentions, says

# In the portal's order. Each is reached only when the click before it took effect (guide, 二 and 三).
STEPS: tuple[type[Screen], ...] = (PendingPage, SealingPage, SigningPage, AuthorizingPage, FinishingPage)
CLICKS_OF_STEPS = (Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE)


@dataclass(frozen=True)
class Whereabouts:
    """What one reading found. `step` is the screen behind the banner, when there is one.

    `done_here` holds the clicks that this run itself saw take effect.
    """

    application: Listing
    policy: Listing
    step: Screen | None = None
    done_here: frozenset[Click] = field(default_factory=frozenset)

    @property
    def is_submitted(self) -> bool:
        """Whether the portal lists this year's application with nothing left to do, or already its policy."""
        is_listed = self.application.this_year is not None or self.policy.this_year is not None
        return is_listed and self.step is None

    @property
    def stands_where_it_stood(self) -> bool:
        """Whether the portal shows again a screen whose click this run saw take effect."""
        at = STEPS.index(type(self.step)) if self.step else len(STEPS)
        return bool(self.done_here.intersection(CLICKS_OF_STEPS[at:])) or (
            bool(self.done_here) and at >= len(CLICKS_OF_STEPS)
        )

    def reading(self, acknowledged: Words) -> Reading:
        """The event that tells it; `acknowledged` are the words of a policy's last state."""
        application, policy = self.application.this_year, self.policy.this_year
        receipt = Standing.NOT_DONE if self.policy.is_complete or policy else Standing.UNREAD
        if policy and says(policy.state, acknowledged):
            receipt = Standing.DONE
        return Reading(
            standings={**self._applying(), Click.RECEIPT: receipt},
            application=application.number if application else "",
            application_state=application.state if application else "",
            policy=policy.number if policy else "",
        )

    def _applying(self) -> dict[Click, Standing]:
        if self.is_submitted:
            return {click: self._once_submitted(click) for click in CLICKS_OF_STEPS}
        if self.step is not None:
            place = STEPS.index(type(self.step))
            return {
                click: Standing.DONE if at < place else Standing.NOT_DONE
                for at, click in enumerate(CLICKS_OF_STEPS)
            }
        unclear = not self.application.is_complete or bool(self.done_here)
        return dict.fromkeys(CLICKS_OF_STEPS, Standing.UNREAD if unclear else Standing.NOT_DONE)

    def _once_submitted(self, click: Click) -> Standing:
        """The list proves 确认投保; of the others it says only that the portal asks for them no more.

        They are *done* where this run saw it. Otherwise the portal passes over them now; whoever
        knows of an earlier run that did them knows better.
        """
        is_proved = click is Click.CONFIRM or click in self.done_here
        return Standing.DONE if is_proved else Standing.SKIPPED


async def read_whereabouts(sitting: Sitting, done_here: frozenset[Click]) -> Whereabouts:
    """One reading of the portal, from pages loaded for it."""
    menu, onward = sitting.profile.menu, sitting.profile.company.onward
    application = await read_list(sitting, [onward, menu.applications], ApplicationsPage)
    unread = Listing(application.view, None, is_complete=True)
    words, state = sitting.profile.lists, application.this_year.state if application.this_year else ""
    if mentions(state, words.under_review):
        # No policy comes before the insurer's decision: there is nothing more to read.
        return Whereabouts(application, unread, None, done_here)
    # In a state that the profile does not know the application may still wait for the company (待授权).
    is_decided = mentions(state, (*words.approved, *words.returned))
    step = None if is_decided else await _step(sitting)
    if step is not None:
        # What waits for the company's own clicks cannot have become a policy.
        return Whereabouts(application, unread, step, done_here)
    policy = await read_list(sitting, [onward, menu.policies], PoliciesPage)
    return Whereabouts(application, policy, None, done_here)


async def read_list(sitting: Sitting, way: Sequence[Words], page: type[ListPage]) -> Listing:
    """What a list says of the plan's year; incomplete when the page never shows all that it counts."""

    def enough(view: View) -> Listing | None:
        listing = page.listing(view, sitting.profile, sitting.plan.year)
        if listing is None or listing.this_year:
            return listing
        # Many lists say that they are empty until their rows have come.
        is_at_rest = sitting.portal.movement.is_still(view, for_s=sitting.profile.limits.quiet_s)
        is_loading = view.mentions(sitting.profile.lists.loading)
        return listing if listing.is_complete and is_at_rest and not is_loading else None

    try:
        await sitting.portal.follow(way, page)
        listing: Listing = await sitting.portal.wait_for(enough, page.words(sitting.profile))
    except PageChanged:
        view = await sitting.portal.look()
        read = page.listing(view, sitting.profile, sitting.plan.year)
        if read is not None and read.unclear:
            year = f"{page.words(sitting.profile)[0]} with a policy year ({sitting.profile.lists.year[0]})"
            raise PageChanged(expected=year, seen=read.unclear) from None
        # A list without entries may have no headings either: it says so, and proves nothing.
        if page.shown_in(view, sitting.profile) or view.mentions(sitting.profile.lists.nothing):
            return Listing(view, None, is_complete=False)
        raise
    if listing.this_year is not None:
        await sitting.keep(page.name, listing.view, None)
    return listing


async def _step(sitting: Sitting) -> Screen | None:
    """Where this year's application stands. None without a banner."""

    def is_inside(view: View) -> bool:
        return sitting.names_company(view) and view.has_press(sitting.profile.menu.policies)

    banner = await find_banner(sitting.portal, is_inside)
    return await behind_banner(sitting.portal, banner.view) if banner else None


async def behind_banner(portal: Portal, before: View | None = None) -> Screen:
    """The screen that 查看保单 leads to; `before` is the view of it that was just had."""
    words = portal.profile.pending.view
    await portal.press(words, lambda view: BannerPage.button_in(view, portal.profile), before=before)
    return await portal.reach(*STEPS)


async def find_banner(portal: Portal, is_inside: Callable[[View], bool]) -> BannerPage | None:
    """The page with the banner: in sight, in the credit insurance system (guide, 二.1), or where we came in.

    None where the system's pages, as `is_inside` knows them, came to rest without a banner. Raises
    `PageChanged` where none of them could be reached, and where the banner is there without its button.
    """
    profile = portal.profile
    was_inside = False
    for anew in (False, True):
        if anew:
            await portal.come_in()
            await portal.rest()
        pressed: Counter[Words] = Counter()
        while True:
            view = await portal.glance()
            if BannerPage.shown_in(view, profile):
                return BannerPage(portal, view)
            was_inside = was_inside or is_inside(view)
            lead = _lead_to_banner(view, profile, pressed)
            if lead is None:
                break
            pressed[lead] += 1
            await portal.walk(lead, before=view)
            with contextlib.suppress(PageChanged):
                return await portal.reach(BannerPage)
            if (await portal.look()).mentions(profile.pending.banner):
                # The banner without its button is a portal that changed, not a company without a policy.
                raise PageChanged(expected=profile.pending.view[0], seen=profile.pending.banner[0])
    if not was_inside:
        raise PageChanged(expected=profile.company.onward[0], seen="no way to the credit insurance system")
    return None


def _lead_to_banner(view: View, profile: Profile, pressed: Counter[Words]) -> Words | None:
    """The likeliest word in sight that leads to the page with the banner, and was not yet pressed in vain.

    The system's own entry may be pressed twice: pressing it may have closed its sub-menu.
    """
    *surest, home = ((word,) for word in profile.menu.pending)
    onward = profile.company.onward
    for words in (*surest, onward, home):
        if pressed[words] < (2 if words == onward else 1) and view.ways(words):
            return words
    return None
