"""The portal's screens: how each is recognised by its words, and what it says.

Numbers are those of the hand-out's steps. A screen returns our dataclasses or lets a thing be
done that can be undone; what cannot be undone is pressed in `clicking.py` alone.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from playwright.async_api import ElementHandle
from playwright.async_api import Error as PlaywrightError

from portal_driver.errors import PageChanged
from portal_driver.finding import Field, Press, View, take
from portal_driver.portal import Portal
from portal_driver.profile import Profile, SignInWords, Words
from portal_driver.words import APART, core, mentions, uscc_in, value_after, values_after

_USCC = r"[0-9A-Z]{18}"  # GB 32100-2015


@dataclass(frozen=True)
class ShownCompany:
    """A company as the portal knows it."""

    name: str
    uscc: str


class Screen:
    """A screen that was recognised in a view. `name` is what events and evidence call it."""

    name: ClassVar[str]

    def __init__(self, portal: Portal, view: View) -> None:
        self.portal = portal
        self.view = view

    @classmethod
    def words(cls, profile: Profile) -> Words:
        """The words that name the screen to people, and by which it is known."""
        raise NotImplementedError

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        """Whether the view shows this screen."""
        raise NotImplementedError


class SignInPage(Screen):
    """2: the sign-in page, whichever of its tabs is open."""

    name = "sign_in"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.sign_in.card_tab

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.sign_in.card_tab
        return view.has_press(words) or (view.asks_for_pin and bool(view.mentions(words)))

    async def choose_card(self) -> SignInForm:
        """Open the tab 卡介质 and wait for its form: its PIN field, and the 登录 nearest to it.

        Raises `PageChanged` where there is no such form; nothing was typed then.
        """
        portal, words = self.portal, self.portal.profile.sign_in
        others = [await take(field) for field in self.view.fields if field.secret]
        # A page that was still loading may have let the first press go by.
        for _ in range(2):
            if self.view.has_press(words.card_tab):
                await portal.walk(words.card_tab, before=self.view)
            form = await portal.wait_for(lambda view: SignInForm.shown_in(portal, view), words.pin)
            if not await form.is_one_of(others):
                return form
            # A field that was there before may be the password of another tab, until the page is at rest.
            rested = await portal.rest()
            form = SignInForm.shown_in(portal, rested) or form
            if not await form.is_one_of(others) or not form.may_be_an_accounts(rested):
                return form
        raise PageChanged(expected=words.pin[0], seen=f"an account's password, after {words.card_tab[0]}")


@dataclass(frozen=True)
class SignInForm:
    """The form of 卡介质: where the PIN goes, and what is pressed then."""

    portal: Portal
    field: Field
    button: Press

    async def type_pin(self, pin: str, *, before: View | None = None) -> None:
        """Type the PIN and press 登录, once. What came of it is read afterwards."""
        words = self.portal.profile.sign_in
        button = await self.portal.find(
            words.sign_in, lambda view: SignInForm.button_in(view, words), before=before
        )
        field = await self.portal.element(
            lambda view: SignInForm.field_in(view, words), words.pin, before=before
        )
        await field.fill(pin)
        await self.portal.click(button, says=words.sign_in[0])

    async def is_one_of(self, elements: Sequence[ElementHandle | None]) -> bool:
        """Whether its field is one of these elements."""
        field = await take(self.field)
        for element in elements:
            # A handle of another frame's document cannot be compared, and is another element.
            with contextlib.suppress(PlaywrightError):
                if field and element and await field.evaluate("(one, other) => one === other", element):
                    return True
        return False

    def may_be_an_accounts(self, view: View) -> bool:
        """Whether a field for a user's name stands beside it, and nothing says that it is the card's."""
        words = self.portal.profile.sign_in
        beside = [field for field in view.fields if field.document.frame is self.field.document.frame]
        return len(beside) > 1 and not _is_labelled(self.field, words.pin[:-1])

    @classmethod
    def shown_in(cls, portal: Portal, view: View) -> SignInForm | None:
        """The form in a view, or None where field or button is not there."""
        words = portal.profile.sign_in
        field, button = cls.field_in(view, words), cls.button_in(view, words)
        return cls(portal, field, button) if field and button else None

    @classmethod
    def field_in(cls, view: View, words: SignInWords) -> Field | None:
        """The one secret field, or the one of them that the words label; a plain one where none is secret."""
        secret = [field for field in view.fields if field.secret]
        if len(secret) == 1:
            return secret[0]
        candidates = secret or [field for field in view.fields if _is_labelled(field, words.pin[:-1])]
        labelled = [field for field in candidates if _is_labelled(field, words.pin[:-1])]
        return labelled[0] if len(labelled) == 1 else None

    @classmethod
    def button_in(cls, view: View, words: SignInWords) -> Press | None:
        """The 登录 of the form: pages say it in their header and in the other tabs too."""
        field = cls.field_in(view, words)
        return view.near(words.sign_in, field) if field else None


def _is_labelled(field: Field, words: Words) -> bool:
    return any(mentions(label, words) for label in (*field.labels, field.beside))


class CompanyPage(Screen):
    """3: the company's data as the portal knows it."""

    name = "company"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.company.title

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        # Another label may follow where a value would stand.
        uscc = uscc_in(value_after(view.text, profile.company.uscc))
        return bool(value_after(view.text, profile.company.name)) and bool(re.fullmatch(_USCC, uscc))

    def company(self) -> ShownCompany:
        """Name and USCC as they stand on the page."""
        words = self.portal.profile.company
        return ShownCompany(value_after(self.view.text, words.name), value_after(self.view.text, words.uscc))


