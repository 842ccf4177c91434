"""Work that stands still: at every level, before the next click, and back slowly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from agency.models import AuditEntry, User
from agency.tenancy import scope
from companies.models import Card, Company
from portal_driver.contract import Click, NotArmed, Outcome
from renewals.domain import claiming, intents, pausing
from renewals.models import Batch, Desk, Pause, Renewal, StageName, Standstill, State
from tests.cast import make_renewal
from tests.renewals.runs import DIGEST, claim, finish, press


def claim_or_none(card: Card, desk: Desk) -> object:
    with scope(card.agency_id):
        return claiming.claim_for_card(card, desk=desk, worker="test", profile="2024")


def pause(renewal: Renewal, by: User, **what: object) -> Pause:
    with scope(renewal.agency_id):
        return pausing.pause(by=by, why="门户今晚维护", **what)  # type: ignore[arg-type]


def resume(begun: Pause, by: User) -> bool:
    with scope(begun.agency_id):
        return pausing.resume(begun, by=by, why="门户恢复")


def end_the_ramp() -> None:
    Pause.objects.update(ended_at=F("ended_at") - timedelta(hours=1))


@pytest.mark.parametrize("level", ["agency", "batch", "stage of the batch", "stage"])
def test_what_is_paused_is_not_claimed_until_it_is_resumed(
    renewal: Renewal, card: Card, desk: Desk, mei: User, level: str
) -> None:
    what: dict[str, object] = {
        "agency": {},
        "batch": {"batch": renewal.batch},
        "stage of the batch": {"batch": renewal.batch, "stage": "confirmation"},
        "stage": {"stage": "confirmation"},
    }[level]  # type: ignore[assignment]
    begun = pause(renewal, mei, **what)
    assert claim_or_none(card, desk) is None
    assert resume(begun, mei)
    assert not resume(begun, mei)
    assert claim_or_none(card, desk) is not None


def test_another_batch_and_another_stage_go_on(
    renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    pause(renewal, mei, batch=wus_renewal.batch)
    pause(renewal, mei, stage="receipt")
    assert claim_or_none(card, desk) is not None


def test_a_paused_desk_seats_nobody(renewal: Renewal, desk: Desk, mei: User) -> None:
    begun = pause(renewal, mei, desk=desk)
    with scope(desk.agency_id):
        assert not claiming.begin_sitting(desk)
        pausing.resume(begun, by=mei, why="")
        assert claiming.begin_sitting(desk)


def test_a_sitting_takes_up_nothing_more_at_a_desk_that_was_paused(
    renewal: Renewal, desk: Desk, mei: User
) -> None:
    with scope(desk.agency_id):
        claiming.begin_sitting(desk)
        assert claiming.may_go_on(desk)
        pausing.pause(by=mei, why="", desk=desk)
        assert not claiming.may_go_on(desk)


def test_pausing_twice_is_one_pause(renewal: Renewal, mei: User, lin: User) -> None:
    assert pause(renewal, mei) == pause(renewal, lin)


def test_who_and_why_are_kept(renewal: Renewal, mei: User, lin: User) -> None:
    begun = pause(renewal, mei, batch=renewal.batch)
    resume(begun, lin)
    with scope(renewal.agency_id):
        [kept] = Pause.objects.all()
        audited = AuditEntry.objects.filter(object_type="pause").values_list("action", "actor_name")
        assert list(audited.order_by("number")) == [("paused", "Mei"), ("resumed", "Lin")]
    assert (kept.begun_by, kept.why, kept.ended_by, kept.ended_why) == (mei, "门户今晚维护", lin, "门户恢复")


def test_a_run_under_way_stops_before_its_next_click_and_goes_on_after_the_pause(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    begun = pause(renewal, mei)
    with scope(renewal.agency_id):
        assert intents.arm(run, Click.CONFIRM, page_sha256=DIGEST) == NotArmed(Click.CONFIRM, why="paused")
    rested = finish(run, Outcome.STOPPED)
    assert (rested.state, rested.reason, rested.setbacks) == (State.WAITING, "paused", 0)
    resume(begun, mei)
    assert claim_or_none(card, desk) is not None


def test_a_pause_does_not_touch_a_click_that_was_pressed(
    renewal: Renewal, card: Card, desk: Desk, mei: User
) -> None:
    run = claim(card, desk)
    press(run)
    pause(renewal, mei)
    with scope(renewal.agency_id):
        intents.confirmed(run, Click.CONFIRM, proof="")
    assert finish(run, Outcome.SUBMITTED).state == State.SUBMITTED


def test_after_a_pause_the_work_comes_back_one_run_at_a_time(
    company: Company, wus_company: Company, card: Card, desk: Desk, mei: User, lin: User
) -> None:
    first = make_renewal(company, mei)
    make_renewal(wus_company, mei)
    with scope(company.agency_id):
        wus_card = wus_company.cards.get()
        second_desk = Desk.objects.create(name="2 号读卡台", code="d2", control="ws://127.0.0.1:2")
    resume(pause(first, mei), mei)
    claim(card, desk)
    assert claim_or_none(wus_card, second_desk) is None
    with scope(company.agency_id):
        end_the_ramp()
    assert claim_or_none(wus_card, second_desk) is not None


# --- the whole installation -------------------------------------------------------------------


@pytest.fixture
def standstill(db: None) -> Standstill:
    """Begun by the operator, as the owner; undone with the test, so it is written as the app may not."""
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute("INSERT INTO renewals_standstill (why, begun_by) VALUES ('x', 'x')")
    return Standstill(why="x")


def test_the_app_role_cannot_begin_a_standstill(standstill: Standstill) -> None:
    assert Standstill.objects.count() == 0


@pytest.mark.parametrize("proven", [[], list(StageName)], ids=["with a canary", "unhindered"])
@pytest.mark.usefixtures("committed")
def test_the_operator_lets_the_installation_stand_still_and_go_on(proven: list[str]) -> None:
    from tests.renewals.season import our_side

    _company, card, desk, _renewal, _mei = our_side()
    with scope(card.agency_id):
        Batch.objects.update(proven=proven)
    call_command("standstill", "门户维护", "--by", "operator")
    assert claim_or_none(card, desk) is None
    with scope(card.agency_id):
        assert not claiming.begin_sitting(desk)
    with pytest.raises(CommandError, match="stands still already"):
        call_command("standstill", "门户维护", "--by", "operator")
    call_command("standstill", "--end", "--by", "operator")
    assert claim_or_none(card, desk) is not None
    with pytest.raises(CommandError, match="does not stand still"):
        call_command("standstill", "--end", "--by", "operator")
    kept = Standstill.objects.get()
    assert (kept.why, kept.begun_by, kept.ended_by) == ("门户维护", "operator", "operator")
    with scope(card.agency_id):
        told = AuditEntry.objects.filter(action__startswith="standstill_").order_by("number")
        assert [(entry.action, entry.actor_name.split("@")[0]) for entry in told] == [
            ("standstill_begun", "operator"),
            ("standstill_ended", "operator"),
        ]


def test_a_resumed_pause_is_not_over_the_work_any_more(renewal: Renewal, mei: User) -> None:
    with scope(renewal.agency_id):
        begun = pausing.pause(by=mei, why="午休", batch=renewal.batch)
        assert list(pausing.in_force(batch=renewal.batch)) == [begun]
        pausing.resume(begun, by=mei, why="")
        assert list(pausing.in_force()) == []
        assert Pause.objects.filter(ended_at__lte=Now()).count() == 1
