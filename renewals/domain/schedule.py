"""When the portal is looked at again after submission: on working days, while the portal is open.

Daily until the day on which a policy usually comes, then more often. The insurer works on Chinese
working days, Saturdays that are worked in exchange for a holiday (调休) included.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

import holidays
from django.conf import settings
from django.utils import timezone


def next_look(*, now: datetime, submitted_at: datetime) -> datetime:
    """The moment of the next look at an application that was submitted then and is not yet decided."""
    usual = usual_day(timezone.localtime(submitted_at).date())
    is_late = timezone.localtime(now).date() > usual
    pause_s = settings.LOOK_LATE_AFTER_S if is_late else settings.LOOK_AFTER_S
    return when_open(now + timedelta(seconds=pause_s))


def usual_day(submitted_on: date) -> date:
    """The day by which the insurer has usually decided."""
    day = submitted_on
    for _ in range(settings.APPROVAL_TAKES_DAYS):
        day = next_working_day(day)
    return day


def when_open(moment: datetime) -> datetime:
    """This moment, or the first after it at which the portal is open on a working day."""
    if settings.PORTAL_HOURS is None:
        return moment
    opens, closes = settings.PORTAL_HOURS
    local = timezone.localtime(moment)
    if not is_working_day(local.date()) or local.time() >= closes:
        return _at(next_working_day(local.date()), opens)
    return max(local, _at(local.date(), opens))


def next_working_day(day: date) -> date:
    """The first working day after this one."""
    following = day + timedelta(days=1)
    while not is_working_day(following):
        following += timedelta(days=1)
    return following


def is_working_day(day: date) -> bool:
    """Whether mainland China works on this day.

    Exact for years whose calendar the State Council has announced (each November for the year
    after); before that, statutory holidays without the days that are moved around them.
    """
    return bool(_calendar().is_working_day(day))


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, tzinfo=timezone.get_current_timezone())
