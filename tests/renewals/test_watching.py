"""The watcher beside a desk's worker: a card that goes in rings, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from agency.celery import app
from agency.tenancy import scope
from companies.models import Card
from portal_driver.card_watch import Look, Sight
from portal_driver.errors import PortalUnavailable
from renewals.domain.desks import Notice
from renewals.management.commands.watch_desks import Told, free_controls, look, note, watch_all
from renewals.models import Desk, Run, State
from tests.database import OUR_AGENCY
from tests.renewals.season import Season, empty, our_side, simulate

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def played(committed: None) -> Iterator[Season]:
    company, card, desk, renewal, _mei = our_side()
    with simulate(company, authorized_before=True) as simulator:
        with scope(OUR_AGENCY):
            Desk.objects.update(control=simulator.controls[0])
        yield Season(simulator, company, card, desk, renewal)
    app.close()


def look_once(played: Season) -> int:
    """Look at the desk; returns how often it was rung since the last time."""
    look(OUR_AGENCY, played.desk.pk)
    return empty(played.desk.queue)


def test_a_card_that_goes_in_rings_once(played: Season) -> None:
    assert look_once(played) == 0
    played.simulator.insert(1, played.card.number)
    assert [look_once(played), look_once(played)] == [1, 0]
    assert played.in_agency(Desk.objects.get).card_number == played.card.number


def test_the_same_card_put_in_again_rings_again(played: Season) -> None:
    played.simulator.insert(1, played.card.number)
    look_once(played)
    played.simulator.remove(1)
    assert look_once(played) == 0
    played.simulator.insert(1, played.card.number)
    assert look_once(played) == 1


def test_while_somebody_sits_at_the_desk_the_control_is_left_alone(played: Season) -> None:
    with scope(OUR_AGENCY):
        Desk.objects.update(sitting=played.desk.pk, sitting_until=Now() + timedelta(minutes=1))
    played.simulator.insert(1, played.card.number)
    assert look_once(played) == 0
    assert played.in_agency(Desk.objects.get).card_number == ""


def test_a_control_that_does_not_answer_is_said_to_be_out_of_reach(played: Season) -> None:
    with scope(OUR_AGENCY):
        Desk.objects.update(control="ws://127.0.0.1:1")
    with pytest.raises(PortalUnavailable):
        look(OUR_AGENCY, played.desk.pk)


def test_a_control_that_does_not_answer_is_said_at_the_desk_and_its_card_is_new_when_it_does(
    played: Season,
) -> None:
    played.simulator.insert(1, played.card.number)
    assert look_once(played) == 1
    note(OUR_AGENCY, played.desk.pk, Look(Sight.UNREACHABLE, error="refused"))
    assert played.in_agency(Desk.objects.get).notice == Notice.CONTROL_UNREACHABLE
    assert look_once(played) == 1
    assert played.in_agency(Desk.objects.get).notice == ""


def test_what_staff_said_is_in_a_reader_that_cannot_tell_stays(played: Season) -> None:
    with scope(OUR_AGENCY):
        Desk.objects.update(reads_cards=False, card_number=played.card.number)
    assert look_once(played) == 0
    assert played.in_agency(Desk.objects.get).card_number == played.card.number


def test_a_sitting_without_a_pin_asks_for_it_and_takes_nothing_up(played: Season) -> None:
    with scope(OUR_AGENCY):
        Card.objects.update(sealed_pin=None)
    assert played.insert_card_and_sit().state == State.WAITING
    assert played.in_agency(Desk.objects.get).notice == Notice.PIN_NEEDED
    assert played.in_agency(Run.objects.count) == 0


def watch_until(played: Season, *, rings: int) -> None:
    """Let the watch run until the desk was rung so often; fail after ten seconds."""

    async def until() -> None:
        watching = asyncio.ensure_future(watch_all([(OUR_AGENCY, played.desk.pk)], 0.02))
        rung = 0
        try:
            async with asyncio.timeout(10):
                while rung < rings:
                    rung += await asyncio.to_thread(empty, played.desk.queue)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(until())


def test_the_watch_rings_for_a_card_that_goes_in(played: Season) -> None:
    played.simulator.insert(1, played.card.number)
    watch_until(played, rings=1)
    assert played.in_agency(Desk.objects.get).card_number == played.card.number


def test_the_watch_goes_on_after_a_sitting(played: Season) -> None:
    """It keeps away while somebody sits, and takes the control up again."""
    with scope(OUR_AGENCY):
        Desk.objects.update(sitting=played.desk.pk, sitting_until=Now() + timedelta(seconds=1))
    played.simulator.insert(1, played.card.number)
    watch_until(played, rings=1)
    assert played.in_agency(Desk.objects.get).card_number == played.card.number


def test_for_all_desks_the_database_is_asked_once(played: Season) -> None:
    with scope(OUR_AGENCY):
        second, third = (
            Desk.objects.create(agency_id=OUR_AGENCY, name=code, code=code, control=f"ws://{code}.example")
            for code in ("second", "third")
        )
        Desk.objects.filter(pk=third.pk).update(sitting=third.pk, sitting_until=Now() + timedelta(minutes=1))
    with CaptureQueriesContext(connection) as captured:
        free = free_controls(OUR_AGENCY, [played.desk.pk, second.pk, third.pk])

    assert free == {played.desk.pk: played.simulator.controls[0], second.pk: second.control}
    assert sum("renewals_desk" in query["sql"] for query in captured) == 1


def test_what_was_seen_again_is_written_once_in_a_while_and_what_changed_at_once() -> None:
    out, card_in = Look(Sight.CARD_OUT), Look(Sight.CARD_IN, number="C1")
    told = Told(every_s=3600)
    assert [told.is_news(look) for look in (out, out, card_in, card_in)] == [True, False, True, False]
    assert told.is_news(out)
    always = Told(every_s=0)
    assert [always.is_news(out), always.is_news(out)] == [True, True]


def test_a_desk_that_does_not_exist_is_named() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("watch_desks", "nowhere")
