"""A renewal's own columns and its five stages say the same, and where they do not, somebody is told."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now

from agency.models import User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Click, Outcome, Reason, Standing
from portal_driver.contract import Stage as StageOf
from renewals.domain import attention, by_hand, settling, stages
from renewals.domain.sweeping import COMPARED_WITHIN, alert_of_stages, sweep
from renewals.models import Desk, Intent, IntentState, Renewal, Stage, StageName, StageState, State
from renewals.tasks import compare_stages
from tests.database import OUR_AGENCY
from tests.renewals.runs import claim, finish, let_time_pass, make_due, press, read, stages_of
from tests.renewals.season import our_side

pytestmark = pytest.mark.usefixtures("committed")

SUBMITTED = dict.fromkeys(Click, Standing.DONE) | {Click.RECEIPT: Standing.NOT_DONE}
ACKNOWLEDGED = dict.fromkeys(Click, Standing.DONE)


@pytest.fixture
def parts(committed: None) -> tuple[Card, Desk, Renewal, User]:
    _company, card, desk, renewal, mei = our_side()
    return card, desk, renewal, mei


def change(renewal: Renewal, **columns: Any) -> None:
    with scope(OUR_AGENCY):
        Renewal.objects.filter(pk=renewal.pk).update(changed_at=Now(), **columns)


def change_stage(renewal: Renewal, name: StageName, state: StageState) -> None:
    with scope(OUR_AGENCY):
        Stage.objects.filter(renewal=renewal, name=name).update(state=state)


# --- what is told -----------------------------------------------------------------------------

TOLD: dict[str, tuple[dict[str, Any], dict[StageName, StageState]]] = {
    "a stage in progress without a run": ({}, {StageName.CONFIRMATION: StageState.RUNNING}),
    "a stage that needs a person, without a renewal that stopped": (
        {},
        {StageName.CONFIRMATION: StageState.ATTENTION},
    ),
    "a stage that needs a person, of one that was cancelled": (
        {"state": State.CANCELLED},
        {StageName.CONFIRMATION: StageState.ATTENTION},
    ),
    "a renewal that stopped, at no stage": ({"state": State.ATTENTION, "reason": "page_changed"}, {}),
    "a renewal that was refused, at no stage": ({"state": State.REFUSED, "reason": "page_changed"}, {}),
    "a renewal that stopped, at another stage": (
        {"state": State.ATTENTION, "reason": "page_changed"},
        {StageName.SEALING: StageState.ATTENTION},
    ),
    "a renewal that stopped, at two stages": (
        {"state": State.ATTENTION, "reason": "page_changed"},
        {StageName.CONFIRMATION: StageState.ATTENTION, StageName.SEALING: StageState.ATTENTION},
    ),
    "a stage to be verified, of one that waits": ({}, {StageName.CONFIRMATION: StageState.UNKNOWN}),
    "a stage to be verified, of one that is submitted": (
        {"state": State.SUBMITTED, "stage": StageName.RECEIPT, "look_at": Now()},
        dict.fromkeys(StageName, StageState.DONE) | {StageName.RECEIPT: StageState.UNKNOWN},
    ),
    "a renewal to be verified, at no stage": ({"state": State.UNKNOWN, "look_at": Now()}, {}),
    "a first stage that is done, and counts as open": ({}, {StageName.CONFIRMATION: StageState.DONE}),
    "an open stage that counts as done": ({"stage": StageName.SEALING}, {}),
    "all stages open, and none counts as open": ({"stage": ""}, {}),
    "complete, with a stage open": (
        {"state": State.COMPLETE, "stage": StageName.RECEIPT},
        dict.fromkeys(StageName, StageState.DONE) | {StageName.RECEIPT: StageState.PENDING},
    ),
    "submitted, with a stage before the last open": ({"state": State.SUBMITTED, "look_at": Now()}, {}),
}


@pytest.mark.parametrize("told", TOLD)
def test_a_renewal_that_says_something_else_than_its_stages_is_told(
    parts: tuple[Card, Desk, Renewal, User], told: str
) -> None:
    _card, _desk, renewal, _mei = parts
    assert alert_of_stages() == 0
    columns, states = TOLD[told]
    change(renewal, **columns)
    for name, state in states.items():
        change_stage(renewal, name, state)
    assert alert_of_stages() == 1


@pytest.mark.parametrize("left", [0, 4])
def test_a_renewal_without_all_five_stages_is_told(
    parts: tuple[Card, Desk, Renewal, User], left: int
) -> None:
    _card, _desk, renewal, _mei = parts
    with scope(OUR_AGENCY):
        for stage in list(renewal.stages.exclude(name=StageName.CONFIRMATION))[: 5 - left]:
            stage.delete()
        if left == 0:
            renewal.stages.all().delete()
            Renewal.objects.update(stage="")
    assert alert_of_stages() == 1


def test_the_sweep_tells_what_changed_lately_and_the_clock_what_changed_ever(
    parts: tuple[Card, Desk, Renewal, User], caplog: pytest.LogCaptureFixture
) -> None:
    _card, _desk, renewal, _mei = parts
    change_stage(renewal, StageName.CONFIRMATION, StageState.DONE)
    sweep()
    assert [str(renewal.pk) in record.getMessage() for record in caplog.records] == [True]
    caplog.clear()
    with scope(OUR_AGENCY):
        Renewal.objects.update(changed_at=Now() - COMPARED_WITHIN - timedelta(seconds=1))
    sweep()
    assert caplog.records == []
    compare_stages()
    assert [str(renewal.pk) in record.getMessage() for record in caplog.records] == [True]


# --- what the engine leaves ----------------------------------------------------------------------


def test_on_its_way_a_renewal_says_what_its_stages_say(parts: tuple[Card, Desk, Renewal, User]) -> None:
    card, desk, renewal, _mei = parts
    found = []
    run = claim(card, desk)
    with scope(OUR_AGENCY):
        stages.begin_stage(renewal, StageOf.CONFIRMATION)
    found.append(alert_of_stages())
    press(run)
    finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    found.append(alert_of_stages())
    make_due(renewal)
    run = claim(card, desk)
    found.append(alert_of_stages())
    read(run, SUBMITTED, application="SQ1")
    finish(run, Outcome.SUBMITTED)
    found.append(alert_of_stages())
    make_due(renewal)
    run = claim(card, desk)
    read(run, ACKNOWLEDGED, application="SQ1")
    found.append(alert_of_stages())
    assert finish(run, Outcome.COMPLETE).state == State.COMPLETE
    found.append(alert_of_stages())
    assert found == [0, 0, 0, 0, 0, 0]


def test_what_was_pressed_and_not_read_stays_to_be_verified_when_a_person_has_it_tried_again(
    parts: tuple[Card, Desk, Renewal, User],
) -> None:
    card, desk, renewal, mei = parts
    run = claim(card, desk)
    press(run)
    stopped = finish(run, Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED)
    assert (stopped.state, stages_of(renewal)["confirmation"]) == (State.ATTENTION, StageState.ATTENTION)
    assert alert_of_stages() == 0
    with scope(OUR_AGENCY):
        attention.retry(renewal, by=mei)
    assert stages_of(renewal)["confirmation"] == StageState.UNKNOWN
    assert alert_of_stages() == 0


def test_what_was_pressed_and_not_read_stays_to_be_verified_when_it_is_given_back(
    parts: tuple[Card, Desk, Renewal, User],
) -> None:
    card, desk, renewal, mei = parts
    run = claim(card, desk)
    press(run)
    finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    with scope(OUR_AGENCY):
        by_hand.take_over(renewal, by=mei)
    assert alert_of_stages() == 0
    with scope(OUR_AGENCY):
        by_hand.give_back(renewal, by=mei)
    assert stages_of(renewal)["confirmation"] == StageState.UNKNOWN
    assert alert_of_stages() == 0


def test_a_click_that_two_readings_do_not_show_leaves_a_stage_that_has_not_begun(
    parts: tuple[Card, Desk, Renewal, User],
) -> None:
    card, desk, renewal, _mei = parts
    press(claim(card, desk))
    with scope(OUR_AGENCY):
        settling.give_up_lost_run(Renewal.objects.select_for_update(of=("self",)).get())
    for _reading in range(2):
        let_time_pass(renewal, 120)
        run = claim(card, desk)
        read(run, {Click.CONFIRM: Standing.NOT_DONE})
        rested = finish(run, Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert (rested.state, stages_of(renewal)["confirmation"]) == (State.WAITING, StageState.PENDING)
    assert alert_of_stages() == 0


def test_a_stage_that_a_person_has_done_again_has_not_begun(parts: tuple[Card, Desk, Renewal, User]) -> None:
    card, desk, renewal, mei = parts
    run = claim(card, desk)
    press(run)
    finish(run, Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    with scope(OUR_AGENCY):
        attention.retry_stage(renewal, StageName.CONFIRMATION, by=mei, why="不在门户上")
    assert stages_of(renewal)["confirmation"] == StageState.PENDING
    assert alert_of_stages() == 0


def test_what_was_cancelled_needs_nobody_at_any_stage(parts: tuple[Card, Desk, Renewal, User]) -> None:
    card, desk, renewal, mei = parts
    stopped = finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    assert stages_of(renewal)["confirmation"] == StageState.ATTENTION
    with scope(OUR_AGENCY):
        attention.cancel(stopped, by=mei, why="企业不续")
    assert stages_of(renewal)["confirmation"] == StageState.PENDING
    assert alert_of_stages() == 0


# --- what older versions left ----------------------------------------------------------------------

LEFT: dict[str, tuple[dict[str, Any], StageState, StageState]] = {
    "found absent": ({}, StageState.UNKNOWN, StageState.PENDING),
    "retried": ({"state": State.UNKNOWN, "look_at": Now()}, StageState.PENDING, StageState.UNKNOWN),
    "cancelled": ({"state": State.CANCELLED}, StageState.ATTENTION, StageState.PENDING),
}


@pytest.mark.parametrize("left", LEFT)
def test_what_older_versions_left_is_put_right(parts: tuple[Card, Desk, Renewal, User], left: str) -> None:
    _card, _desk, renewal, _mei = parts
    columns, was, becomes = LEFT[left]
    change(renewal, **columns)
    change_stage(renewal, StageName.CONFIRMATION, was)
    with scope(OUR_AGENCY):
        unread = left == "retried"
        Intent.objects.create(
            renewal=renewal,
            click=Click.CONFIRM,
            epoch=1,
            presses=1,
            state=IntentState.UNKNOWN if unread else IntentState.ABSENT,
        )
    assert alert_of_stages() == 1
    mend = import_module("renewals.migrations.0018_the_sweep_compares_stages").MEND
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(mend)
    assert (alert_of_stages(), stages_of(renewal)["confirmation"]) == (0, becomes)
