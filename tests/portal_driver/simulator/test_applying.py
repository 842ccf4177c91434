"""From 查看保单 to 投保申请: the portal's order and rules hold on the server (guide, 二 and 三)."""

from __future__ import annotations

from typing import Any

import pytest

from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

from .conftest import Clock
from .visitor import CONTACT, Visitor, rows, shown_error

BANNER = "您有一份待确认小微信保易保单，请查看保单"


def clicks(sim: Simulator, company: Company) -> dict[str, tuple[int, int]]:
    """Received and took effect, of each irreversible action that was asked for."""
    counted: dict[str, Any] = sim.state()["companies"][company.uscc]["clicks"]
    return {
        deed: (tally["received"], tally["took_effect"])
        for deed, tally in counted.items()
        if tally["received"]
    }


def standing(sim: Simulator, company: Company) -> str:
    return str(sim.state()["companies"][company.uscc]["standing"])


def test_after_sign_in_the_company_reads_its_name_and_uscc(at_hongda: Visitor, hongda: Company):
    page = at_hongda.get("/deskserver/company").text
    assert [page.count(hongda.name), page.count(hongda.uscc)] == [1, 1]


def test_the_portal_may_know_a_company_under_another_uscc(sim: Simulator, companies: tuple[Company, ...]):
    jiahe = next(company for company in companies if company.portal_uscc != company.uscc)
    sim.insert(1, jiahe.card.number)
    with Visitor(sim, desk=1) as visitor:
        visitor.sign_in(jiahe.card.pin)
        page = visitor.get("/deskserver/company").text
    assert [page.count(jiahe.uscc), page.count("91440200MA7YP74XAD")] == [0, 1]


def test_a_company_without_a_pending_policy_sees_no_banner(sim: Simulator, companies: tuple[Company, ...]):
    danxia = next(company for company in companies if not company.has_pending_policy)
    sim.insert(1, danxia.card.number)
    with Visitor(sim, desk=1) as visitor:
        visitor.sign_in(danxia.card.pin)
        assert visitor.get("/xwby/home").text.count(BANNER) == 0
        assert visitor.post("/xwby/confirm", **CONTACT, agree="on").text.count("暂无待确认保单") == 1


def test_a_company_that_authorised_before_is_done_with_one_confirmation(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    assert at_hongda.get("/xwby/home").text.count(BANNER) == 1
    page = at_hongda.confirm(clock).text
    assert page.count("投保操作完成") == 1
    assert clicks(sim, hongda) == {"confirm": (1, 1)}
    assert at_hongda.get("/xwby/home").text.count(BANNER) == 0
    [this_year, last_year] = rows(at_hongda.get("/xwby/applications").text)
    assert this_year == [
        "1", "SQ20264401000001", hongda.name, "小微信保易", "2026", "2026-03-01 09:00:10", "审核中", "",
    ]  # fmt: skip
    assert last_year[4:] == ["2025", "2025-04-02 09:00:00", "已承保", ""]


def test_a_company_that_applies_for_the_first_time_goes_through_all_four_screens(
    sim: Simulator, at_nanyue: Visitor, nanyue: Company, clock: Clock
):
    assert at_nanyue.confirm(clock).url.path == "/xwby/seal"
    assert at_nanyue.post("/xwby/seal").url.path == "/xwby/sign"
    assert at_nanyue.post("/xwby/sign", agree="on").url.path == "/xwby/authorize"
    assert at_nanyue.post("/xwby/authorize", agree="on").url.path == "/xwby/finish"
    assert rows(at_nanyue.get("/xwby/applications").text) == [["暂无数据"]]
    assert at_nanyue.post("/xwby/finish").url.path == "/xwby/submitted"
    assert [row[1] for row in rows(at_nanyue.get("/xwby/applications").text)] == ["SQ20264401000006"]
    assert clicks(sim, nanyue) == {"confirm": (1, 1), "seal": (1, 1), "sign": (1, 1), "authorize": (1, 1)}


def test_a_company_that_left_in_between_is_led_to_where_it_stopped(at_nanyue: Visitor, clock: Clock):
    at_nanyue.confirm(clock)
    at_nanyue.post("/xwby/seal")
    assert at_nanyue.get("/xwby/home").text.count(BANNER) == 1
    assert at_nanyue.get("/xwby/pending").url.path == "/xwby/sign"


@pytest.mark.parametrize(
    "email", ["nan-yue@nanyue.example", "nan_yue@nanyue.example", "nanyue@nan-yue.example"]
)
def test_an_email_with_a_hyphen_or_underscore_is_refused(
    sim: Simulator, at_nanyue: Visitor, nanyue: Company, clock: Clock, email: str
):
    at_nanyue.read_renewal_form(clock)
    page = at_nanyue.post("/xwby/confirm", **{**CONTACT, "email": email}, agree="on").text
    assert shown_error(page) == "邮箱格式不正确，请不要带中划线或下划线等特殊符号"
    assert clicks(sim, nanyue) == {"confirm": (1, 0)}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("contactName", " ", "请填写姓名"),
        ("mobile", "020-37198050", "手机号码格式不正确"),
        ("email", "nanyue", "邮箱格式不正确，请不要带中划线或下划线等特殊符号"),
    ],
)
def test_a_contact_must_be_complete(at_nanyue: Visitor, clock: Clock, field: str, value: str, words: str):
    at_nanyue.read_renewal_form(clock)
    page = at_nanyue.post("/xwby/confirm", **{**CONTACT, field: value}, agree="on").text
    assert shown_error(page) == words


