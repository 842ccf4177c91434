"""The watcher beside a desk's worker: a card that goes in rings, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from agency.celery import app
from agency.tenancy import scope
from portal_driver.errors import PortalUnavailable
from renewals.management.commands.watch_desks import look, watch_all
from renewals.models import Desk
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


def test_a_desk_that_does_not_exist_is_named() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("watch_desks", "nowhere")
