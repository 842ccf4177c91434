"""Approval, the 保险单 tab, the file and 收悉 (guide, 四)."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader

from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.world import Refused

from .conftest import Clock
from .visitor import Visitor, rows

NUMBER = "XB20264401000006"


@pytest.fixture
def approved(sim: Simulator, at_nanyue: Visitor, clock: Clock) -> Visitor:
    """Somebody of Nanyue, whose application was approved after a minute."""
    at_nanyue.apply_for_the_first_time(clock)
    clock.advance(seconds=60)
    return at_nanyue


def test_the_insurer_decides_after_the_time_that_was_set(at_nanyue: Visitor, clock: Clock):
    at_nanyue.apply_for_the_first_time(clock)
    clock.advance(seconds=59)
    assert [row[6] for row in rows(at_nanyue.get("/xwby/applications").text)] == ["审核中"]
    assert rows(at_nanyue.get("/xwby/policies").text) == [["暂无数据"]]
    clock.advance(seconds=1)
    assert [row[6] for row in rows(at_nanyue.get("/xwby/applications").text)] == ["已承保"]
    assert rows(at_nanyue.get("/xwby/policies").text) == [
        [
            "1",
            NUMBER,
            "广州市南粤纺织有限公司",
            "小微信保易",
            "2026",
            "2026-03-01 至 2027-02-28",
            "待收悉",
            "查看",
        ]
    ]


def test_an_application_can_be_returned_with_a_reason(
    sim: Simulator, at_nanyue: Visitor, nanyue: Company, clock: Clock
):
    at_nanyue.apply_for_the_first_time(clock)
    sim.return_application(nanyue.uscc, "出口额不符合条件")
    [row] = rows(at_nanyue.get("/xwby/applications").text)
    assert row[6:] == ["退回", "出口额不符合条件"]
    with pytest.raises(Refused):
        sim.approve(nanyue.uscc)


def test_a_policy_is_received_once_and_only_after_it_was_viewed(
    sim: Simulator, approved: Visitor, nanyue: Company
):
    receipt = f"/xwby/policies/{NUMBER}/receipt"
    assert approved.post(receipt).json() == {"success": False, "message": "请先查看电子保单"}
    approved.get(f"/xwby/policies/{NUMBER}")
    assert approved.post(receipt).json() == {"success": True, "message": "收悉成功"}
    assert approved.post(receipt).json() == {"success": False, "message": "该保险单已收悉，请勿重复操作"}
    company = sim.state()["companies"][nanyue.uscc]
    assert company["clicks"]["receipt"] == {"received": 3, "took_effect": 1}
    assert company["policy"] == {
        "number": NUMBER,
        "valid_from": "2026-03-01",
        "valid_to": "2027-02-28",
        "viewed": True,
        "received": True,
    }
    assert [row[6] for row in rows(approved.get("/xwby/policies").text)] == ["已收悉"]


def test_before_approval_there_is_nothing_to_receive(at_nanyue: Visitor, clock: Clock):
    at_nanyue.apply_for_the_first_time(clock)
    answer = at_nanyue.post(f"/xwby/policies/{NUMBER}/receipt").json()
    assert answer == {"success": False, "message": "未查询到该保险单"}


def test_the_tab_counts_what_waits_for_receipt(approved: Visitor):
    assert approved.get("/xwby/system").text.count("保险单(1)</a>") == 1
    approved.get(f"/xwby/policies/{NUMBER}")
    approved.post(f"/xwby/policies/{NUMBER}/receipt")
    assert approved.get("/xwby/system").text.count("保险单</a>") == 1


def test_the_file_is_a_pdf_whose_text_names_company_and_policy(approved: Visitor, nanyue: Company):
    response = approved.get(f"/xwby/policies/{NUMBER}/file")
    assert response.headers["content-type"] == "application/pdf"
    lines = PdfReader(BytesIO(response.content)).pages[0].extract_text().splitlines()
    assert lines[:8] == [
        "仿真环境 样张无效",
        "中国出口信用保险公司",
        "小微信保易保险单（2026 年度）",
        f"保险单号：{NUMBER}",
        f"投保人：{nanyue.name}",
        f"统一社会信用代码：{nanyue.uscc}",
        "保险期间：2026-03-01 至 2027-02-28",
        "保险人：中国出口信用保险公司",
    ]


def test_another_companys_policy_cannot_be_read(approved: Visitor, at_hongda: Visitor):
    assert approved.get(f"/xwby/policies/{NUMBER}/file").headers["content-type"] == "application/pdf"
    assert at_hongda.get(f"/xwby/policies/{NUMBER}/file").text.count("未查询到该保险单") == 1
