"""Passkeys in a real browser, on an authenticator of Chromium's: added, enough alone, dead once removed."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from playwright.sync_api import Page, expect

from agency.models import AuditEntry
from agency.tenancy import scope
from tests.database import OUR_AGENCY
from tests.journeys.test_pages_in_a_browser import Site, in_background, site

__all__ = ["site"]
pytestmark = [pytest.mark.journey, pytest.mark.browser]

# As a laptop's: it keeps the key itself, and knows its owner by finger or face.
BUILT_IN = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": BUILT_IN})


def add_passkey(page: Page) -> None:
    page.get_by_label("名称").fill("办公室电脑")
    page.get_by_label("只用它登录").check()
    page.get_by_role("button", name="添加", exact=True).click()
    expect(page).to_have_url(re.compile(reverse("mfa_view_recovery_codes")))


def sign_in_with_passkey(site: Site, page: Page) -> None:
    page.context.clear_cookies()
    page.goto(site.address + reverse("account_login"))
    page.get_by_role("button", name="通行密钥").click()


def test_a_passkey_is_added_and_signs_in_alone(site: Site) -> None:
    page = site.open("mei", reverse("mfa_add_webauthn"))
    with_authenticator(page)
    add_passkey(page)
    sign_in_with_passkey(site, page)
    expect(page).to_have_url(re.compile(reverse("renewals:today")))

    def told() -> list[str]:
        with scope(OUR_AGENCY):
            entries = AuditEntry.objects.filter(action="signed_in", actor=site.people["mei"])
            return [", ".join(entry.detail["how"]) for entry in entries.order_by("number")]

    assert in_background(told)[-1] == "webauthn"


def test_a_removed_passkey_opens_nothing(site: Site) -> None:
    page = site.open("mei", reverse("mfa_add_webauthn"))
    with_authenticator(page)
    add_passkey(page)
    in_background(lambda: Authenticator.objects.filter(user=site.people["mei"]).delete())
    sign_in_with_passkey(site, page)
    expect(page.get_by_role("status")).to_contain_text("这个通行密钥在这里不能用")
    expect(page).to_have_url(re.compile("sign-in"))
