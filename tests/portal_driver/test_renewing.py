"""The whole story, in a real browser, against the simulator; the simulator counts the clicks."""

from __future__ import annotations

import json

import pytest

from portal_driver.contract import (
    Arm,
    Click,
    Confirmed,
    Evidence,
    Finished,
    Fired,
    Outcome,
    PolicyRead,
    Reading,
    Reason,
    SignedIn,
    Stage,
    StageBegun,
    Standing,
)
from portal_driver.simulator.companies import Company
from tests.portal_driver.desk import Desk, Staff

pytestmark = pytest.mark.browser

ONCE, NEVER = (1, 1), (0, 0)


async def test_a_company_that_authorised_before_is_submitted_with_one_click(desk: Desk, hongda: Company):
    finished, staff = await desk.renew(hongda)

    assert finished.outcome is Outcome.SUBMITTED
    assert desk.clicks(hongda) == {
        "confirm": ONCE,
        "seal": NEVER,
        "sign": NEVER,
        "authorize": NEVER,
        "receipt": NEVER,
    }
    assert [event.click for event in staff.heard(Confirmed)] == [Click.CONFIRM]
    assert staff.last_reading == {
        Click.CONFIRM: Standing.DONE,
        Click.SEAL: Standing.SKIPPED,
        Click.SIGN: Standing.SKIPPED,
        Click.AUTHORIZE: Standing.SKIPPED,
        Click.RECEIPT: Standing.NOT_DONE,
    }


async def test_a_first_time_company_is_submitted_with_one_click_a_stage(desk: Desk, nanyue: Company):
    finished, staff = await desk.renew(nanyue)

    assert finished.outcome is Outcome.SUBMITTED
    assert desk.clicks(nanyue) == {
        "confirm": ONCE,
        "seal": ONCE,
        "sign": ONCE,
        "authorize": ONCE,
        "receipt": NEVER,
    }
    first_four = [Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE]
    assert [event.click for event in staff.heard(Arm)] == first_four
    assert [event.click for event in staff.heard(Fired)] == first_four
    assert [event.click for event in staff.heard(Confirmed)] == first_four
    assert [event.stage for event in staff.heard(StageBegun)] == [click.stage for click in first_four]
    assert [staff.last_reading[click] for click in first_four] == [Standing.DONE] * 4


async def test_days_later_the_approved_policy_is_stored_and_received(desk: Desk, nanyue: Company):
    await desk.renew(nanyue)
    desk.portal.approve(nanyue.uscc)

    finished, staff = await desk.renew(nanyue)

    assert finished == Finished(Outcome.COMPLETE)
    assert desk.clicks(nanyue)["receipt"] == ONCE
    [policy] = staff.heard(PolicyRead)
    on_the_portal = desk.portal.state()["companies"][nanyue.uscc]["policy"]
    assert (policy.number, policy.valid_from, policy.valid_to, policy.insurer) == (
        on_the_portal["number"],
        on_the_portal["valid_from"],
        on_the_portal["valid_to"],
        "中国出口信用保险公司",
    )
    stored = desk.directory / "run-2" / policy.file
    assert stored.stat().st_size == policy.size


async def test_a_received_policy_is_stored_again_without_any_click(desk: Desk, hongda: Company):
    await desk.renew(hongda)
    desk.portal.approve(hongda.uscc)
    await desk.renew(hongda)

    finished, staff = await desk.renew(hongda)

    assert finished == Finished(Outcome.COMPLETE)
    assert staff.heard(Arm) == []
    assert len(staff.heard(PolicyRead)) == 1
    assert staff.last_reading[Click.RECEIPT] is Standing.DONE
    assert (desk.clicks(hongda)["confirm"], desk.clicks(hongda)["receipt"]) == (ONCE, ONCE)


async def test_an_application_under_review_is_only_read(desk: Desk, hongda: Company):
    await desk.renew(hongda)

    finished, staff = await desk.renew(hongda)

    assert finished.outcome is Outcome.SUBMITTED
    assert finished.detail["state"] == "审核中"
    assert staff.heard(Arm) == []
    assert desk.clicks(hongda)["confirm"] == ONCE


