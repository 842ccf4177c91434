"""All that one run has in its hands, passed along the steps of the story."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import accumulate

from playwright.async_api import Error as PlaywrightError

from portal_driver.camera import picture, without_values
from portal_driver.contract import Plan, Reason, Stage
from portal_driver.errors import PageChanged, PersonNeeded
from portal_driver.evidence import EvidenceBox, Scrubber
from portal_driver.finding import View
from portal_driver.gate import Gate
from portal_driver.pages import CompanyPage, ShownCompany
from portal_driver.portal import Portal
from portal_driver.profile import Profile
from portal_driver.starter import Starter
from portal_driver.words import APART, normalise, uscc_in, values_after, years_in

# A shorter cookie ("true", "zh") is no secret, and striking it out would spoil texts.
_SHORTEST_COOKIE = 8


@dataclass(frozen=True)
class Sitting:
    """One run with one company."""

    plan: Plan
    profile: Profile
    portal: Portal
    gate: Gate
    starter: Starter
    evidence: EvidenceBox
    scrubber: Scrubber

    async def keep(self, page: str, view: View, stage: Stage | None) -> None:
        """Keep what a page says and how it looks."""
        self.evidence.keep_text(view.text.replace(APART, " "), page=page, stage=stage)
        contact = self.plan.contact
        image = await picture(view, (contact.mobile, contact.email, contact.name))
        if image is not None:
            self.evidence.keep_picture(image, page=page, stage=stage)

    async def keep_documents(self, page: str, stage: Stage | None) -> None:
        """Keep the PDFs that the page loaded since the last press: it may show a document, not text."""
        for response in self.portal.movement.documents:
            # A document that the page shows and that cannot be had a second time is still in its picture.
            with contextlib.suppress(PlaywrightError):
                self.evidence.keep_document(await response.body(), page=page, stage=stage, ending="pdf")

    async def keep_unknown(self) -> None:
        """Keep the page that nobody expected, scrubbed: text, picture, markup of all its frames."""
        await self._add_cookies()
        view = await self.portal.look(everything=True)
        await self.keep("unknown", view, None)
        parts = []
        for frame in view.page.frames:
            depth = _depth(frame)
            parts.append(
                f"<!-- frame {depth}: {frame.name} {frame.url.split('?', 1)[0]} -->\n{await frame.content()}"
            )
        markup = without_values("\n".join(parts))
        self.evidence.keep_text(markup, page="unknown", stage=None, ending="html")

    async def _add_cookies(self) -> None:
        for cookie in await self.portal.context.cookies():
            value = cookie.get("value", "")
            if len(value) >= _SHORTEST_COOKIE:
                self.scrubber.add(value)

    async def check_page(self, view: View) -> None:
        """Let only a page of the plan's company and year pass, last of all before something irreversible.

        Where the page names no company, the portal is asked anew, in a tab of its own, whose session this is.
        """
        self.check_company(view)
        if not self.names_company(view):
            await self._check_session()

    def check_company(self, view: View) -> None:
        """Let nothing pass that differs from the plan: a labelled name or USCC, or the policy year."""
        words, company = self.profile.company, self.plan.company
        for name in values_after(view.text, words.name):
            self.compare(ShownCompany(name, ""))
        for uscc in values_after(view.text, words.uscc):
            self.compare(ShownCompany("", uscc))
        years = years_in(view.text)
        if years and self.plan.year not in years:
            raise PageChanged(
                expected=f"{self.plan.year} 年度", seen=f"{sorted(years)} 年度 for {company.name}"
            )

    async def _check_session(self) -> None:
        before = self.portal.tabs()
        await self.portal.come_in()
        page = await self.portal.follow([self.profile.company.title], CompanyPage)
        self.compare(page.company())
        if not self.names_company(page.view):
            raise PageChanged(expected=self.plan.company.name, seen="pages that do not name the company")
        for tab in self.portal.tabs():
            if tab not in before:
                await tab.close()

    def names_company(self, view: View) -> bool:
        """Whether the plan's company stands anywhere on the page, by name or USCC."""
        company, text = self.plan.company, normalise(view.text)
        return normalise(company.name) in text or company.uscc.upper() in text.upper()

    def compare(self, shown: ShownCompany) -> None:
        """Compare what the page shows, as far as it does. Raises `PersonNeeded` on a difference."""
        company = self.plan.company
        if shown.uscc and uscc_in(shown.uscc) != company.uscc.upper():
            raise PersonNeeded(Reason.USCC_DIFFERS, expected=company.uscc, seen=shown.uscc, call="95198")
        if shown.name and not _is_name(shown.name, company.name):
            raise PersonNeeded(Reason.COMPANY_DIFFERS, expected=company.name, seen=shown.name, call="95198")


def _is_name(shown: str, name: str) -> bool:
    """Whether the line begins with this name, and the name ends where a run of text does."""
    runs = [normalise(run) for run in shown.split(APART)]
    return normalise(name) in accumulate(runs)


def _depth(frame: object) -> int:
    parent = getattr(frame, "parent_frame", None)
    return 0 if parent is None else 1 + _depth(parent)
