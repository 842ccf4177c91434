"""Dates and durations as people say them: 今天 14:05, 3月8日, 3 天."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext


def moment_words(moment: datetime, *, now: datetime | None = None) -> str:
    """A moment as short as it can be said today: the time alone, the day alone, or the full date."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    clock = local.strftime("%H:%M")
    days = (local.date() - today.date()).days
    if days == 0:
        return _("today %(time)s") % {"time": clock}
    if days == -1:
        return _("yesterday %(time)s") % {"time": clock}
    if days == 1:
        return _("tomorrow %(time)s") % {"time": clock}
    return day_words(local.date(), today=today.date())


def day_words(day: date, *, today: date | None = None) -> str:
    """A day; with its year only where that is another one."""
    if day.year == (today or timezone.localdate()).year:
        return date_format(day, pgettext("format of a day in this year", "j M"))
    return full_day(day)


def full_day(day: date) -> str:
    """A day with its year, as it stands on a policy."""
    return date_format(day, pgettext("format of a day", "j M Y"))


def full_moment(moment: datetime) -> str:
    """A moment to the second, for those who look closely."""
    return date_format(timezone.localtime(moment), pgettext("format of a moment", "j M Y, H:i:s"))


def age_words(since: datetime, *, now: datetime | None = None) -> str:
    """How long something has lasted, in its largest unit."""
    passed = max((now or timezone.now()) - since, timedelta())
    if passed.days:
        return ngettext("%(n)d day", "%(n)d days", passed.days) % {"n": passed.days}
    if hours := passed.seconds // 3600:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    if minutes := passed.seconds // 60:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    return _("just now")