async def test_a_returned_application_ends_with_the_insurers_words(desk: Desk, hongda: Company):
    await desk.renew(hongda)
    desk.portal.return_application(hongda.uscc, "企业名称与海关登记不一致")

    finished, _ = await desk.renew(hongda)

    assert (finished.outcome, finished.reason) == (Outcome.REFUSED, Reason.APPLICATION_RETURNED)
    assert (finished.detail["state"], finished.detail["reason"]) == ("退回", "企业名称与海关登记不一致")


async def test_a_run_goes_on_where_an_earlier_one_stopped(desk: Desk, nanyue: Company):
    stopped, _ = await desk.renew(nanyue, stop_before=Click.SIGN)
    finished, staff = await desk.renew(nanyue)

    assert (stopped.outcome, finished.outcome) == (Outcome.STOPPED, Outcome.SUBMITTED)
    assert [event.click for event in staff.heard(Arm)] == [Click.SIGN, Click.AUTHORIZE]
    assert staff.heard(Reading)[0].standings == {
        Click.CONFIRM: Standing.DONE,
        Click.SEAL: Standing.DONE,
        Click.SIGN: Standing.NOT_DONE,
        Click.AUTHORIZE: Standing.NOT_DONE,
        Click.RECEIPT: Standing.NOT_DONE,
    }
    assert desk.clicks(nanyue) == {
        "confirm": ONCE,
        "seal": ONCE,
        "sign": ONCE,
        "authorize": ONCE,
        "receipt": NEVER,
    }


@pytest.mark.parametrize("click", [Click.CONFIRM, Click.AUTHORIZE])
async def test_it_stops_before_the_click_that_the_plan_names(desk: Desk, nanyue: Company, click: Click):
    finished, staff = await desk.renew(nanyue, stop_before=click)

    assert finished == Finished(Outcome.STOPPED, None, {"before": str(click)})
    assert click not in [event.click for event in staff.heard(Arm)]
    assert desk.clicks(nanyue)[str(click)] == NEVER


async def test_a_click_that_is_not_armed_is_not_pressed(desk: Desk, hongda: Company):
    staff = Staff(hongda.card.pin, refuses=frozenset({Click.CONFIRM}))

    finished, _ = await desk.renew(hongda, staff)

    assert (finished.outcome, finished.reason) == (Outcome.STOPPED, Reason.NOT_ARMED)
    assert desk.clicks(hongda)["confirm"] == NEVER


async def test_the_renewal_application_is_kept_for_the_client(desk: Desk, hongda: Company):
    _, staff = await desk.renew(hongda)

    assert staff.heard(SignedIn) == [SignedIn(hongda.name, hongda.uscc)]
    texts = [event for event in staff.heard(Evidence) if event.page == "application" and event.kind == "text"]
    application = (desk.directory / "run-1" / texts[0].file).read_text(encoding="utf-8")
    assert application.count("小微信保易续转申请单") == 1


async def test_every_stage_leaves_its_picture_its_text_and_its_record(desk: Desk, nanyue: Company):
    _, staff = await desk.renew(nanyue)

    kept = {(event.stage, event.kind) for event in staff.heard(Evidence) if event.stage}
    first_four = [Stage.CONFIRMATION, Stage.SEALING, Stage.SIGNING, Stage.AUTHORIZATION]
    assert kept == {(stage, kind) for stage in first_four for kind in ("picture", "text", "record")}
    assert desk.kept(run=1) == sorted(event.file for event in staff.heard(Evidence))
    records = [event for event in staff.heard(Evidence) if event.kind == "record"]
    read = [json.loads((desk.directory / "run-1" / event.file).read_text("utf-8")) for event in records]
    assert [(one["click"], one["request_sha256"]) for one in read] == [
        (event.click, event.request_sha256) for event in staff.heard(Fired)
    ]
    assert {(one["company"], one["uscc"], one["year"]) for one in read} == {(nanyue.name, nanyue.uscc, 2026)}
    assert sum(event.size for event in staff.heard(Evidence)) < 3_000_000
