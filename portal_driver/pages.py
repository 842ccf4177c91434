"""The portal's screens: how each is recognised by its words, and what it says.

Numbers are those of the hand-out's steps. A screen returns our dataclasses or lets a thing be
done that can be undone; what cannot be undone is pressed in `clicking.py` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from portal_driver.finding import Field, Press, View
from portal_driver.portal import Portal
from portal_driver.profile import Profile, Words
from portal_driver.words import normalise, says, value_after


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
        return view.has_press(profile.sign_in.card_tab)

    async def choose_card(self) -> None:
        """Open the tab 卡介质 and wait for its PIN field."""
        words = self.portal.profile.sign_in
        if _pin_field(self.view) is None:
            await self.portal.press(words.card_tab)
        await self.portal.wait_for(_pin_field, words.pin)

    async def type_pin(self, pin: str) -> None:
        """Type the PIN and press 登录, once. What came of it is read afterwards."""
        field = await self.portal.element(_pin_field, self.portal.profile.sign_in.pin)
        button = await self.portal.find(self.portal.profile.sign_in.sign_in)
        await field.fill(pin)
        await self.portal.click(button)


def _pin_field(view: View) -> Field | None:
    secret = [field for field in view.fields if field.secret]
    return secret[0] if len(secret) == 1 else None


class CompanyPage(Screen):
    """3: the company's data as the portal knows it."""

    name = "company"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.company.title

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return bool(
            value_after(view.text, profile.company.name) and value_after(view.text, profile.company.uscc)
        )

    def company(self) -> ShownCompany:
        """Name and USCC as they stand on the page."""
        words = self.portal.profile.company
        return ShownCompany(value_after(self.view.text, words.name), value_after(self.view.text, words.uscc))


class BannerPage(Screen):
    """4: the credit insurance system with the button of a pending policy's banner."""

    name = "pending_banner"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.pending.banner

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return view.has_press(profile.pending.view)


class PendingPage(Screen):
    """5 to 7: contact, box, and 确认投保."""

    name = "pending_policy"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.pending.confirm

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        return view.has_press(profile.pending.confirm) and view.box(profile.pending.box) is not None


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
        return view.has_press(words.sign) and view.box(words.sign_box) is not None


class AuthorizingPage(Screen):
    """10: 企业数据授权."""

    name = "authorizing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.authorize_box

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        return view.has_press(words.authorize) and view.box(words.authorize_box) is not None


class FinishingPage(Screen):
    """11: the last page, with 确定."""

    name = "finishing"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.finish

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        return view.has_press(words.finish) and bool(view.mentions(words.finish_page))


class SubmittedPage(Screen):
    """The page behind the last step: the application is complete."""

    name = "submitted"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.authorizing.finished

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        words = profile.authorizing
        return bool(view.mentions(words.finished)) and not view.has_press(words.finish)


class PolicyPage(Screen):
    """13, 14: one policy, to download and to acknowledge."""

    name = "policy"

    @classmethod
    def words(cls, profile: Profile) -> Words:
        return profile.lists.download

    @classmethod
    def shown_in(cls, view: View, profile: Profile) -> bool:
        # In a list's heading another heading follows the words, not a number.
        number = value_after(view.text, profile.lists.policy_number)
        return view.has_press(profile.lists.download) and any(sign.isdigit() for sign in number)

    def number(self) -> str:
        """The policy's number as the page says it."""
        return value_after(self.view.text, self.portal.profile.lists.policy_number)

    def insurer(self) -> str:
        """The insurer, or nothing where the page does not name it."""
        return value_after(self.view.text, self.portal.profile.lists.insurer)

    def period(self) -> tuple[str, str]:
        """First and last day as ISO dates; empty where the page does not say."""
        return period_in(value_after(self.view.text, self.portal.profile.lists.period))

    @staticmethod
    def is_acknowledged(view: View, profile: Profile) -> bool:
        """Whether the policy's state reads 已收悉."""
        state = value_after(view.text, profile.lists.state)
        return normalise(state) in {normalise(word) for word in profile.lists.acknowledged}


def close_button(view: View, profile: Profile) -> Press | None:
    """6: what closes the renewal application (续转申请单), on a layer that names it or in its own tab."""
    words = profile.pending
    for press in view.presses:
        names_it = any(normalise(word) in press.inside for word in words.application)
        in_own_tab = view.mentions(words.application) and not view.has_press(words.confirm)
        if says(press.said, words.close_application) and (names_it if press.layer else in_own_tab):
            return press
    return None


def period_in(text: str) -> tuple[str, str]:
    """The first and the last date in a text, as ISO dates; empty strings where there are not two."""
    dates = [
        f"{y}-{int(m):02d}-{int(d):02d}"
        for y, m, d in re.findall(r"(20\d\d)\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})", text)
    ]
    return (dates[0], dates[-1]) if len(dates) >= 2 else ("", "")
