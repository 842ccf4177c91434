"""The card control's wire format, and what its methods cost (portal.md, 2)."""

from __future__ import annotations

import json
from contextlib import ExitStack

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
        "cus-sec_SpcChangePIN",
        "swc_security_login",
    ],
)
def test_each_method_that_takes_a_pin_spends_a_try_when_it_is_wrong(
    sim: Simulator, desk: Desk, hongda: Company, method: str
):
    rest = {"inData": "x", "random": "x", "newPin": "x"}
    assert desk.ask(method, passwd="00000000", oldPin="00000000", **rest)["Error"] == wrong_pin(2)
    assert sim.state()["companies"][hongda.uscc]["pin_tries_spent"] == 1
    assert desk.ask(method, passwd=hongda.card.pin, oldPin=hongda.card.pin, **rest)["Result"] is True


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
        ("", "", "Err:Base60400"),
        ("[" * 100_000, "", "Err:Base60400"),
        ('{"_id": 3}', "", "Err:Base60400"),
        ('{"_method": ["ver"], "_id": 3}', "", "Err:Base60400"),
        ('{"_method": "ver", "_id": 3, "args": [1]}', "ver", "Err:Base60400"),
        ('{"_method": "VER", "_id": 3}', "VER", "Err:Base60404"),
        ('{"_method": "cus-sec_SpcSignRandom", "_id": 3}', "cus-sec_SpcSignRandom", "Err:Base60400"),
        ('{"_method": "cus-sec_SpcVerifyPIN", "_id": 3}', "cus-sec_SpcVerifyPIN", "Err:Base60400"),
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


def test_a_request_without_id_or_arguments_is_answered(desk: Desk):
    answer = desk.ask_raw('{"_method": "ver"}')
    assert (answer["_id"], answer["_args"]["Data"]) == (0, ["1.6.56"])


def test_every_frame_begins_as_the_pages_script_expects(desk: Desk):
    """It takes what begins with a brace, and shows an alert for anything else."""
    with connect(desk.address, proxy=None) as socket:
        frames = [str(socket.recv())]
        for request in ("not JSON", '{"_method": "ver"}', block(0, '{"_method":"ver"')):
            socket.send(request)
            frames.append(str(socket.recv()))
    assert [frame[0] for frame in frames] == ["{"] * 4


# --- a request in blocks is refused, and the connection goes on ------------------------------------------


GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def block(place: int, data: str) -> str:
    """One block of a long request, with the header that the page's script puts before it."""
    numbers = f"{'1A2B':4}{'3C4D':4}{300_000:<16}{len(data):<8}{3:<4}"
    header = f"BLOCKTXT{numbers}{GUID}{place:<4}{'':44}"
    assert len(header) == 128
    return header + data


def test_a_request_in_blocks_is_refused_and_its_sender_released(desk: Desk):
    beginning = '{"_method":"cus-sec_SpcSignDataAsPEM","_id":41,"args":{"inData":"' + "x" * 100_000
    with connect(desk.address, proxy=None) as socket:
        socket.recv()
        socket.send(block(0, beginning))
        released, refused = json.loads(socket.recv()), json.loads(socket.recv())
        socket.send('{"_method": "ver", "_id": 42, "args": {}}')
        after = json.loads(socket.recv())
    assert (released["_method"], released["_args"]["Data"][0]["guid"]) == ("_nextBlock", GUID)
    assert released["_args"]["Data"][0]["finish"] is True
    assert (refused["_method"], refused["_id"]) == ("cus-sec_SpcSignDataAsPEM", 41)
    assert refused["_args"] == {"Result": False, "Data": [], "Error": ["不支持分块传输", "Err:Base60413"]}
    assert after["_args"]["Data"] == ["1.6.56"]


@pytest.mark.parametrize(
    "frame", ["BLOCKTXT", block(0, ""), block(0, '{"_method":'), block(0, '{"_method":7,')]
)
def test_a_broken_block_is_refused_as_well(desk: Desk, frame: str):
    answer = desk.ask_raw(frame)
    assert (answer["_method"], answer["_args"]["Error"][1]) == ("_nextBlock", "Err:Base60413")


def test_a_later_block_says_nothing_to_the_method(desk: Desk):
    with connect(desk.address, proxy=None) as socket:
        socket.recv()
        socket.send(block(2, "xxx"))
        socket.send('{"_method": "ver", "_id": 42, "args": {}}')
        methods = [json.loads(socket.recv())["_method"] for _ in range(2)]
    assert methods == ["_nextBlock", "ver"]


# --- one control a computer, whoever asks -----------------------------------------------------------------


def test_several_clients_are_answered_each_on_his_own_connection(desk: Desk, hongda: Company):
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(desk.address, proxy=None)) for _ in range(3)]
        for number, socket in enumerate(sockets):
            socket.recv()
            socket.send(json.dumps({"_method": "cus-sec_SpcGetCardID", "_id": number, "args": {}}))
        answers = [json.loads(socket.recv()) for socket in reversed(sockets)]
    assert [answer["_id"] for answer in answers] == [2, 1, 0]
    assert [answer["_args"]["Data"] for answer in answers] == [[hongda.card.number]] * 3


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(desk: Desk):
    for _ in range(5):
        with connect(desk.address, proxy=None) as socket:
            socket.send('{"_method": "ver", "_id": 1, "args": {}}')
    assert desk.ask("ver")["Data"] == ["1.6.56"]


def test_a_verified_pin_serves_until_the_card_is_closed(sim: Simulator, desk: Desk, hongda: Company):
    """A signature takes the PIN or none: none is enough after `SpcVerifyPIN`, and spends no try."""
    unverified = desk.ask("cus-sec_SpcSignDataAsPEM", inData="x")
    desk.ask("cus-sec_SpcVerifyPIN", passwd=hongda.card.pin)
    verified = desk.ask("cus-sec_SpcSignDataAsPEM", inData="x")
    desk.ask("cus-sec_SpcClearEnv")
    closed = desk.ask("cus-sec_SpcSignDataAsPEM", inData="x")
    assert [answer["Result"] for answer in (unverified, verified, closed)] == [False, True, False]
    assert unverified["Error"][1] == closed["Error"][1] == "Err:Custom50020"
    assert sim.state()["companies"][hongda.uscc]["pin_tries_spent"] == 0


def test_a_verified_pin_does_not_serve_another_card(
    sim: Simulator, desk: Desk, hongda: Company, nanyue: Company
):
    desk.ask("cus-sec_SpcVerifyPIN", passwd=hongda.card.pin)
    sim.insert(1, nanyue.card.number)
    assert desk.ask("cus-sec_SpcSignDataAsPEM", inData="x")["Error"][1] == "Err:Custom50020"


def test_the_variant_that_opens_and_closes_by_itself_leaves_nothing_open(desk: Desk, hongda: Company):
    desk.ask("cus-sec_SpcVerifyPINAll", passwd=hongda.card.pin)
    assert desk.ask("cus-sec_SpcSignDataAsPEM", inData="x")["Result"] is False


def test_a_signature_is_verified_by_the_card_in_the_reader(desk: Desk, hongda: Company):
    signature, certificate = desk.ask("cus-sec_SpcSignDataAsPEM", inData="x", passwd=hongda.card.pin)["Data"]
    verdicts = [
        desk.ask("cus-sec_SpcVerifySignData", inData=data, signData=signature)["Data"] for data in ("x", "y")
    ]
    assert (verdicts, certificate) == ([[True], [False]], hongda.card.certificate)
