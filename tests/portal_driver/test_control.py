"""The control client reads the card without a PIN, and cannot even name a method that takes one."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.server import ServerConnection as SyncConnection
from websockets.sync.server import serve as serve_in_thread

from portal_driver.contract import CardRead, ExpectedCard, Reason
from portal_driver.control import (
    CardControl,
    CardError,
    Method,
    MethodForbidden,
    Trouble,
    check_card,
    last_day,
)
from portal_driver.errors import PersonNeeded, PortalUnavailable
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

# Seen in public code that talks to the real control: all that take a PIN, or may take one.
SPENDS_A_TRY = {
    "cus-sec_SpcVerifyPIN",
    "cus-sec_SpcVerifyPINAll",
    "cus-sec_SpcChangePIN",
    "cus-sec_SpcSignData",
    "cus-sec_SpcSignDataAsPEM",
    "cus-sec_SpcSignPemDataAsPem",
    "cus-sec_SpcSignDataNoHash",
    "cus-sec_SpcSignDataNoHashAsPEM",
    "cus-sec_SpcSignRandom",
    "cus-sec_SpcRSAEncrypt",
    "cus-sec_SpcRSADecrypt",
    "pdf-scan_PdfScan",
    "pdf-scan_PdfScanAsPEM",
    "swc_security_login",
}
SOURCES = Path(__file__).parents[2] / "portal_driver"
Converse = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
async def control(portal: Simulator, hongda: Company) -> AsyncIterator[CardControl]:
    portal.insert(1, hongda.card.number)
    async with CardControl.at(portal.controls[0], timeout_s=2) as opened:
        yield opened


class Eavesdropper:
    """A control that answers everything with yes and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def converse(self, connection: ServerConnection) -> None:
        async for message in connection:
            request = json.loads(message)
            self.asked.append(request["_method"])
            answer = {"Result": True, "Data": ["20270101"], "Error": []}
            await connection.send(
                json.dumps({"_method": request["_method"], "_status": "00", "_args": answer})
            )


async def test_it_says_whose_card_is_in_the_reader(control: CardControl, hongda: Company):
    assert await control.read_card() == CardRead(
        number=hongda.card.number,
        certificate=hongda.card.certificate,
        holder=hongda.card.holder,
        company=hongda.name,
        valid_until=hongda.card.valid_until.isoformat(),
        control_version="1.6.56",
    )


async def test_an_empty_reader_is_told_in_the_controls_words(control: CardControl, portal: Simulator):
    portal.remove(1)

    with pytest.raises(PersonNeeded) as absent:
        await control.read_card()

    assert absent.value.reason is Reason.CARD_ABSENT
    assert absent.value.detail == {"control": "[读卡器底层库]复位读卡器失败:错误码：50070 Err:Custom50070"}


async def test_reading_a_card_asks_for_nothing_that_takes_a_pin():
    eavesdropper = Eavesdropper()
    async with serve(eavesdropper.converse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with CardControl.at(f"ws://127.0.0.1:{port}", timeout_s=2) as control:
            await control.read_card()

    assert set(eavesdropper.asked) == {method.value for method in Method}
    assert set(eavesdropper.asked) & SPENDS_A_TRY == set()


# --- the closed list: no method that spends a PIN try can leave this process -----------------------------


def test_the_closed_list_is_this_one():
    """Whoever lengthens it has to change this test, and to prove that the new method takes no PIN."""
    assert {method.value for method in Method} == {
        "cus-sec_SpcGetCardID",
        "cus-sec_SpcGetCertNo",
        "cus-sec_SpcGetUName",
        "cus-sec_SpcGetEntName",
        "cus-sec_SpcGetValidTimeFromCert",
        "ver",
    }


@pytest.fixture(scope="module")
def tape() -> Iterator[tuple[str, list[str]]]:
    """A control's address, and all that was ever sent to it."""
    sent: list[str] = []

    def record(connection: SyncConnection) -> None:
        for message in connection:
            sent.append(str(message))
            method = json.loads(message)["_method"]
            yes = {"Result": True, "Data": ["x"], "Error": []}
            connection.send(json.dumps({"_method": method, "_args": yes}))

    with serve_in_thread(record, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}", sent
        server.shutdown()
        thread.join()


def spellings(name: str) -> st.SearchStrategy[str]:
    """A name as somebody might smuggle it: other case, spaces, quotes and control characters around it."""
    around = st.text(alphabet=" \t\n\x00\"'\\,{}:", max_size=3)
    cases = st.sampled_from([name, name.lower(), name.upper()])
    return st.tuples(around, cases, around).map("".join)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.one_of(st.text(), *map(spellings, sorted(SPENDS_A_TRY))), min_size=1, max_size=8))
