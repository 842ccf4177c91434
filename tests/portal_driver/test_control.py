"""The control client reads the card without a PIN, and cannot even name a method that takes one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date

import pytest
from websockets.asyncio.server import ServerConnection, serve

from portal_driver.contract import CardRead, ExpectedCard, Reason
from portal_driver.control import CardControl, CardError, Method, check_card, last_day
from portal_driver.errors import PersonNeeded, PortalUnavailable
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

SPENDS_A_TRY = {
    "cus-sec_SpcVerifyPIN",
    "cus-sec_SpcVerifyPINAll",
    "cus-sec_SpcSignDataAsPEM",
    "cus-sec_SpcSignRandom",
    "swc_security_login",
}


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


@pytest.mark.parametrize("method", sorted(SPENDS_A_TRY))
async def test_no_method_that_spends_a_pin_try_can_leave(method: str):
    eavesdropper = Eavesdropper()
    async with serve(eavesdropper.converse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with CardControl.at(f"ws://127.0.0.1:{port}", timeout_s=2) as control:
            with pytest.raises(ValueError, match="is not a valid Method"):
                await control.ask(method)  # type: ignore[arg-type]

    assert eavesdropper.asked == []


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
