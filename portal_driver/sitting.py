"""All that one run has in its hands, passed along the steps of the story."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from itertools import accumulate

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame

from portal_driver.camera import picture, private_in, without_values
from portal_driver.contract import Click, Plan, Reason, Stage
from portal_driver.errors import DriverError, PageChanged, PersonNeeded
from portal_driver.evidence import EvidenceBox, Scrubber, now
from portal_driver.finding import ANSWERS_WITHIN_S, View
from portal_driver.gate import Gate
from portal_driver.pages import CompanyPage, ShownCompany
from portal_driver.portal import Portal
from portal_driver.profile import Profile
from portal_driver.starter import Starter
from portal_driver.words import APART, normalise, uscc_in, values_after, years_in

# A shorter cookie ("true", "zh") is no secret, and striking it out would spoil texts.
_SHORTEST_COOKIE = 8
# How the names of companies and of those who trade like one end.
_COMPANY = re.compile(r"(公司|集团|企业|厂|店|行|社|部|中心|合伙)\s*$")


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
        image = await picture(view, (contact.mobile, contact.email, contact.name, *private_in(view.text)))
        if image is not None:
            self.evidence.keep_picture(image, page=page, stage=stage)

    async def keep_documents(self, page: str, stage: Stage | None) -> None:
        """Keep the PDFs that the page loaded since the last press: it may show a document, not text."""
        for response in self.portal.movement.documents:
            # A document that the page shows and that cannot be had a second time is still in its picture.
            with contextlib.suppress(PlaywrightError):
                self.evidence.keep_document(await response.body(), page=page, stage=stage, ending="pdf")

    async def keep_unknown(self, error: DriverError) -> None:
        """Keep the page that nobody expected, scrubbed, and what an operator needs to mend the profile by it.

        Its text, its picture, the markup of all its frames, and their tree: addresses without parameters,
        with what was expected and what came closest. Nothing in it names a person.
        """
        await self._add_cookies()
        view = await self.portal.look(everything=True)
        contact = self.plan.contact
        for private in (contact.name, contact.mobile, contact.email, *private_in(view.text)):
            self.scrubber.add_private(private)
        await self.keep("unknown", view, None)
        markup = await asyncio.gather(*(_markup(frame) for frame in view.page.frames))
        self.evidence.keep_text(without_values("\n".join(markup)), page="unknown", stage=None, ending="html")
        self.evidence.keep_record(
            {
                "address": _without_parameters(view.page.url),
                "frames": [_place(frame) for frame in view.page.frames],
                "tabs": [_without_parameters(tab.url) for tab in self.portal.tabs()],
                "dialogs": self.portal.dialogs,
                "reason": error.reason,
                **error.detail,
                **self._provenance(),
            },
            page="unknown",
            stage=None,
        )

    def keep_proof(
        self, click: Click, screen: str, *, page_sha256: str, request_sha256: str, proof: str
    ) -> None:
        """Keep the record of one irreversible click: whose, when, what was sent, what proved its effect."""
        company = self.plan.company
        self.evidence.keep_record(
            {
                "click": click,
                "company": company.name,
                "uscc": company.uscc,
                "year": self.plan.year,
                "page_sha256": page_sha256,
                "request_sha256": request_sha256,
                "proof": proof,
                **self._provenance(),
            },
            page=screen,
            stage=click.stage,
        )

    def _provenance(self) -> dict[str, str]:
        return {"at": now(), "profile": self.profile.name, "profile_sha256": self.profile.sha256}

    async def _add_cookies(self) -> None:
        for cookie in await self.portal.context.cookies():
            value = cookie.get("value", "")
            if len(value) >= _SHORTEST_COOKIE:
                self.scrubber.add(value)

    async def check_page(self, view: View) -> None:
        """Let only a page of the plan's company and year pass, last of all before something irreversible.

        Where the page names no company, the portal is asked anew, in a tab of its own, whose session this is.
        """
        self.check_company(view.text)
        if not self.names_company(view):
            await self._check_session()

    def check_company(self, text: str) -> None:
        """Let nothing pass that a text says otherwise than the plan: a labelled name, USCC, policy year."""
        words, company = self.profile.company, self.plan.company
        for name in values_after(text, words.name):
            self.compare(ShownCompany(name, ""))
        for name in values_after(text, words.insured):
            # In the heading of a list another heading follows the word.
            if _COMPANY.search(name.split(APART, 1)[0]):
                self.compare(ShownCompany(name, ""))
        for uscc in values_after(text, words.uscc):
            self.compare(ShownCompany("", uscc))
        labelled = " ".join(values_after(text, self.profile.lists.year))
        years = years_in(text) | {int(year) for year in re.findall(r"(?<!\d)20\d\d(?!\d)", labelled)}
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


async def _markup(frame: Frame) -> str:
    """A frame's markup behind its place; without it where no document answers."""
    content = ""
    with contextlib.suppress(PlaywrightError, TimeoutError):
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            content = await frame.content()
    return f"<!-- {_place(frame)} -->\n{content}"


def _place(frame: Frame) -> str:
    """A frame's depth, name and address without parameters."""
    depth, at = 0, frame
    while at.parent_frame is not None:
        depth, at = depth + 1, at.parent_frame
    return f"frame {depth}: {frame.name} {_without_parameters(frame.url)}"


def _without_parameters(address: str) -> str:
    return re.split(r"[?#;]", address, maxsplit=1)[0]