@example(names=sorted(SPENDS_A_TRY))
def test_nothing_but_the_closed_list_ever_leaves(tape: tuple[str, list[str]], names: list[str]):
    address, sent = tape

    async def try_all() -> None:
        async with CardControl.at(address, timeout_s=5) as control:
            for name in names:
                for attempt in (control.ask, control._answer_to):
                    with suppress(MethodForbidden, ValueError, AttributeError, CardError):
                        await attempt(name)  # type: ignore[arg-type]
                with suppress(MethodForbidden):
                    await control._send({"_method": name, "_id": 1, "args": {"passwd": "31415926"}})
            await control.ask(Method.VERSION)

    asyncio.run(try_all())

    assert {json.loads(text)["_method"] for text in sent} <= {method.value for method in Method}
    assert [text for text in sent if "31415926" in text] == []


async def test_an_allowed_method_with_arguments_does_not_leave_either(tape: tuple[str, list[str]]):
    """`ver` with a PIN in it would be a PIN on the wire."""
    address, sent = tape
    before = len(sent)
    async with CardControl.at(address, timeout_s=5) as control:
        with pytest.raises(MethodForbidden):
            await control._send({"_method": "ver", "_id": 1, "args": {"passwd": "31415926"}})
        await control.ask(Method.VERSION)

    assert len(sent) == before + 1


def test_the_names_stand_nowhere_in_the_driver():
    """A name that is not in the code cannot be sent by it. Only the simulated control answers to them."""
    taking_a_pin = re.compile(r"Spc(?!Get)\w+|security_login|PdfScan|61231\b.*_method")
    files = [
        path
        for path in SOURCES.rglob("*")
        if path.suffix in (".py", ".toml", ".js") and "simulator" not in path.relative_to(SOURCES).parts
    ]
    assert len(files) > 20
    assert {path.name: found for path in files if (found := taking_a_pin.findall(path.read_text()))} == {}
    in_the_simulator = (SOURCES / "simulator" / "control.py").read_text()
    assert len(taking_a_pin.findall(in_the_simulator)) >= 5, "the search itself would find them"