class BannerPage(Screen):
    """4: the credit insurance system with the banner of a pending policy and what is pressed there."""

    name = "pending_banner"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.pending.banner

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return cls.button_in(view, profile) is not None

    @staticmethod
    def button_in(view: View, profile: Profile) -> Press | None:
        """查看保单, or the banner as a whole where all of it is one link."""
        words = profile.pending
        return view.press(words.view) or view.sentence(words.banner, words.view)


class PendingPage(Screen):
    """5 to 7: contact, box, and 确认投保."""

    name = "pending_policy"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.pending.confirm

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.pending
        has_form = view.has_press(words.confirm) or view.field(words.contact_email) is not None
        return has_form and view.has_box(words.box)


class SealingPage(Screen):
    """8: 制章."""

    name = "sealing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.make_seal

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return view.has_press(profile.authorizing.make_seal)


class SigningPage(Screen):
    """9: 协议签署."""

    name = "signing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.sign_box

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        return view.has_press(words.sign) and view.has_box(words.sign_box)


class AuthorizingPage(Screen):
    """10: 企业数据授权."""

    name = "authorizing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.authorize_box

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        return view.has_press(words.authorize) and view.has_box(words.authorize_box)


class FinishingPage(Screen):
    """11: the last page, with 确定."""

    name = "finishing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.finish

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        if AuthorizingPage.shown_in(view, profile):
            return False
        for press in view.saying(words.finish):
            # A message that something failed wears a 确定 too, on top of the page that failed.
            text = press.inside if press.layer else view.text
            is_failure = press.layer and mentions(text, profile.trouble.failed)
            if mentions(text, words.finish_page) and not is_failure:
                return True
        return False


class SubmittedPage(Screen):
    """The page behind the last step: the application is complete."""

    name = "submitted"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.finished

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return bool(cls.said_in(view, profile)) and not view.has_press(profile.authorizing.finish)

    @staticmethod
    def said_in(view: View, profile: Profile) -> str:
        """The words of completion as the page says them; a message that floats by says less than it seems."""
        said = (mentions(leaf.text, profile.authorizing.finished) for leaf in view.leaves if not leaf.layer)
        return next(filter(None, said), "")


class PolicyPage(Screen):
    """13, 14: one policy, to download and to acknowledge."""

    name = "policy"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.lists.download

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return view.has_press(profile.lists.download) and bool(cls.number_in(view, profile))

    @staticmethod
    def number_in(view: View, profile: Profile) -> str:
        """The policy's number, or nothing. In a list's heading another heading follows the words."""
        said = values_after(view.text, profile.lists.policy_number)
        return next((value for value in said if re.search(r"\d{4}", value)), "").split(APART, 1)[0].strip()

    def number(self) -> str:
        """The policy's number as the page says it."""
        return self.number_in(self.view, self.portal.profile)

    def insurer(self) -> str:
        """The insurer, or nothing where the page does not name it."""
        return value_after(self.view.text, self.portal.profile.lists.insurer)

    def period(self) -> tuple[str, str]:
        """First and last day as ISO dates; empty where the page does not say."""
        said = values_after(self.view.text, self.portal.profile.lists.period)
        return next((dates for dates in map(period_in, said) if any(dates)), ("", ""))


Closers = frozenset[tuple[str, str]]
"""Things that close something, as they were before the renewal application opened."""


def closers(view: View, profile: Profile) -> Closers:
    """What could close something in this view."""
    return frozenset(_closer(press) for press in view.saying(profile.pending.close_application))


def close_button(view: View, profile: Profile, before: Closers) -> Press | None:
    """6: what closes the renewal application (续转申请单): new since the tick, best where it is named."""
    words = profile.pending
    new = [
        press
        for press in view.saying(words.close_application)
        if _closer(press) not in before and not press.covered
    ]
    best_first = sorted(
        new, key=lambda press: (not mentions(press.inside, words.application), -press.layer, press.order)
    )
    return best_first[0] if best_first else None


def _closer(press: Press) -> tuple[str, str]:
    return core(press.said), re.sub(r"\d", "", press.inside) if press.layer else press.document.frame.url


def period_in(text: str) -> tuple[str, str]:
    """The first and the last date in a text, as ISO dates; empty strings where there are not two."""
    dates = [
        f"{y}-{int(m):02d}-{int(d):02d}"
        for y, m, d in re.findall(r"(20\d\d)\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})", text)
    ]
    return (dates[0], dates[-1]) if len(dates) >= 2 else ("", "")
