"""The card control's wire format, and what its methods cost (portal.md, 2)."""

from __future__ import annotations

import json

import pytest
from cryptography import x509
from websockets.sync.client import connect

from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

from .visitor import Desk

EMPTY_READER = ["[读卡器底层库]复位读卡器失败:错误码：50070", "Err:Custom50070"]
LOCKED = ["[读卡器底层库]卡密码已锁定:错误码：50022", "Err:Custom50022"]


def wrong_pin(left: int) -> list[str]:
    return [f"[读卡器底层库]验证卡密码失败:错误码：50021,剩余次数：{left}", "Err:Custom50021"]


@pytest.fixture
def desk(sim: Simulator, hongda: Company) -> Desk:
    """Desk 1 with Hongda's card in it."""
    sim.insert(1, hongda.card.number)
    return Desk(sim.controls[0])


def test_an_answer_has_the_wire_format_of_the_real_control(desk: Desk, hongda: Company):
    assert desk.ask_raw({"_method": "cus-sec_SpcGetCardID", "_id": 1, "args": {}}) == {
        "_id": 1,
        "_method": "cus-sec_SpcGetCardID",
        "_status": "00",
        "_args": {"Result": True, "Data": [hongda.card.number], "Error": []},
    }


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("ver", ["1.6.56"]),
        ("cus-sec_SpcInitEnvEx", []),
        ("cus-sec_SpcClearEnv", []),
        ("cus-sec_SpcGetCertNo", ["e37a3bc039"]),
        ("cus-sec_SpcGetUName", ["宋海峰"]),
        ("cus-sec_SpcGetEntID", ["91440100MAB53RXR8B"]),
        ("cus-sec_SpcGetEntName", ["广州市宏达贸易有限公司"]),
        ("cus-sec_SpcGetEntMode", ["0"]),
        (
            "cus-sec_SpcGetCardUserInfo",
            ["宋海峰||广州市宏达贸易有限公司||91440100MAB53RXR8B||C440010000417"],
        ),
        (
            "cus-sec_SpcGetValidTimeFromCert",
            [{"szStartTime": "20160919235959", "szEndTime": "20260917235959"}],
        ),
    ],
)
def test_whose_card_it_is_can_be_read_without_a_pin(
    sim: Simulator, desk: Desk, hongda: Company, method: str, data: list[object]
):
    assert desk.ask(method) == {"Result": True, "Data": data, "Error": []}
    assert sim.state()["companies"][hongda.uscc]["pin_tries_spent"] == 0


def test_the_certificate_names_the_company_and_its_holder(desk: Desk, hongda: Company):
    [pem] = desk.ask("cus-sec_SpcGetSignCertAsPEM")["Data"]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert certificate.subject.rfc4514_string() == (
        f"2.5.4.5={hongda.card.certificate},CN={hongda.card.holder},O={hongda.name},C=CN"
    )
    assert certificate.not_valid_after_utc.date() == hongda.card.valid_until


def test_an_empty_reader_says_so(sim: Simulator):
    assert Desk(sim.controls[1]).ask("cus-sec_SpcGetCardID") == {
        "Result": False,
        "Data": [],
        "Error": EMPTY_READER,
    }


def test_each_desk_has_its_own_reader(sim: Simulator, desk: Desk, nanyue: Company):
    sim.insert(2, nanyue.card.number)
    numbers = [Desk(control).ask("cus-sec_SpcGetCardID")["Data"] for control in sim.controls]
    assert numbers == [["C440010000417"], [nanyue.card.number]]


def test_a_removed_card_is_gone(sim: Simulator, desk: Desk):
    sim.remove(1)
    assert desk.ask("cus-sec_SpcInitEnvEx")["Error"] == EMPTY_READER


@pytest.mark.parametrize(
    "method",
    [
        "cus-sec_SpcVerifyPIN",
        "cus-sec_SpcVerifyPINAll",
        "cus-sec_SpcSignDataAsPEM",
        "cus-sec_SpcSignRandom",
        "swc_security_login",
    ],
)
def test_each_method_that_takes_a_pin_spends_a_try_when_it_is_wrong(
    sim: Simulator, desk: Desk, hongda: Company, method: str
):
    assert desk.ask(method, passwd="00000000")["Error"] == wrong_pin(2)
    assert sim.state()["companies"][hongda.uscc]["pin_tries_spent"] == 1
    assert desk.ask(method, passwd=hongda.card.pin)["Result"] is True


def test_the_third_wrong_pin_locks_the_card_for_the_right_one_too(
    sim: Simulator, desk: Desk, hongda: Company
):
    errors = [desk.ask("cus-sec_SpcVerifyPIN", passwd="00000000")["Error"] for _ in range(3)]
    assert errors == [wrong_pin(2), wrong_pin(1), LOCKED]
    assert desk.ask("cus-sec_SpcVerifyPIN", passwd=hongda.card.pin)["Error"] == LOCKED
    company = sim.state()["companies"][hongda.uscc]
    assert (company["pin_tries_spent"], company["card_locked"]) == (3, True)


def test_a_right_pin_gives_the_tries_back(desk: Desk, hongda: Company):
    pins = ["00000000", "00000000", hongda.card.pin, "00000000"]
    errors = [desk.ask("cus-sec_SpcVerifyPIN", passwd=pin)["Error"] for pin in pins]
    assert errors == [wrong_pin(2), wrong_pin(1), [], wrong_pin(2)]


@pytest.mark.parametrize(
    ("request_text", "method", "code"),
    [
        ("not JSON", "", "Err:Base60400"),
        ("[]", "", "Err:Base60400"),
        ('{"_method": "cus-sec_Unknown", "_id": 3}', "cus-sec_Unknown", "Err:Base60404"),
    ],
)
def test_a_request_that_it_does_not_understand_gets_an_error(
    desk: Desk, request_text: str, method: str, code: str
):
    answer = desk.ask_raw(request_text)
    assert (answer["_method"], answer["_args"]["Error"][1]) == (method, code)


def test_answers_to_requests_in_a_row_carry_their_method(desk: Desk):
    methods = ["ver", "cus-sec_SpcGetCardID", "cus-sec_SpcGetCertNo"]
    with connect(desk.address, proxy=None) as socket:
        for number, method in enumerate(methods, start=1):
            socket.send(json.dumps({"_method": method, "_id": number, "args": {}}))
        answers = [json.loads(socket.recv()) for _ in range(4)]
    assert [(answer["_id"], answer["_method"]) for answer in answers] == [
        (0, "open"),
        *enumerate(methods, start=1),
    ]