# --- the wire -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def talking_to(converse: Converse, *, timeout_s: float = 2) -> AsyncIterator[CardControl]:
    """A client of a control that behaves like this."""
    async with serve(converse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with CardControl.at(f"ws://127.0.0.1:{port}", timeout_s=timeout_s) as control:
            yield control


def answer(request: dict[str, Any], *data: object, **changes: object) -> str:
    args = {"Result": True, "Data": list(data), "Error": []}
    return json.dumps(
        {"_id": request["_id"], "_method": request["_method"], "_status": "00", "_args": args, **changes}
    )


async def test_one_request_of_a_method_is_open_at_a_time():
    """Twenty callers at once, of two methods: the control never has two of one method before it."""
    open_now: dict[str, int] = {}
    most_open: dict[str, int] = {}

    async def converse(connection: ServerConnection) -> None:
        async def later(request: dict[str, Any]) -> None:
            await asyncio.sleep(0.001)
            open_now[request["_method"]] -= 1
            await connection.send(answer(request, request["_id"]))

        async with asyncio.TaskGroup() as group:
            async for message in connection:
                request = json.loads(message)
                method = request["_method"]
                open_now[method] = open_now.get(method, 0) + 1
                most_open[method] = max(most_open.get(method, 0), open_now[method])
                group.create_task(later(request))

    async with talking_to(converse) as control:
        asked = [control.ask(method) for method in (Method.HOLDER, Method.COMPANY) for _ in range(10)]
        answers = await asyncio.gather(*asked)

    assert most_open == {Method.HOLDER: 1, Method.COMPANY: 1}
    assert len({one for [one] in answers}) == 20, "everybody got the answer to his own request"


async def test_a_second_answer_to_an_earlier_request_is_not_taken_for_the_next():
    first: list[dict[str, Any]] = []

    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            request = json.loads(message)
            if first:
                await connection.send(answer(first[0], "the card before"))
            first.append(request)
            await connection.send(answer(request, f"card {len(first)}"))

    async with talking_to(converse) as control:
        assert await control.ask(Method.CARD_NUMBER) == ["card 1"]
        assert await control.ask(Method.CARD_NUMBER) == ["card 2"]


@pytest.mark.parametrize("echoed", [None, 0, "x"])
async def test_a_control_that_does_not_repeat_the_id_is_understood(echoed: object):
    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(answer(json.loads(message), "yes", _id=echoed))

    async with talking_to(converse) as control:
        assert [await control.ask(Method.HOLDER) for _ in range(2)] == [["yes"], ["yes"]]


async def test_a_late_answer_never_reaches_the_next_request():
    """The request was given up: its connection is over, so that nothing can come late on it."""
    slow = asyncio.Event()

    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            await slow.wait()
            await connection.send(answer(json.loads(message), "the card before", _id=None))

    with pytest.raises(PortalUnavailable) as unreachable:
        async with talking_to(converse, timeout_s=0.05) as control:
            with pytest.raises(TimeoutError):
                await control.ask(Method.CARD_NUMBER)
            slow.set()
            await control.ask(Method.CARD_NUMBER)

    assert unreachable.value.detail["error"] == "the control left cus-sec_SpcGetCardID unanswered"


async def test_a_caller_that_is_cancelled_leaves_no_open_request_behind():
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    with pytest.raises(PortalUnavailable):
        async with talking_to(silent, timeout_s=5) as control:
            asking = asyncio.ensure_future(control.ask(Method.HOLDER))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await control.ask(Method.HOLDER)


@pytest.mark.parametrize(
    "noise", ["", "null", "[]", "{", "\x00", "[" * 100_000, '{"_method": {"a": 1}}', b"\xff"]
)
async def test_a_malformed_frame_is_passed_over(noise: str | bytes):
    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(noise)
            await connection.send(answer(json.loads(message), "yes"))

    async with talking_to(converse) as control:
        assert await control.ask(Method.HOLDER) == ["yes"]


@pytest.mark.parametrize("args", [None, [], "x", {}, {"Result": False}, {"Result": False, "Error": "x"}])
async def test_an_answer_of_another_form_is_a_refusal(args: object):
    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(answer(json.loads(message), _args=args))

    async with talking_to(converse) as control:
        with pytest.raises(CardError):
            await control.ask(Method.HOLDER)


async def test_an_endless_answer_ends_the_connection():
    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(answer(json.loads(message), "x" * 300_000))

    with pytest.raises(PortalUnavailable) as unreachable:
        async with talking_to(converse) as control:
            await control.ask(Method.HOLDER)

    assert unreachable.value.reason is Reason.CONTROL_UNREACHABLE


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("[读卡器底层库]复位读卡器失败:错误码：50070 Err:Custom50070", Trouble.NO_CARD),
        ("[读卡器底层库]复位读卡器失败:错误码=50070", Trouble.NO_CARD),
        ("[读卡器底层库]打开读卡器失败：错误码=50200 Err:Custom50200", Trouble.NO_READER),
        ("连接客户端控件服务失败,请重试. Err:Base60408", Trouble.UNREACHABLE),
        ("card 50070", Trouble.OTHER),
        ("", Trouble.OTHER),
    ],
)
def test_error_texts_become_named_things(text: str, trouble: Trouble):
    assert CardError(text).trouble is trouble


