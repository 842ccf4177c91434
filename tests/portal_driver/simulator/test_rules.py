"""The portal's rules and faults are the same whatever it looks like: every skin, one world."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import httpx
import pytest

from portal_driver.simulator.companies import Company
from portal_driver.simulator.places import Place
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from portal_driver.simulator.skin import load_skin, skin_names

from .conftest import NEW_YEAR, Clock
from .guest import CONTACT, Guest
from .test_applying import clicks, standing

POLICY = "XB20264401000006"
BANNER = "您有一份待确认小微信保易保单"
SHOWN = ["pending", "sealing", "signing", "authorizing", "finishing"]
DEEDS = ["confirm", "seal", "sign", "authorize"]


@pytest.fixture(scope="module", params=skin_names())
def skinned(
    request: pytest.FixtureRequest, companies: tuple[Company, ...]
) -> Iterator[tuple[Simulator, Clock]]:
    clock = Clock()
    settings = Settings(year=2026, skin=request.param, approve_after_s=60)
    with Simulator(companies, settings, clock=clock) as running:
        yield running, clock


@pytest.fixture
def clock(skinned: tuple[Simulator, Clock]) -> Clock:
    skinned[1].now = NEW_YEAR
    return skinned[1]


@pytest.fixture
def sim(skinned: tuple[Simulator, Clock], clock: Clock) -> Simulator:
    skinned[0].reset()
    return skinned[0]


@pytest.fixture
def hongda_guest(sim: Simulator, hongda: Company) -> Iterator[Guest]:
    with Guest(sim) as guest:
        guest.sign_in(hongda)
        yield guest


@pytest.fixture
def guest(sim: Simulator, nanyue: Company) -> Iterator[Guest]:
    with Guest(sim) as guest:
        guest.sign_in(nanyue)
        yield guest


def test_no_two_skins_share_an_address_but_that_of_the_home_page():
    paths = {name: {door.path for door in load_skin(name).doors} - {"/"} for name in skin_names()}
    assert [(a, b) for a, b in combinations(paths, 2) if paths[a] & paths[b]] == []


@pytest.mark.parametrize("name", skin_names())
def test_a_skin_has_every_place(name: str):
    optional = {Place.LOGIN_TABS, Place.SYSTEM_HOME}
    assert [place for place in Place if place not in optional and not load_skin(name).has(place)] == []


def test_a_first_time_company_is_led_through_all_screens(
    sim: Simulator, guest: Guest, nanyue: Company, clock: Clock
):
    assert guest.ask("pending").place == "pending"
    led = [
        guest.confirm(clock).place,
        guest.ask("seal").place,
        guest.ask("sign", agree="on").place,
        guest.ask("authorize", agree="on").place,
        guest.ask("finish").place,
    ]
    assert led == ["sealing", "signing", "authorizing", "finishing", "submitted"]
    assert clicks(sim, nanyue) == dict.fromkeys(DEEDS, (1, 1))
    assert guest.ask("applications").says("审核中")


def test_a_company_that_authorised_before_is_done_with_one_confirmation(
    sim: Simulator, hongda_guest: Guest, hongda: Company, clock: Clock
):
    assert hongda_guest.confirm(clock).place == "submitted"
    assert clicks(sim, hongda) == {"confirm": (1, 1)}


def test_the_ten_seconds_are_the_servers(sim: Simulator, guest: Guest, nanyue: Company, clock: Clock):
    too_early = guest.read_form(clock, seconds=9.9)
    assert "续转申请单须阅读满10秒" in too_early.said.replace(" ", "")
    assert guest.ask("confirm", **CONTACT, agree="on").says("请先阅读本年度续转申请单")
    guest.confirm(clock)
    assert standing(sim, nanyue) == "sealing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contact_name": " "}, "请填写姓名"),
        ({"mobile": "020-37198050"}, "手机号码格式不正确"),
        ({"email": "nan_yue@nanyue.example"}, "邮箱格式不正确"),
        ({"agree": ""}, "请先勾选"),
    ],
)
def test_a_confirmation_that_is_not_right_is_refused_in_words(
    sim: Simulator, guest: Guest, nanyue: Company, clock: Clock, changes: dict[str, str], words: str
):
    guest.read_form(clock)
    assert guest.ask("confirm", **{**CONTACT, "agree": "on", **changes}).says(words)
    assert clicks(sim, nanyue) == {"confirm": (1, 0)}


@pytest.mark.parametrize("deed", ["seal", "sign", "authorize"])
def test_no_step_can_be_jumped(sim: Simulator, guest: Guest, nanyue: Company, deed: str):
    assert guest.ask(deed, agree="on").says("请先确认投保")
    assert clicks(sim, nanyue) == {deed: (1, 0)}


def test_a_deed_takes_effect_once(sim: Simulator, hongda_guest: Guest, hongda: Company, clock: Clock):
    hongda_guest.confirm(clock)
    assert hongda_guest.ask("confirm", **CONTACT, agree="on").says("请勿重复操作")
    assert clicks(sim, hongda) == {"confirm": (2, 1)}


def test_a_policy_is_received_once_and_only_after_it_was_viewed(
    sim: Simulator, guest: Guest, nanyue: Company, clock: Clock
):
    guest.apply_for_the_first_time(clock)
    clock.advance(seconds=60)
    assert guest.ask("policies").says(POLICY)
    assert guest.ask("receipt", number=POLICY).says("请先查看电子保单")
    assert guest.ask("policy", number=POLICY).says("待收悉")
    assert guest.ask("policy_file", number=POLICY).content.startswith(b"%PDF")
    guest.ask("receipt", number=POLICY)
    assert guest.ask("receipt", number=POLICY).says("该保险单已收悉")
    assert sim.state()["companies"][nanyue.uscc]["clicks"]["receipt"] == {"received": 3, "took_effect": 1}
    assert guest.ask("policy", number=POLICY).says("已收悉")


@pytest.mark.parametrize("place", ["company", "pending", "applications", "confirm"])
def test_a_lost_session_asks_to_sign_in(sim: Simulator, guest: Guest, place: str):
    sim.fault("session_lost", screen=place)
    seen = guest.ask(place)
    assert (seen.status, seen.place) == (200, "login")
    assert guest.ask("company").place == "login"


@pytest.mark.parametrize("place", ["home", "login"])
def test_public_pages_can_fail_too(sim: Simulator, guest: Guest, place: str):
    sim.fault("http_5xx", screen=place, status=502)
    assert guest.ask(place).status == 502


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("place", ["workspace", "system", "confirm"])
def test_an_error_does_nothing(sim: Simulator, guest: Guest, nanyue: Company, place: str, status: int):
    sim.fault("http_5xx", screen=place, status=status)
    assert guest.ask(place).status == status
    assert standing(sim, nanyue) == "pending"


@pytest.mark.parametrize("kind", ["answer_lost_after_deed", "connection_reset"])
def test_an_answer_is_lost_after_the_deed(
    sim: Simulator, hongda_guest: Guest, hongda: Company, clock: Clock, kind: str
):
    sim.fault(kind)
    with pytest.raises(httpx.TransportError):
        hongda_guest.confirm(clock)
    assert (clicks(sim, hongda), standing(sim, hongda)) == ({"confirm": (1, 1)}, "submitted")


def test_an_error_can_follow_the_deed(sim: Simulator, hongda_guest: Guest, hongda: Company, clock: Clock):
    sim.fault("error_after_deed", status=504)
    assert hongda_guest.confirm(clock).status == 504
    assert clicks(sim, hongda) == {"confirm": (1, 1)}


def test_a_deed_can_be_done_long_after_its_answer(
    sim: Simulator, hongda_guest: Guest, hongda: Company, clock: Clock
):
    sim.fault("done_late", seconds=0.3, status=504)
    assert hongda_guest.confirm(clock).status == 504
    assert clicks(sim, hongda) == {"confirm": (1, 0)}
    give_up_at = time.monotonic() + 10
    while standing(sim, hongda) != "submitted" and time.monotonic() < give_up_at:
        hongda_guest.ask("company")
    assert clicks(sim, hongda) == {"confirm": (1, 1)}


@pytest.mark.parametrize(
    "place",
    ["home", "login", "workspace", "company", "system", "pending", "renewal_form", "confirm", "policies"],
)
def test_a_captcha_can_stand_in_place_of_a_screen(sim: Simulator, guest: Guest, place: str):
    sim.fault("unknown_page", screen=place, times=1)
    first = guest.ask(place)
    assert (first.status, first.says("访问验证")) == (200, True)
    assert not guest.ask(place).says("访问验证")


@pytest.mark.parametrize(
    ("kind", "key"), [("notice_on_top", "notice"), ("confirm_dialog", "asks"), ("popup", "popup")]
)
@pytest.mark.parametrize("place", ["company", "pending", "applications", "policies"])
def test_something_gets_in_the_way_of_a_page(sim: Simulator, guest: Guest, place: str, kind: str, key: str):
    sim.fault(kind, screen=place, times=1)
    assert [_is_dressed(guest.ask_raw(place), key) for _ in range(2)] == [True, False]


def _is_dressed(text: str, key: str) -> bool:
    """As a page or as the answer to a call says it."""
    signs: dict[str, Any] = {
        "notice": ('"notice": true', "届时可能无法访问", "敬请谅解"),
        "asks": ('"asks": true', 'data-asks="true"'),
        "popup": ('"popup": true', 'data-popup="true"'),
    }
    return any(sign in text for sign in signs[key])


def test_a_word_of_a_screen_can_be_another_one(sim: Simulator, guest: Guest):
    sim.fault("layout_moved", screen="pending", times=1)
    moved, usual = (guest.ask("pending") for _ in range(2))
    assert [moved.says("提交投保信息"), usual.says("提交投保信息")] == [True, False]


def test_an_incomplete_list_lacks_this_years_row_but_not_its_count(
    sim: Simulator, hongda_guest: Guest, clock: Clock
):
    hongda_guest.confirm(clock)
    sim.fault("list_incomplete", times=1)
    lacking, whole = (hongda_guest.ask("applications") for _ in range(2))
    assert [seen.says("SQ20264401000001") for seen in (lacking, whole)] == [False, True]
    assert lacking.says("共2条") or lacking.says('"total": 2')


def test_a_list_can_show_another_years_row_alone(sim: Simulator, guest: Guest, clock: Clock):
    guest.apply_for_the_first_time(clock)
    sim.fault("list_other_year", times=1)
    stale = guest.ask("applications")
    assert [stale.says("SQ20264401000006"), stale.says("SQ20254401000006")] == [False, True]
    assert stale.says("共1条") or stale.says('"total": 1')


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "uscc_differs"}, "91440300MA5DA6XK3C"),
        ({"kind": "name_differs"}, "广州市弘达贸易有限公司"),
    ],
)
@pytest.mark.parametrize("place", ["company", "pending"])
def test_a_page_can_name_another_company(
    sim: Simulator, guest: Guest, place: str, fault: dict[str, str], words: str
):
    sim.fault(screen=place, **fault)
    assert guest.ask(place).says(words)


def test_a_page_can_speak_of_another_year(sim: Simulator, guest: Guest):
    sim.fault("year_differs", screen="pending")
    seen = guest.ask("pending")
    assert "2025" in seen.said


def test_the_pending_policy_can_be_withheld(sim: Simulator, guest: Guest):
    place = "system_home" if guest.skin.has(Place.SYSTEM_HOME) else "system"
    assert _has_banner(guest, place)
    sim.fault("no_pending_policy")
    assert not _has_banner(guest, place)
    assert guest.ask("pending").says("暂无待确认保单")


def _has_banner(guest: Guest, place: str) -> bool:
    seen = guest.ask(place)
    return seen.says(BANNER) or seen.says('"is_pending": true')


@pytest.mark.parametrize("place", ["home", "login", "login_card", "company", "pending", "applications"])
def test_every_document_says_that_it_is_a_simulation(guest: Guest, place: str):
    text = guest.ask_raw(place)
    assert text.startswith("{") or "仿真环境" in text