def test_without_the_tick_nothing_is_confirmed(
    sim: Simulator, at_nanyue: Visitor, nanyue: Company, clock: Clock
):
    at_nanyue.read_renewal_form(clock)
    page = at_nanyue.post("/xwby/confirm", **CONTACT).text
    assert shown_error(page) == "请先勾选“已认真阅读以上内容并同意”"
    assert standing(sim, nanyue) == "pending"


def test_the_renewal_form_must_be_open_for_ten_seconds_of_the_servers_clock(
    sim: Simulator, at_nanyue: Visitor, nanyue: Company, clock: Clock
):
    assert at_nanyue.read_renewal_form(clock, seconds=9.9) == {
        "success": False,
        "message": "续转申请单须阅读满 10 秒",
    }
    page = at_nanyue.post("/xwby/confirm", **CONTACT, agree="on").text
    assert shown_error(page) == "请先阅读本年度续转申请单"
    assert at_nanyue.read_renewal_form(clock, seconds=10) == {"success": True, "message": ""}
    at_nanyue.post("/xwby/confirm", **CONTACT, agree="on")
    assert standing(sim, nanyue) == "sealing"


def test_a_reading_that_was_broken_off_does_not_count(at_nanyue: Visitor, clock: Clock):
    at_nanyue.read_renewal_form(clock, seconds=6)
    assert at_nanyue.read_renewal_form(clock, seconds=6)["success"] is False
    assert at_nanyue.post("/xwby/renewal-form/close").json()["message"] == "请先打开续转申请单"


def test_this_years_policy_is_confirmed_once(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    at_hongda.confirm(clock)
    page = at_hongda.post("/xwby/confirm", **CONTACT, agree="on").text
    assert shown_error(page) == "本年度投保申请已提交，请勿重复操作"
    assert clicks(sim, hongda) == {"confirm": (2, 1)}
    assert len(rows(at_hongda.get("/xwby/applications").text)) == 2


@pytest.mark.parametrize(
    ("path", "deed"), [("/xwby/seal", "seal"), ("/xwby/sign", "sign"), ("/xwby/authorize", "authorize")]
)
def test_no_step_can_be_jumped(sim: Simulator, at_nanyue: Visitor, nanyue: Company, path: str, deed: str):
    page = at_nanyue.post(path, agree="on").text
    assert shown_error(page) == "请先确认投保"
    assert clicks(sim, nanyue) == {deed: (1, 0)}


def test_a_company_that_authorised_before_has_nothing_to_seal(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    at_hongda.confirm(clock)
    assert shown_error(at_hongda.post("/xwby/seal").text) == "本年度投保申请已提交，请勿重复操作"
    assert clicks(sim, hongda) == {"confirm": (1, 1), "seal": (1, 0)}


@pytest.mark.parametrize(
    ("before", "path", "words"),
    [
        (["seal"], "/xwby/sign", "请先勾选“我确认协议条款”"),
        (["seal", "sign"], "/xwby/authorize", "请先勾选“同意提供上述数据内容”"),
    ],
)
def test_signing_and_authorizing_want_their_box_ticked(
    at_nanyue: Visitor, clock: Clock, before: list[str], path: str, words: str
):
    at_nanyue.confirm(clock)
    for deed in before:
        at_nanyue.post(f"/xwby/{deed}", agree="on")
    assert shown_error(at_nanyue.post(path).text) == words
