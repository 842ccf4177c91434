"""A batch's pace and forecast, from rows alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from agency.models import Agency, User
from renewals.domain.progress import Pace, pace
from renewals.domain.queueing import queue_companies
from renewals.models import Batch, Renewal, State
from tests.cast import YEAR, make_company

pytestmark = pytest.mark.usefixtures("in_agency")


@pytest.fixture
def batch(agency: Agency, mei: User) -> Batch:
    """Four companies, queued together."""
    companies = [make_company(agency, place, f"第{place}号公司") for place in range(1, 5)]
    queued = queue_companies([one.pk for one in companies], year=YEAR, name="第一批", by=mei)
    assert queued.batch is not None
    return queued.batch


def submit(batch: Batch, *minutes_ago: int) -> None:
    """The next companies' applications went in so long ago."""
    for minutes in minutes_ago:
        waiting = batch.renewals.filter(state=State.WAITING)
        Renewal.objects.filter(pk__in=waiting.values("pk")[:1]).update(
            state=State.SUBMITTED,
            look_at=Now(),
            submitted_at=Now() - timedelta(minutes=minutes),
        )


def test_before_anything_is_submitted_nobody_knows_when_it_ends(batch: Batch) -> None:
    assert pace(batch) == Pace(last_hour=0, left=4, ends_at=None)


def test_the_rest_takes_as_long_each_as_the_last_hours_did(batch: Batch) -> None:
    submit(batch, 20, 10)
    found = pace(batch)
    assert (found.last_hour, found.left) == (2, 2)
    assert found.ends_at is not None
    # Two in 20 minutes, two are left.
    assert round((found.ends_at - timezone.now()).total_seconds() / 60) == 20


def test_what_was_submitted_before_the_last_hour_tells_nothing_of_now(batch: Batch) -> None:
    submit(batch, 61, 90)
    assert pace(batch) == Pace(last_hour=0, left=2, ends_at=None)


def test_where_nothing_is_left_there_is_no_forecast(batch: Batch) -> None:
    submit(batch, 1, 2, 3, 4)
    assert pace(batch) == Pace(last_hour=4, left=0, ends_at=None)


def test_another_batchs_renewals_count_for_themselves(batch: Batch, agency: Agency, mei: User) -> None:
    other = make_company(agency, 9, "佛山市明珠灯饰有限公司")
    queued = queue_companies([other.pk], year=YEAR, name="第二批", by=mei)
    assert queued.batch is not None
    submit(queued.batch, 5)
    assert pace(batch) == Pace(last_hour=0, left=4, ends_at=None)


def test_the_pace_asks_the_clock_and_the_rows_once(
    batch: Batch, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        pace(batch)
