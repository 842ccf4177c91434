"""The next step of a renewal in words: what stands, what to do, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from agency.tenancy import scope
from companies.models import Card
from renewals.domain import progress
from renewals.models import Desk, Matter, Renewal, Run
from renewals.next_step import next_step
from renewals.reasons import CATALOGUE, Kind


@pytest.fixture
def row(renewal: Renewal, card: Card) -> progress.Row:
    with scope(renewal.agency_id):
        [found] = progress.rows(Renewal.objects.filter(pk=renewal.pk))
    return found


def step(row: progress.Row, **changes: object) -> tuple[str, str]:
    for name, value in changes.items():
        setattr(row.renewal, name, value)
    with translation.override("zh-hans"):
        found = next_step(row)
    return found.what, found.more


def test_who_waits_says_which_card_to_insert(row: progress.Row) -> None:
    assert step(row) == ("等待插卡", "卡 …0001，抽屉 A-1")


def test_who_waits_after_a_setback_says_why_and_until_when(row: progress.Row) -> None:
    later = timezone.now() + timedelta(days=1)
    clock = timezone.localtime(later).strftime("%H:%M")
    assert step(row, reason="portal_unavailable", look_at=later) == (
        "门户没有回应。",
        f"明天 {clock} 自动重试",
    )


def test_who_is_on_hold_says_so(row: progress.Row) -> None:
    assert step(replace(row, pause="门户今晚维护")) == ("已暂停", "门户今晚维护")


def test_who_needs_a_person_beside_it_says_so(row: progress.Row) -> None:
    asked = replace(row, matters=[Matter(reason="card_unusable")])
    assert step(asked)[0] == "企业的卡目前都不能用：已隔离、已过期或不在机构。"


def test_who_runs_says_where_and_what(row: progress.Row, desk: Desk) -> None:
    running = progress.Row(
        row.renewal, row.stages, row.card, Run(doing={"what": "application", "seconds": 7.2, "of": 10})
    )
    assert step(running, state="running", desk=desk) == ("正在1 号读卡台办理", "正在阅读续转申请单 7 / 10 秒")
    sealing = progress.Row(row.renewal, row.stages, row.card, Run(doing={"what": "stage_sealing"}))
    assert step(sealing) == ("正在1 号读卡台办理", "制章")


def test_who_waits_for_approval_says_when_it_is_looked_at_and_then_asks_for_the_card(
    row: progress.Row,
) -> None:
    later = timezone.now() + timedelta(days=1)
    clock = timezone.localtime(later).strftime("%H:%M")
    assert step(row, state="submitted", look_at=later) == ("等待保险公司审批", f"明天 {clock} 再看")
    assert step(row, look_at=timezone.now()) == ("请插卡，查看是否已批准", "卡 …0001，抽屉 A-1")


def test_who_is_unknown_promises_that_nothing_is_pressed(row: progress.Row) -> None:
    assert step(row, state="unknown", look_at=timezone.now()) == ("已按下，尚未核实", "请插卡，以便读取门户")


@pytest.mark.parametrize("code", [code for code, entry in CATALOGUE.items() if entry.kind == Kind.BUSINESS])
def test_who_needs_a_person_says_why_and_what_to_do(row: progress.Row, code: str) -> None:
    with translation.override("zh-hans"):
        expected = (str(CATALOGUE[code].what), str(CATALOGUE[code].next))
    assert step(row, state="attention", reason=code) == expected
