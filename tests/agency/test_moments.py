"""Dates and durations as people say them, in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from agency.moments import age_words, day_words, full_moment, moment_words

# 2026-03-08, 14:05:12 in China
NOW = datetime(2026, 3, 8, 6, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("back", "chinese", "english"),
    [
        (timedelta(), "今天 14:05", "today 14:05"),
        (timedelta(hours=14, minutes=5), "今天 00:00", "today 00:00"),
        (timedelta(hours=14, minutes=6), "昨天 23:59", "yesterday 23:59"),
        (timedelta(days=-1), "明天 14:05", "tomorrow 14:05"),
        (timedelta(days=3), "3月5日", "5 Mar"),
        (timedelta(days=90), "2025年12月8日", "8 Dec 2025"),
    ],
)
def test_a_moment_is_said_as_short_as_it_can_be(back: timedelta, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert moment_words(NOW - back, now=NOW) == chinese
    with translation.override("en"):
        assert moment_words(NOW - back, now=NOW) == english


def test_a_day_of_this_year_has_no_year() -> None:
    with translation.override("zh-hans"):
        assert day_words(date(2026, 11, 3), today=date(2026, 3, 8)) == "11月3日"


def test_the_full_moment_is_in_china_time_to_the_second() -> None:
    with translation.override("zh-hans"):
        assert full_moment(NOW) == "2026年3月8日 14:05:12"


@pytest.mark.parametrize(
    ("passed", "chinese", "english"),
    [
        (timedelta(seconds=59), "刚刚", "just now"),
        (timedelta(minutes=1), "1 分钟", "1 minute"),
        (timedelta(minutes=119), "1 小时", "1 hour"),
        (timedelta(days=3, hours=23), "3 天", "3 days"),
        (timedelta(seconds=-5), "刚刚", "just now"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(passed: timedelta, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert age_words(NOW - passed, now=NOW) == chinese
    with translation.override("en"):
        assert age_words(NOW - passed, now=NOW) == english
