"""What must follow when something is wrong: the right reason, and never a click or a PIN try too many."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from portal_driver.contract import (
    Arm,
    Click,
    Confirmed,
    Contact,
    ExpectedCard,
    Fired,
    NeedPin,
    NoPin,
    Outcome,
    Pin,
    PolicyRead,
    Reading,
    Reason,
    Standing,
)
from portal_driver.profile import Profile
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from portal_driver.simulator.world import Step
from tests.portal_driver.conftest import READING_S
from tests.portal_driver.desk import DESK, YEAR, Desk, Staff

pytestmark = pytest.mark.browser

ONCE, NEVER = (1, 1), (0, 0)
PERSON = Outcome.PERSON_NEEDED


# --- the card: all of it before any PIN is asked for ------------------------------------------------


async def test_without_a_card_nobody_is_asked_for_a_pin(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda, insert=False)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_ABSENT)
    assert staff.heard(NeedPin) == []


async def test_another_companys_card_is_not_used(desk: Desk, hongda: Company, nanyue: Company):
    desk.portal.insert(DESK, nanyue.card.number)

    finished, staff = await desk.renew(hongda, insert=False)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_WRONG)
    assert finished.detail == {"expected": hongda.card.number, "seen": nanyue.card.number}
    assert staff.heard(NeedPin) == []


async def test_the_same_card_with_another_certificate_is_not_used(desk: Desk, hongda: Company):
    renewed = ExpectedCard(hongda.card.number, "another certificate")

    finished, staff = await desk.renew(hongda, card=renewed)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_WRONG)
    assert staff.heard(NeedPin) == []


async def test_a_card_that_tells_nothing_is_used_on_a_persons_word(
    hongda: Company, profile: Profile, tmp_path: Path, playwright: Playwright
):
    silent = replace(hongda, card=replace(hongda.card, is_silent=True))
    said = ExpectedCard(silent.card.number, silent.card.certificate, is_said=True)
    settings = Settings(year=YEAR, desks=DESK, approve_after_s=None, read_seconds=READING_S)
    with Simulator((silent,), settings) as portal:
        desk = Desk(portal, profile, tmp_path, playwright)
        untold, nobody = await desk.renew(silent)
        finished, _ = await desk.renew(silent, card=said)

        assert (untold.reason, nobody.heard(NeedPin)) == (Reason.CARD_ABSENT, [])
        assert finished.outcome is Outcome.SUBMITTED
        assert desk.clicks(silent)["confirm"] == ONCE


async def test_a_persons_word_does_not_outweigh_what_the_card_tells(
    desk: Desk, hongda: Company, nanyue: Company
):
    desk.portal.insert(DESK, nanyue.card.number)
    said = ExpectedCard(hongda.card.number, is_said=True)

    finished, staff = await desk.renew(hongda, card=said, insert=False)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_WRONG)
    assert staff.heard(NeedPin) == []


async def test_a_persons_word_puts_no_card_into_an_empty_reader(desk: Desk, hongda: Company):
    said = ExpectedCard(hongda.card.number, is_said=True)

    finished, staff = await desk.renew(hongda, card=said, insert=False)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_ABSENT)
    assert staff.heard(NeedPin) == []


async def test_an_expired_certificate_costs_no_pin_try(desk: Desk, companies: tuple[Company, ...]):
    expired = min(companies, key=lambda company: company.card.valid_until)

    finished, staff = await desk.renew(expired)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CERTIFICATE_EXPIRED)
    assert finished.detail == {"valid_until": expired.card.valid_until.isoformat()}
    assert staff.heard(NeedPin) == []


async def test_a_missing_control_is_tried_again_later(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda, control="ws://127.0.0.1:9")

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.CONTROL_UNREACHABLE)
    assert staff.heard(NeedPin) == []


# --- the PIN: one try, whatever happens --------------------------------------------------------------


async def test_without_a_pin_the_run_ends(desk: Desk, hongda: Company):
    finished, _ = await desk.renew(hongda, Staff(pin=None))

    assert (finished.outcome, finished.reason) == (PERSON, Reason.PIN_MISSING)
    assert desk.pin_tries_spent(hongda) == 0


async def test_a_wrong_pin_spends_exactly_one_try(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda, Staff("00000001"))

    assert (finished.outcome, finished.reason) == (PERSON, Reason.PIN_REFUSED)
    assert desk.pin_tries_spent(hongda) == 1
    assert len(staff.heard(NeedPin)) == 1


async def test_a_locked_card_is_named(desk: Desk, hongda: Company):
    desk.portal.fault("card_locked", hongda.uscc)

    finished, _ = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_LOCKED)


async def test_a_card_pulled_at_the_wrong_moment_is_unclear_and_not_tried_again(desk: Desk, hongda: Company):
    desk.portal.fault("card_pulled", hongda.uscc)

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.SIGN_IN_UNCLEAR)
    assert not finished.pin_untouched
    assert len(staff.heard(NeedPin)) == 1


async def test_a_card_changed_while_the_pin_was_fetched_is_noticed(
    desk: Desk, hongda: Company, nanyue: Company
):
    class SlowStaff(Staff):
        async def need_pin(self, question: NeedPin) -> Pin | NoPin:
            desk.portal.insert(DESK, nanyue.card.number)
            return await super().need_pin(question)

    finished, _ = await desk.renew(hongda, SlowStaff(hongda.card.pin))

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CARD_WRONG)
    assert finished.pin_untouched
    assert desk.pin_tries_spent(nanyue) == 0


# --- the company -------------------------------------------------------------------------------------


async def test_a_uscc_that_differs_stops_everything(desk: Desk, by_name: Callable[[str], Company]):
    jiahe = by_name("韶关市佳禾食品有限公司")

    finished, staff = await desk.renew(jiahe)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.USCC_DIFFERS)
    assert finished.detail == {"expected": jiahe.uscc, "seen": jiahe.portal_uscc, "call": "95198"}
    assert staff.heard(Arm) == []


async def test_a_uscc_that_differs_only_on_the_pending_policy_stops_the_click(desk: Desk, hongda: Company):
    desk.portal.fault("uscc_differs", hongda.uscc, screen="pending")

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.USCC_DIFFERS)
    assert staff.heard(Arm) == []
    assert desk.clicks(hongda)["confirm"] == NEVER


async def test_a_policy_of_another_year_is_not_confirmed(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda, year=2027)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.PAGE_CHANGED)
    assert staff.heard(Arm) == []


async def test_an_email_that_the_portal_refuses_is_not_sent(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(
        hongda, contact=Contact("李美玲", "13820000000", "li_mei@hongda.example")
    )

    assert (finished.outcome, finished.reason) == (PERSON, Reason.CONTACT_REFUSED)
    assert staff.heard(Arm) == []


async def test_no_banner_and_no_application_needs_a_person(desk: Desk, by_name: Callable[[str], Company]):
    finished, staff = await desk.renew(by_name("清远市丹霞特产有限公司"))

    assert (finished.outcome, finished.reason) == (PERSON, Reason.NO_PENDING_POLICY)
    assert set(staff.last_reading.values()) == {Standing.NOT_DONE}


# --- the portal ---------------------------------------------------------------------------------------


async def test_a_portal_that_is_down_is_tried_again_later(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda, portal="http://127.0.0.1:9")

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert staff.heard(NeedPin) == []


@pytest.mark.parametrize("screen", ["home", "login", "pending", "applications"])
async def test_an_error_page_before_any_click_means_later(desk: Desk, hongda: Company, screen: str):
    desk.portal.fault("http_5xx", screen=screen)

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert finished.detail["seen"] == "HTTP 503"
    assert staff.heard(Arm) == []


async def test_a_lost_session_before_any_click_means_later(desk: Desk, hongda: Company):
    desk.portal.fault("session_lost", hongda.uscc, screen="pending")

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.SESSION_LOST)
    assert staff.heard(Arm) == []


async def test_a_notice_on_top_of_every_page_is_closed(desk: Desk, hongda: Company):
    desk.portal.fault("notice_on_top")

    finished, _ = await desk.renew(hongda)

    assert finished.outcome is Outcome.SUBMITTED
    assert desk.clicks(hongda)["confirm"] == ONCE


async def test_a_window_that_nobody_listed_hides_no_other_company_behind_it(desk: Desk, nanyue: Company):
    desk.profile = replace(desk.profile, notices=replace(desk.profile.notices, windows=()))
    desk.portal.put(nanyue.uscc, Step.SEALING)
    desk.portal.fault("popup", nanyue.uscc, screen="sealing")
    desk.portal.fault("uscc_differs", nanyue.uscc, screen="sealing")

    finished, staff = await desk.renew(nanyue)

    assert (finished.reason, staff.heard(Arm)) == (Reason.USCC_DIFFERS, [])


async def test_a_slow_page_is_waited_for(desk: Desk, hongda: Company):
    desk.portal.fault("slow", hongda.uscc, screen="pending", seconds=2.5)

    finished, _ = await desk.renew(hongda)

    assert finished.outcome is Outcome.SUBMITTED


@pytest.mark.parametrize(
    ("screen", "expected", "nearest"),
    [
        ("home", "我要投保", "在线投保服务"),
        ("login", "卡介质", "电子钥匙"),
        ("system", "投保申请", "投保记录"),
        ("pending", "确认投保", "提交投保信息"),
    ],
)
async def test_a_word_that_moved_is_reported_with_what_stands_there(
    desk: Desk, hongda: Company, screen: str, expected: str, nearest: str
):
    desk.portal.fault("layout_moved", screen=screen)

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (PERSON, Reason.PAGE_CHANGED)
    assert expected in finished.detail["expected"]
    kept = sorted(path.suffix for path in (desk.directory / "run-1").glob("*-unknown.*"))
    assert kept == [".html", ".jpg", ".json", ".txt"]
    [record] = (desk.directory / "run-1").glob("*-unknown.json")
    told = json.loads(record.read_text("utf-8"))
    assert (told["reason"], told["expected"]) == ("page_changed", finished.detail["expected"])
    assert "?" not in told["address"] + "".join(told["frames"])
    assert any(
        nearest in path.read_text("utf-8") for path in (desk.directory / "run-1").glob("*-unknown.txt")
    )
    assert staff.heard(Arm) == []


@pytest.mark.long  # a story of every day tells it too: `fault_table.py`
async def test_an_incomplete_list_is_not_taken_for_an_absent_application(desk: Desk, hongda: Company):
    await desk.renew(hongda)
    desk.portal.fault("list_incomplete", hongda.uscc)

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert staff.last_reading[Click.CONFIRM] is Standing.UNREAD
    assert desk.clicks(hongda)["confirm"] == ONCE


# --- after the click: unknown until read --------------------------------------------------------------


@pytest.mark.long  # a story of every day tells it too: `fault_table.py`
async def test_answers_lost_after_every_deed_are_unknown_and_then_read(desk: Desk, nanyue: Company):
    desk.portal.fault("answer_lost_after_deed", nanyue.uscc, times=4)

    runs = [await desk.renew(nanyue) for _ in range(5)]

    first_four = [Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE]
    assert [finished.outcome for finished, _ in runs] == [Outcome.UNKNOWN] * 4 + [Outcome.SUBMITTED]
    assert [[event.click for event in staff.heard(Fired)] for _, staff in runs] == [
        *([click] for click in first_four),
        [],
    ]
    assert [staff.heard(Confirmed) for _, staff in runs] == [[]] * 5
    for place, click in enumerate(first_four):
        after = runs[place + 1][1].heard(Reading)[0].standings
        assert after[click] is Standing.DONE
    assert desk.clicks(nanyue) == {
        "confirm": ONCE,
        "seal": ONCE,
        "sign": ONCE,
        "authorize": ONCE,
        "receipt": NEVER,
    }


async def test_an_answer_lost_for_the_whole_application_is_read_from_the_list(desk: Desk, hongda: Company):
    desk.portal.fault("answer_lost_after_deed", hongda.uscc, times=1)

    lost, _ = await desk.renew(hongda)
    read, staff = await desk.renew(hongda)

    assert (lost.outcome, read.outcome) == (Outcome.UNKNOWN, Outcome.SUBMITTED)
    assert staff.last_reading[Click.CONFIRM] is Standing.DONE
    assert staff.heard(Arm) == []
    assert desk.clicks(hongda)["confirm"] == ONCE


@pytest.mark.long  # a story of every day tells it too: `fault_table.py`
async def test_an_answer_lost_to_the_receipt_is_read_from_the_policy(desk: Desk, hongda: Company):
    await desk.renew(hongda)
    desk.portal.approve(hongda.uscc)
    desk.portal.fault("answer_lost_after_deed", hongda.uscc, screen="receipt", times=1)

    lost, _ = await desk.renew(hongda)
    read, staff = await desk.renew(hongda)

    assert (lost.outcome, read.outcome) == (Outcome.UNKNOWN, Outcome.COMPLETE)
    assert staff.last_reading[Click.RECEIPT] is Standing.DONE
    assert desk.clicks(hongda)["receipt"] == ONCE


@pytest.mark.long  # a story of every day tells it too: `fault_table.py`
async def test_an_error_in_answer_to_the_click_is_unknown(desk: Desk, hongda: Company):
    desk.portal.fault("http_5xx", hongda.uscc, screen="confirm", times=1)

    finished, _ = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    assert finished.detail["seen"] == "HTTP 503"
    assert desk.clicks(hongda)["confirm"] == (1, 0)
    again, second = await desk.renew(hongda)
    assert second.heard(Arm)[0].click is Click.CONFIRM
    assert again.outcome is Outcome.SUBMITTED


async def test_a_session_lost_with_the_click_is_unknown(desk: Desk, hongda: Company):
    desk.portal.fault("session_lost", hongda.uscc, screen="confirm", times=1)

    finished, _ = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    assert desk.clicks(hongda)["confirm"] == (1, 0)


async def test_an_answer_that_does_not_come_in_time_is_unknown(desk: Desk, hongda: Company):
    desk.profile = replace(desk.profile, limits=replace(desk.profile.limits, answer_s=1.0))
    desk.portal.fault("slow", hongda.uscc, screen="confirm", seconds=3, times=1)

    finished, _ = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    assert desk.clicks(hongda)["confirm"][0] == 1


# --- the policy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "outcome", "reason"),
    [
        # A story of every day tells it too: `fault_table.py`.
        pytest.param("truncated", Outcome.LATER, Reason.POLICY_FILE_BROKEN, marks=pytest.mark.long),
        pytest.param("html", Outcome.LATER, Reason.POLICY_FILE_BROKEN, marks=pytest.mark.long),
        ("other", PERSON, Reason.POLICY_OF_ANOTHER),
    ],
)
async def test_a_wrong_file_is_never_stored_nor_received(
    desk: Desk, hongda: Company, variant: str, outcome: Outcome, reason: Reason
):
    await desk.renew(hongda)
    desk.portal.approve(hongda.uscc)
    desk.portal.fault("pdf_broken", hongda.uscc, variant=variant)

    finished, staff = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (outcome, reason)
    assert staff.heard(PolicyRead) == []
    assert list((desk.directory / "run-2").glob("*.pdf")) == []
    assert desk.clicks(hongda)["receipt"] == NEVER
