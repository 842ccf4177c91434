"""The approved policy: download it, check it, acknowledge it (guide, part 四)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Error as PlaywrightError

from portal_driver.clicking import press_once
from portal_driver.contract import Click, PolicyRead, Reason, StageBegun
from portal_driver.errors import PageChanged, PortalUnavailable
from portal_driver.finding import Press, View
from portal_driver.gate import Token
from portal_driver.lists import Listed, PoliciesPage
from portal_driver.pages import PolicyPage, period_in
from portal_driver.policy_file import check_policy_file
from portal_driver.sitting import Sitting


async def receive(sitting: Sitting, policy: Listed) -> None:
    """Store the policy and acknowledge it (收悉), unless it is acknowledged already."""
    sitting.starter.tell(StageBegun(Click.RECEIPT.stage))
    page = await _open(sitting, policy)
    await _store(sitting, page, policy)
    if PolicyPage.is_acknowledged(page.view, sitting.profile):
        await sitting.keep(page.name, page.view, Click.RECEIPT.stage)
        return

    async def acknowledged(token: Token) -> tuple[View, str]:
        words = sitting.profile.lists.acknowledged
        view = await sitting.portal.wait_for(lambda view: _acknowledged(sitting, view), words, token=token)
        return view, f"{policy.number} {words[0]}"

    view = await press_once(sitting, Click.RECEIPT, page, sitting.profile.lists.receipt, acknowledged)
    await sitting.keep("policy_acknowledged", view, Click.RECEIPT.stage)


async def _open(sitting: Sitting, policy: Listed) -> PolicyPage:
    """Press 查看 in the policy's row; the page that opens is that policy's."""
    words = sitting.profile.lists

    def view_button(view: View) -> Press | None:
        listing = PoliciesPage.listing(view, sitting.profile, sitting.plan.year)
        row = listing.this_year.row if listing and listing.this_year else None
        return view.press(words.view, row=row) if row else None

    await sitting.portal.click(await sitting.portal.element(view_button, words.view))
    page = await sitting.portal.reach(PolicyPage)
    sitting.check_company(page.view)
    if page.number() != policy.number:
        raise PageChanged(expected=policy.number, seen=page.number())
    return page


async def _store(sitting: Sitting, page: PolicyPage, policy: Listed) -> None:
    content = await _download(sitting)
    await asyncio.to_thread(check_policy_file, content, company=sitting.plan.company, number=policy.number)
    kept = sitting.evidence.keep_policy(content, stage=Click.RECEIPT.stage)
    valid_from, valid_to = page.period() if any(page.period()) else period_in(policy.period)
    sitting.starter.tell(
        PolicyRead(policy.number, valid_from, valid_to, page.insurer(), kept.file, kept.sha256, kept.size)
    )


async def _download(sitting: Sitting) -> bytes:
    """The file behind 下载. Raises `PortalUnavailable` when none comes or it breaks off."""
    portal = sitting.portal
    await portal.press(sitting.profile.lists.download)
    try:
        async with asyncio.timeout(sitting.profile.limits.page_s):
            download = await portal.movement.downloads.get()
            return await asyncio.to_thread(Path(await download.path()).read_bytes)
    except (TimeoutError, PlaywrightError, OSError):
        raise PortalUnavailable(
            Reason.POLICY_FILE_BROKEN, seen="the download did not come or broke off"
        ) from None


def _acknowledged(sitting: Sitting, view: View) -> View | None:
    return view if PolicyPage.is_acknowledged(view, sitting.profile) else None
