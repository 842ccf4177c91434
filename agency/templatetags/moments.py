"""`{% when %}`, `{% day %}` and `|age`: moments in words, with the full moment behind them."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agency.moments import age_words, day_words, full_day, full_moment, moment_words

register = template.Library()


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """A moment in words; the full one on hover and for screen readers. Nothing for None."""
    return "" if moment is None else _time(moment, moment_words(moment))


@register.simple_tag
def clock(moment: datetime) -> SafeString:
    """The time of day to the second, for a story whose days are told by headings."""
    return _time(moment, timezone.localtime(moment).strftime("%H:%M:%S"))


@register.simple_tag
def day(value: date | datetime | None) -> SafeString | str:
    """A day in words, without its year where that is this one. Nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _time(value, day_words(timezone.localdate(value)))
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), day_words(value))


@register.filter
def with_year(value: date) -> str:
    """A day with its year, as on a policy."""
    return full_day(value)


@register.filter
def exactly(moment: datetime) -> str:
    """A moment to the second, for a title."""
    return full_moment(moment)


@register.simple_tag
def age(since: datetime) -> SafeString:
    """How long it has lasted; the moment on hover."""
    return _time(since, age_words(since))


def _time(moment: datetime, words: str) -> SafeString:
    iso = timezone.localtime(moment).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, full_moment(moment), words)