async def test_a_reader_that_cannot_be_opened_is_the_controls_trouble_not_the_cards():
    async def converse(connection: ServerConnection) -> None:
        async for message in connection:
            error = ["[读卡器底层库]打开读卡器失败：错误码=50200", "Err:Custom50200"]
            await connection.send(answer(json.loads(message), _args={"Result": False, "Error": error}))

    async with talking_to(converse) as control:
        with pytest.raises(PortalUnavailable) as unreachable:
            await control.read_card()

    assert unreachable.value.reason is Reason.CONTROL_UNREACHABLE


async def test_answers_are_matched_by_method(portal: Simulator):
    """The control greets first, and may answer something else in between."""

    async def chatty(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"_method": "open", "_status": "00", "_args": {"Data": []}}))
        async for message in connection:
            await connection.send("not JSON")
            await connection.send(
                json.dumps({"_method": "another", "_args": {"Result": True, "Data": ["no"]}})
            )
            request = json.loads(message)
            answer = {"Result": True, "Data": ["yes"], "Error": []}
            await connection.send(json.dumps({"_method": request["_method"], "_args": answer}))

    async with serve(chatty, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with CardControl.at(f"ws://127.0.0.1:{port}", timeout_s=2) as control:
            assert await control.ask(Method.HOLDER) == ["yes"]


async def test_a_refusal_carries_the_controls_words(control: CardControl, portal: Simulator):
    portal.remove(1)

    with pytest.raises(CardError, match="错误码：50070"):
        await control.ask(Method.HOLDER)


async def test_a_control_that_falls_silent_is_unreachable():
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(silent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(PortalUnavailable) as unreachable:
            async with CardControl.at(f"ws://127.0.0.1:{port}", timeout_s=0.1) as control:
                await control.read_card()

    assert unreachable.value.reason is Reason.CONTROL_UNREACHABLE


async def test_a_control_that_is_not_there_is_unreachable():
    with pytest.raises(PortalUnavailable) as unreachable:
        async with CardControl.at("ws://127.0.0.1:9", timeout_s=1):
            pass

    assert unreachable.value.reason is Reason.CONTROL_UNREACHABLE


@pytest.mark.parametrize(
    ("said", "day"),
    [
        (["20260101000000", "20270611235959"], "2027-06-11"),
        (['{"szStartTime": "20160101000000", "szEndTime": "20260101235959"}'], "2026-01-01"),
        (["2026-01-01 00:00:00", "2027-01-31 23:59:59"], "2027-01-31"),
        (["Err"], ""),
        ([], ""),
        (["20261399"], ""),
    ],
)
def test_the_last_day_of_validity_is_read_from_what_the_control_says(said: list[str], day: str):
    assert last_day(said) == day


def read(**changes: str) -> CardRead:
    card = {
        "number": "C1",
        "certificate": "e3",
        "holder": "宋",
        "company": "宏达",
        "valid_until": "2027-06-11",
    }
    return CardRead(**{**card, "control_version": "1.6.56", **changes})


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (read(number="C2"), Reason.CARD_WRONG),
        (read(certificate="e4"), Reason.CARD_WRONG),
        (read(valid_until="2026-11-22"), Reason.CERTIFICATE_EXPIRED),
    ],
)
def test_a_card_that_does_not_fit_the_plan_is_refused(card: CardRead, reason: Reason):
    with pytest.raises(PersonNeeded) as refused:
        check_card(card, ExpectedCard("C1", "e3"), today=date(2026, 11, 23))

    assert refused.value.reason is reason


@pytest.mark.parametrize("card", [read(), read(valid_until="2026-11-23"), read(valid_until="")])
def test_a_card_that_fits_passes_on_its_last_day_too(card: CardRead):
    check_card(card, ExpectedCard("C1", "e3"), today=date(2026, 11, 23))


def test_an_unknown_certificate_number_is_not_compared():
    check_card(read(certificate="another"), ExpectedCard("C1", ""), today=date(2026, 11, 23))
