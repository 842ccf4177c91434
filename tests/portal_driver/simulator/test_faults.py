"""What the simulator can be told to do wrong (portal.md, 5)."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from websockets.exceptions import InvalidStatus

from portal_driver.simulator.companies import Company
from portal_driver.simulator.faults import BadFault
from portal_driver.simulator.running import Simulator

from .conftest import Clock
from .test_applying import BANNER, clicks, standing
from .visitor import CONTACT, Desk, Visitor, rows

POLICY = "/xwby/policies/XB20264401000001"


def test_slow_waits_before_anything_is_done(sim: Simulator, at_hongda: Visitor):
    sim.fault("slow", seconds=0.3, screen="applications")
    started = time.monotonic()
    at_hongda.get("/xwby/applications")
    assert time.monotonic() - started >= 0.3


def test_an_error_of_the_server_is_counted_and_does_nothing(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    sim.fault("http_5xx", hongda.uscc, status=502, screen="confirm", times=1)
    assert at_hongda.confirm(clock).status_code == 502
    assert clicks(sim, hongda) == {"confirm": (1, 0)}
    at_hongda.post("/xwby/confirm", **CONTACT, agree="on")
    assert clicks(sim, hongda) == {"confirm": (2, 1)}


def test_a_lost_session_shows_the_sign_in_page_and_counts_what_was_asked(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    sim.fault("session_lost", hongda.uscc, screen="confirm")
    page = at_hongda.confirm(clock)
    assert (page.status_code, page.url.path) == (200, "/cas/login")
    assert at_hongda.get("/xwby/home").url.path == "/cas/login"
    assert clicks(sim, hongda) == {"confirm": (1, 0)}


def test_an_answer_is_lost_after_the_deed_was_done(
    sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock
):
    sim.fault("answer_lost_after_deed", hongda.uscc)
    with pytest.raises(httpx.RemoteProtocolError):
        at_hongda.confirm(clock)
    assert clicks(sim, hongda) == {"confirm": (1, 1)}
    assert standing(sim, hongda) == "submitted"


def test_an_answer_can_be_lost_on_a_named_screen_too(sim: Simulator, at_hongda: Visitor):
    sim.fault("answer_lost_after_deed", screen="applications", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        at_hongda.get("/xwby/applications")
    assert at_hongda.get("/xwby/applications").status_code == 200


def test_a_notice_covers_the_page(sim: Simulator, at_hongda: Visitor):
    sim.fault("notice_on_top", screen="pending", times=1)
    covered = [at_hongda.get("/xwby/pending").text.count('<a class="layui-layer-close') for _ in range(2)]
    assert covered == [1, 0]


def test_an_incomplete_list_lacks_this_years_row_but_not_its_count(
    sim: Simulator, at_hongda: Visitor, clock: Clock
):
    at_hongda.confirm(clock)
    sim.fault("list_incomplete")
    page = at_hongda.get("/xwby/applications").text
    assert [row[4] for row in rows(page)] == ["2025"]
    assert page.count("共 2 条") == 1


def test_the_right_pin_can_be_refused(sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)
    sim.fault("wrong_pin", hongda.uscc, times=1)
    answer = Desk(sim.controls[0]).ask("cus-sec_SpcVerifyPIN", passwd=hongda.card.pin)
    assert answer["Error"][1] == "Err:Custom50021"
    assert sim.state()["companies"][hongda.uscc]["pin_tries_spent"] == 1


def test_a_card_can_be_locked(sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)
    sim.fault("card_locked", hongda.uscc)
    answer = Desk(sim.controls[0]).ask("cus-sec_SpcSignDataAsPEM", inData="x", passwd=hongda.card.pin)
    assert answer["Error"][1] == "Err:Custom50022"


def test_a_card_can_be_pulled_at_the_moment_its_pin_is_used(sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)
    sim.fault("card_pulled", hongda.uscc)
    answer = Desk(sim.controls[0]).ask("cus-sec_SpcSignDataAsPEM", inData="x", passwd=hongda.card.pin)
    assert answer["Error"][1] == "Err:Custom50070"
    assert [desk["card"] for desk in sim.state()["desks"]] == [None, None]


def test_a_control_can_be_missing(sim: Simulator):
    sim.fault("control_missing", times=1)
    with pytest.raises(InvalidStatus):
        Desk(sim.controls[0]).ask("ver")
    assert Desk(sim.controls[0]).ask("ver")["Result"] is True


def test_the_portal_can_show_another_uscc(sim: Simulator, at_hongda: Visitor, hongda: Company):
    sim.fault("uscc_differs", hongda.uscc, uscc="91440200MA7YP74XAD")
    page = at_hongda.get("/deskserver/company").text
    assert [page.count(hongda.uscc), page.count("91440200MA7YP74XAD")] == [0, 1]


def test_the_pending_policy_can_be_withheld(sim: Simulator, at_hongda: Visitor, hongda: Company):
    sim.fault("no_pending_policy", hongda.uscc)
    assert at_hongda.get("/xwby/home").text.count(BANNER) == 0
    assert at_hongda.get("/xwby/pending").text.count("暂无待确认保单") == 1


def test_an_application_can_be_refused_when_it_is_due(sim: Simulator, at_hongda: Visitor, clock: Clock):
    sim.fault("application_refused", reason="资料不全")
    at_hongda.confirm(clock)
    clock.advance(seconds=60)
    assert rows(at_hongda.get("/xwby/applications").text)[0][6:] == ["退回", "资料不全"]


def test_an_approval_can_be_late(sim: Simulator, at_hongda: Visitor, hongda: Company, clock: Clock):
    sim.fault("approval_late", hongda.uscc)
    at_hongda.confirm(clock)
    clock.advance(seconds=600)
    assert rows(at_hongda.get("/xwby/applications").text)[0][6] == "审核中"
    sim.clear_faults()
    assert rows(at_hongda.get("/xwby/applications").text)[0][6] == "已承保"


@pytest.fixture
def approved(at_hongda: Visitor, clock: Clock) -> Visitor:
    at_hongda.confirm(clock)
    clock.advance(seconds=60)
    return at_hongda


def test_a_policy_file_can_be_cut_short(sim: Simulator, approved: Visitor):
    whole = approved.get(f"{POLICY}/file").content
    sim.fault("pdf_broken")
    half = approved.get(f"{POLICY}/file").content
    assert half == whole[: len(whole) // 2]
    with pytest.raises(PyPdfError):
        PdfReader(BytesIO(half), strict=True)


def test_a_policy_file_can_be_a_page_of_errors(sim: Simulator, approved: Visitor):
    sim.fault("pdf_broken", variant="html")
    response = approved.get(f"{POLICY}/file")
    assert response.headers["content-type"] == "application/pdf"
    assert response.content.startswith(b"<html>")


def test_a_policy_file_can_be_another_companys(sim: Simulator, approved: Visitor, hongda: Company):
    sim.fault("pdf_broken", variant="other")
    text = PdfReader(BytesIO(approved.get(f"{POLICY}/file").content)).pages[0].extract_text()
    assert text.count(hongda.name) == 0
    assert text.count("投保人：清远市远航电子有限公司") == 1


def test_a_word_of_a_screen_can_be_another_one(sim: Simulator, at_hongda: Visitor):
    sim.fault("layout_moved", screen="pending", times=1)
    moved, usual = (at_hongda.get("/xwby/pending").text for _ in range(2))
    assert [moved.count(">确认投保</a>"), moved.count(">提交投保信息</a>")] == [0, 1]
    assert [usual.count(">确认投保</a>"), usual.count(">提交投保信息</a>")] == [1, 0]


def test_a_fault_strikes_only_the_company_it_is_for(sim: Simulator, at_hongda: Visitor, nanyue: Company):
    sim.fault("http_5xx", nanyue.uscc)
    assert at_hongda.get("/xwby/home").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "earthquake"}, "not a fault: 'earthquake' is not a valid Kind"),
        ({"kind": "slow", "screen": "attic"}, "not a fault: 'attic' is not a valid Screen"),
        (
            {"kind": "slow", "minutes": 1},
            "not a fault: Fault.__init__() got an unexpected keyword argument 'minutes'",
        ),
    ],
)
def test_what_is_not_a_fault_is_refused_by_name(sim: Simulator, fault: dict[str, Any], words: str):
    kind = str(fault.pop("kind"))
    with pytest.raises(BadFault) as refused:
        sim.fault(kind, **fault)
    assert str(refused.value) == words
