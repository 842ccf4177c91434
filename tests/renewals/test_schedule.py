"""When the portal is looked at: working days of mainland China, within the portal's hours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from renewals.domain import schedule


@pytest.fixture(autouse=True)
def portal_hours(settings: object) -> None:
    settings.PORTAL_HOURS = (time(8), time(20))  # type: ignore[attr-defined]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.get_current_timezone())


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-11-24", True),  # a Tuesday
        ("2026-11-28", False),  # a Saturday
        ("2026-10-01", False),  # 国庆节
        ("2026-10-10", True),  # a Saturday that is worked in exchange for 7 October (调休)
        ("2026-02-20", False),  # a Friday given for 14 February, in 春节
        ("2026-02-14", True),  # which is worked
    ],
)
def test_working_days_are_those_of_mainland_china(day: str, works: bool) -> None:
    assert schedule.is_working_day(date.fromisoformat(day)) is works


def test_a_look_is_made_a_day_later_at_the_same_hour() -> None:
    now = at("2026-11-24T15:00")
    assert schedule.next_look(now=now, submitted_at=now) == at("2026-11-25T15:00")


def test_no_look_is_made_on_a_weekend() -> None:
    now = at("2026-11-27T15:00")
    assert schedule.next_look(now=now, submitted_at=now) == at("2026-11-30T08:00")


def test_no_look_is_made_in_the_national_holiday() -> None:
    now = at("2026-09-30T15:00")
    assert schedule.next_look(now=now, submitted_at=now) == at("2026-10-08T08:00")


def test_past_the_usual_day_looks_come_every_four_hours_while_the_portal_is_open() -> None:
    submitted_at = at("2026-11-16T09:00")
    assert schedule.usual_day(date(2026, 11, 16)) == date(2026, 11, 23)
    moments = [at("2026-11-24T09:00")]
    for _ in range(3):
        moments.append(schedule.next_look(now=moments[-1], submitted_at=submitted_at))
    assert moments[1:] == [at("2026-11-24T13:00"), at("2026-11-24T17:00"), at("2026-11-25T08:00")]


def test_a_portal_that_never_closes_is_looked_at_at_any_time(settings: object) -> None:
    settings.PORTAL_HOURS = None  # type: ignore[attr-defined]
    saturday = at("2026-11-28T23:00")
    assert schedule.when_open(saturday) == saturday


def test_no_look_is_put_off_beyond_what_the_sweep_still_takes_for_a_next_step() -> None:
    from renewals.domain.sweeping import LATEST_LOOK_S

    days = (at("2026-01-01T19:59") + timedelta(days=number) for number in range(730))
    longest = max(schedule.next_look(now=day, submitted_at=day) - day for day in days)
    assert longest < timedelta(seconds=LATEST_LOOK_S)
