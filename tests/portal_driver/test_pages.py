"""Saved pages of every skin are recognised and read (`save_pages.py` makes them)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from portal_driver import lists, pages
from portal_driver.finding import View, look
from portal_driver.portal import Portal
from portal_driver.profile import Profile
from portal_driver.simulator.skin import skin_names
from portal_driver.words import value_after

PAGES = Path(__file__).parent / "pages"
EXPECTED: dict[str, dict[str, Any]] = json.loads((PAGES / "expected.json").read_text(encoding="utf-8"))
YEAR = 2026
SCREENS: tuple[type[pages.Screen], ...] = (
    pages.SignInPage,
    pages.CompanyPage,
    pages.BannerPage,
    pages.PendingPage,
    pages.SealingPage,
    pages.SigningPage,
    pages.AuthorizingPage,
    pages.FinishingPage,
    pages.SubmittedPage,
    pages.PolicyPage,
    lists.ApplicationsPage,
    lists.PoliciesPage,
)


def _contact(view: View, profile: Profile) -> list[str]:
    words = profile.pending
    fields = [view.field(label) for label in (words.contact_name, words.contact_mobile, words.contact_email)]
    return [field.value for field in fields if field is not None]


def _ticked(view: View, profile: Profile) -> bool | None:
    words = profile.authorizing
    box = view.box(words.sign_box) or view.box(words.authorize_box)
    # A styled span does not say whether it is ticked.
    return bool(box.ticked) if box is not None else None


def _listing(view: View, profile: Profile) -> lists.Listing | None:
    of_applications = lists.ApplicationsPage.listing(view, profile, YEAR)
    return of_applications or lists.PoliciesPage.listing(view, profile, YEAR)


def _listed(view: View, profile: Profile) -> list[str]:
    listing = _listing(view, profile)
    row = listing.this_year if listing else None
    return [row.number, row.state, row.period or row.reason] if row else []


def _is_complete(view: View, profile: Profile) -> bool:
    listing = _listing(view, profile)
    return listing is not None and listing.is_complete


def _policy(view: View, profile: Profile) -> pages.PolicyPage:
    return pages.PolicyPage(Portal(view.page.context, profile, lambda _: None), view)


READERS: dict[str, Callable[[View, Profile], Any]] = {
    "asks_for_pin": lambda view, _: view.asks_for_pin,
    "name": lambda view, profile: value_after(view.text, profile.company.name),
    "uscc": lambda view, profile: value_after(view.text, profile.company.uscc),
    "contact": _contact,
    "can_be_closed": lambda view, profile: pages.close_button(view, profile, frozenset()) is not None,
    "ticked": _ticked,
    "listed": _listed,
    "is_complete": _is_complete,
    "number": lambda view, profile: _policy(view, profile).number(),
    "period": lambda view, profile: list(_policy(view, profile).period()),
    "insurer": lambda view, profile: _policy(view, profile).insurer(),
    "is_acknowledged": lambda view, profile: lists.PoliciesPage.is_acknowledged(
        view, profile, _policy(view, profile).number()
    ),
}


@pytest.mark.browser
@pytest.mark.parametrize("screen", list(EXPECTED))
@pytest.mark.parametrize("skin", skin_names())
async def test_a_saved_page_is_recognised_and_read(page: Page, profile: Profile, skin: str, screen: str):
    await page.goto((PAGES / skin / f"{screen}.html").as_uri())
    # What a skin shows otherwise than the others, such as a list that lies under a dialog.
    expected = {**EXPECTED[screen], **EXPECTED[screen].get(skin, {})}

    view = await look(page, None)

    if expected["screens"] is not None:
        assert [one.name for one in SCREENS if one.shown_in(view, profile)] == expected["screens"]
    assert {name: READERS[name](view, profile) for name in expected["values"]} == expected["values"]


def test_every_skin_has_every_page_saved():
    saved = {skin: {file.stem for file in (PAGES / skin).glob("*.html")} for skin in skin_names()}
    assert saved == {skin: set(EXPECTED) for skin in skin_names()}
