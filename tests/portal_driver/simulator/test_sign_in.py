"""Signing in with the card: challenge, signature, one-use ticket, session (portal.md, 3)."""

from __future__ import annotations

import httpx
import pytest

from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

from .conftest import Clock
from .visitor import Visitor, shown_error

EXPIRED_PAGE = "登录页面已过期，请刷新后重新登录"


@pytest.fixture
def visitor(sim: Simulator, hongda: Company):
    """Somebody in front of the sign-in page, Hongda's card in desk 1."""
    sim.insert(1, hongda.card.number)
    with Visitor(sim, desk=1) as at_page:
        yield at_page


def test_card_and_pin_open_the_business_system(visitor: Visitor, hongda: Company):
    page = visitor.sign_in(hongda.card.pin)
    assert page.url.path == "/deskserver/sw/deskIndex"
    assert page.text.count(f"欢迎您，{hongda.name}") == 1
    assert visitor.sim.state()["companies"][hongda.uscc]["sign_ins"] == 1


def test_without_a_session_every_page_is_the_sign_in_page(sim: Simulator):
    with Visitor(sim, desk=1) as stranger:
        page = stranger.get("/xwby/applications")
    assert (page.status_code, page.url.path) == (200, "/cas/login")


def test_a_ticket_is_good_once(visitor: Visitor, hongda: Company):
    done = visitor.post_sign_in(visitor.signed(visitor.challenge(), hongda.card.pin))
    ticket = done.split("?ticket=")[1].split('"')[0]
    visitor.http.get(visitor.sim.business, params={"ticket": ticket})
    with Visitor(visitor.sim, desk=1) as thief:
        assert thief.http.get(visitor.sim.business, params={"ticket": ticket}).url.path == "/cas/login"


def test_a_ticket_is_good_for_a_minute(visitor: Visitor, hongda: Company, clock: Clock):
    done = visitor.post_sign_in(visitor.signed(visitor.challenge(), hongda.card.pin))
    ticket = done.split("?ticket=")[1].split('"')[0]
    clock.advance(seconds=61)
    assert visitor.http.get(visitor.sim.business, params={"ticket": ticket}).url.path == "/cas/login"


def test_a_challenge_is_good_once(visitor: Visitor, hongda: Company):
    form = visitor.signed(visitor.challenge(), hongda.card.pin)
    visitor.post_sign_in(form)
    assert shown_error(visitor.post_sign_in(form)) == EXPIRED_PAGE


def test_a_challenge_is_good_for_five_minutes(visitor: Visitor, hongda: Company, clock: Clock):
    form = visitor.signed(visitor.challenge(), hongda.card.pin)
    clock.advance(seconds=301)
    assert shown_error(visitor.post_sign_in(form)) == EXPIRED_PAGE


def test_a_challenge_belongs_to_one_browser(visitor: Visitor, hongda: Company):
    form = visitor.signed(visitor.challenge(), hongda.card.pin)
    with Visitor(visitor.sim, desk=1) as thief:
        assert shown_error(thief.post_sign_in(form)) == EXPIRED_PAGE


def test_a_signature_by_another_card_is_refused(visitor: Visitor, hongda: Company, nanyue: Company):
    form = visitor.challenge()
    visitor.sim.insert(1, nanyue.card.number)
    signed = visitor.signed(form, nanyue.card.pin)
    forged = {**signed, "icCard": hongda.card.number, "certNo": hongda.card.certificate}
    assert shown_error(visitor.post_sign_in(forged)) == "验签失败，请重新登录"


def test_a_card_that_the_portal_does_not_know_is_refused(visitor: Visitor, hongda: Company):
    signed = visitor.signed(visitor.challenge(), hongda.card.pin)
    assert shown_error(visitor.post_sign_in({**signed, "icCard": "C1"})) == "该卡未在单一窗口注册"


def test_an_expired_certificate_is_refused_after_the_pin_was_used(
    sim: Simulator, companies: tuple[Company, ...]
):
    xinghai = next(company for company in companies if company.name == "中山市星海玩具有限公司")
    sim.insert(1, xinghai.card.number)
    with Visitor(sim, desk=1) as visitor:
        page = visitor.post_sign_in(visitor.signed(visitor.challenge(), xinghai.card.pin))
    assert shown_error(page) == "该卡证书已过期，请到电子口岸制卡中心办理延期"


def test_an_idle_session_ends(at_hongda: Visitor, clock: Clock):
    clock.advance(seconds=1800)
    assert at_hongda.get("/xwby/home").url.path == "/xwby/home"
    clock.advance(seconds=1801)
    assert at_hongda.get("/xwby/home").url.path == "/cas/login"
    assert at_hongda.get("/xwby/home").url.path == "/cas/login"


def control_of(sim: Simulator, *, desk_cookie: str | None) -> str:
    """The control that the sign-in page of a browser with this cookie speaks with."""
    cookies = {"sim_desk": desk_cookie} if desk_cookie else None
    with httpx.Client(trust_env=False, cookies=cookies) as browser:
        page = browser.get(f"{sim.login}/cas/card").text
    return page.split('data-control="')[1].split('"')[0]


def test_with_several_desks_the_page_asks_the_usual_address_unless_the_browser_has_a_desk(sim: Simulator):
    assert control_of(sim, desk_cookie=None) == "ws://127.0.0.1:61232"
    assert control_of(sim, desk_cookie="2") == sim.controls[1]
    assert control_of(sim, desk_cookie="9") == "ws://127.0.0.1:61232"


def test_choosing_a_desk_on_the_control_page_sets_the_browsers_cookie(sim: Simulator):
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        browser.get(f"{sim.portal}/_sim/desks/2")
        page = browser.get(f"{sim.login}/cas/card").text
    assert page.split('data-control="')[1].split('"')[0] == sim.controls[1]
