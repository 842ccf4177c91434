"""A worker or a driver dies at a named point: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from django.utils import timezone

from portal_driver.contract import Click
from renewals.domain.schedule import next_look
from renewals.models import Run
from renewals.reasons import EngineReason
from tests.faults import matrix
from tests.faults.campaign import Campaign, Fault, campaign
from tests.faults.oracles import violations

pytestmark = pytest.mark.usefixtures("committed")


def carry_one_through(tmp_path: Path, faults: Iterable[Fault]) -> Campaign:
    """One company with these faults, one a sitting; everything holds after each and at the end."""
    with campaign(tmp_path) as played:
        [company] = played.companies
        played.carry_through(company, list(faults))
        assert violations(played) == []
    return played


def some(faults: Iterable[Fault], *names: str) -> list[Fault]:
    """Of these faults those at the named points. `./run faults --matrix` tries all of them."""
    return [fault for fault in faults if fault.point in names]


BEFORE_ANY_CLICK = (
    "claim_uncommitted",
    "claimed",
    "driver_started",
    "plan_given",
    "pin_uncommitted",
    "pin_committed",
    "pin_given",
    "signed_in_unheard",
    "signed_in",
    "reading_uncommitted",
    "reading_committed",
    "evidence_stored",
)
AROUND_A_CLICK = ("arm_uncommitted", "armed_committed", "fired_uncommitted", "confirmed_uncommitted")


def test_a_worker_killed_before_any_click(tmp_path: Path) -> None:
    carry_one_through(tmp_path, some(matrix.crashes("kill", Click.CONFIRM), *BEFORE_ANY_CLICK))


@pytest.mark.parametrize("click", list(Click))
def test_a_worker_killed_around_a_click(tmp_path: Path, click: Click) -> None:
    carry_one_through(tmp_path, some(matrix.crashes("kill", click), *AROUND_A_CLICK))


def test_a_worker_killed_after_the_last_word(tmp_path: Path) -> None:
    last = ("confirmed_committed", "run_over", "settle_uncommitted", "settled", "sitting_over")
    carry_one_through(tmp_path, some(matrix.crashes("kill", Click.CONFIRM), *last))


def test_a_worker_killed_with_the_policy_in_its_hands(tmp_path: Path) -> None:
    held = ("policy_uncommitted", "policy_committed")
    carry_one_through(tmp_path, some(matrix.crashes("kill", Click.RECEIPT), *held))


@pytest.mark.parametrize("how", ["database", "unclear"])
def test_the_database_goes_in_the_middle_of_a_run(tmp_path: Path, how: str) -> None:
    points = (
        "claim_uncommitted",
        "pin_committed",
        "reading_uncommitted",
        *AROUND_A_CLICK,
        "settle_uncommitted",
    )
    carry_one_through(tmp_path, some(matrix.crashes(how, Click.CONFIRM), *points))


@pytest.mark.parametrize("click", [Click.CONFIRM, Click.RECEIPT])
def test_a_driver_that_dies_around_a_click(tmp_path: Path, click: Click) -> None:
    carry_one_through(tmp_path, matrix.driver_deaths(click))


@pytest.mark.parametrize("click", list(Click))
def test_a_portal_that_loses_answers_or_requests_or_is_late(tmp_path: Path, click: Click) -> None:
    carry_one_through(tmp_path, matrix.troubles(click))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("claimed", "stop"),
        Fault("arm_unheard", "stop", Click.CONFIRM),
        Fault("armed_committed", "stop", Click.CONFIRM),
        Fault("fired_unheard", "stop", Click.CONFIRM),
        Fault("run_over", "stop"),
        Fault(driver=f"stop=driver_pressing&click={Click.CONFIRM}"),
    ],
    ids=str,
)
def test_a_holder_that_slept_for_longer_than_its_lease_changes_nothing(tmp_path: Path, fault: Fault) -> None:
    with campaign(tmp_path) as played:
        [company] = played.companies
        played.with_a_sleeper(company, fault)
        assert violations(played, at_the_end=False) == []
        played.carry_through(company, [])
        assert violations(played) == []
        late = played.in_agency(lambda: sum(Run.objects.values_list("late_writes", flat=True)))
        assert late == 1
        played.in_agency(lambda: Run.objects.get(reason=EngineReason.WORKER_LOST))


def test_on_a_full_disk_nothing_is_pressed_and_nothing_lost(tmp_path: Path) -> None:
    with campaign(tmp_path) as played:
        [company] = played.companies
        played.sit(company, Fault(machine="disk_full"))
        tallies = played.portal.world.account(company.uscc).tallies.values()
        assert [tally.received for tally in tallies] == [0] * len(Click)
        assert violations(played, at_the_end=False) == []
        played.carry_through(company, [])
        assert violations(played) == []


@pytest.mark.parametrize("machine", ["a_day_ahead", "a_day_behind"])
def test_a_worker_whose_clock_is_wrong_writes_the_databases_moments(tmp_path: Path, machine: str) -> None:
    with campaign(tmp_path) as played:
        [company] = played.companies
        began = timezone.now()
        played.sit(company, Fault(machine=machine))
        rested = played.now(company)
        assert rested.submitted_at is not None
        assert began < rested.submitted_at < timezone.now()
        assert rested.look_at == next_look(now=rested.submitted_at, submitted_at=rested.submitted_at)
        played.carry_through(company, [Fault(machine=machine)])
        assert violations(played) == []
