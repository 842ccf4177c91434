"""The run sheet, and what is said of a card before any PIN."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from agency.models import User
from companies.models import Card, CardKind, Company
from renewals.domain import claiming, desks, pausing
from renewals.domain.desks import Notice
from renewals.models import Desk, Renewal

pytestmark = pytest.mark.usefixtures("raos_company", "renewal", "wus_renewal", "in_agency")


def companies_on_the_sheet(**arguments: list[str]) -> list[Company]:
    return [line.card.company for line in desks.run_sheet(**arguments)]


def test_the_sheet_has_each_card_once(company: Company, wus_company: Company) -> None:
    assert companies_on_the_sheet() == [company, wus_company]


def test_what_is_urgent_comes_first(wus_renewal: Renewal, company: Company, wus_company: Company) -> None:
    Renewal.objects.filter(pk=wus_renewal.pk).update(priority=5)
    assert companies_on_the_sheet() == [wus_company, company]


def test_a_card_in_a_reader_is_not_asked_for(company: Company, wus_company: Company, desk: Desk) -> None:
    desks.card_seen(desk, company.cards.get().number)
    assert companies_on_the_sheet() == [wus_company]


def test_a_card_in_somebodys_hand_is_not_asked_for(company: Company, wus_company: Company) -> None:
    assert companies_on_the_sheet(without=[company.cards.get().number]) == [wus_company]


@pytest.mark.parametrize(
    "change",
    [
        {"quarantined_at": Now(), "quarantine_reason": "pin_refused"},
        {"valid_until": timezone.localdate() - timedelta(days=1)},
        {"custody": "company"},
    ],
)
def test_a_card_that_cannot_be_used_is_not_asked_for(
    company: Company, wus_company: Company, change: dict[str, object]
) -> None:
    Card.objects.filter(company=company).update(**change)
    assert companies_on_the_sheet() == [wus_company]


def test_what_is_not_due_is_not_asked_for(renewal: Renewal, wus_company: Company) -> None:
    Renewal.objects.filter(pk=renewal.pk).update(look_at=Now() + timedelta(hours=1))
    assert companies_on_the_sheet() == [wus_company]


# --- a reader that cannot tell which card is in ---------------------------------------------


@pytest.fixture
def silent_desk(desk: Desk) -> Desk:
    desk.reads_cards = False
    desk.save()
    return desk


def test_what_a_person_says_counts_for_one_sitting(silent_desk: Desk, company: Company, mei: User) -> None:
    card = company.cards.get()
    assert desks.card_said(silent_desk, card, by=mei)
    assert claiming.begin_sitting(silent_desk)
    assert silent_desk.card_number == card.number
    claiming.end_sitting(silent_desk, notice="")
    assert Desk.objects.get().card_number == ""


def test_what_was_said_to_a_worker_that_died_counts_no_more(
    silent_desk: Desk, company: Company, mei: User
) -> None:
    desks.card_said(silent_desk, company.cards.get(), by=mei)
    assert claiming.begin_sitting(silent_desk)
    Desk.objects.update(sitting_until=Now() - timedelta(seconds=1))
    after = Desk.objects.get()
    assert claiming.begin_sitting(after)
    assert after.card_number == ""


def test_it_can_be_said_again_at_once_after_a_worker_died(
    silent_desk: Desk, company: Company, mei: User
) -> None:
    assert claiming.begin_sitting(silent_desk)
    Desk.objects.update(sitting_until=Now() - timedelta(seconds=1))
    assert desks.card_said(silent_desk, company.cards.get(), by=mei)
    after = Desk.objects.get()
    assert claiming.begin_sitting(after)
    assert after.card_number == company.cards.get().number


def test_nothing_can_be_said_while_the_desk_works(
    silent_desk: Desk, company: Company, wus_company: Company, mei: User
) -> None:
    desks.card_said(silent_desk, company.cards.get(), by=mei)
    assert claiming.begin_sitting(silent_desk)
    assert not desks.card_said(silent_desk, wus_company.cards.get(), by=mei)
    assert Desk.objects.get().card_number == company.cards.get().number


def test_nothing_is_said_of_a_reader_that_can_tell(desk: Desk, company: Company, mei: User) -> None:
    assert not desks.card_said(desk, company.cards.get(), by=mei)


def test_an_empty_look_takes_no_persons_word_away(silent_desk: Desk, company: Company, mei: User) -> None:
    desks.card_said(silent_desk, company.cards.get(), by=mei)
    desks.card_seen(silent_desk, "")
    assert Desk.objects.get().card_number == company.cards.get().number


def test_an_unknown_card_is_said_to_be_unknown() -> None:
    assert desks.refusal(desks.card_in("C44999")) == Notice.UNKNOWN_CARD


def test_another_agencys_card_is_unknown_here() -> None:
    raos_card = "C440000000003"
    assert desks.refusal(desks.card_in(raos_card)) == Notice.UNKNOWN_CARD


def test_a_good_card_is_not_refused(company: Company) -> None:
    assert desks.refusal(desks.card_in(company.cards.get().number)) is None


def test_an_expired_card_is_refused_before_any_pin(company: Company) -> None:
    company.cards.update(valid_until=timezone.localdate() - timedelta(days=1))
    assert desks.refusal(desks.card_in(company.cards.get().number)) == Notice.EXPIRED


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"quarantined_at": Now(), "quarantine_reason": "asked"}, Notice.QUARANTINED),
        ({"kind": CardKind.OPERATOR}, Notice.WRONG_KIND),
        ({"valid_until": None}, None),
    ],
)
def test_a_card_is_refused_by_what_is_known_of_it(
    company: Company, changed: dict[str, object], said: Notice | None
) -> None:
    Card.objects.filter(company=company).update(**changed)
    assert desks.refusal(desks.card_in(company.cards.get().number)) == said


def test_a_card_that_was_seen_takes_the_last_ones_notice_away(desk: Desk) -> None:
    Desk.objects.update(card_number="C1", notice=Notice.TAKE_OUT)
    desks.card_seen(desk, "C1")
    assert Desk.objects.get().notice == Notice.TAKE_OUT
    desks.card_seen(desk, "C2")
    desk.refresh_from_db()
    assert (desk.card_number, desk.notice) == ("C2", "")
    assert desk.seen_at is not None


def test_work_that_waits_and_does_not_run_is_held_back(company: Company) -> None:
    assert desks.why_nothing_runs(company.cards.get()) == Notice.HELD_BACK


def test_work_that_stands_still_is_paused(company: Company, mei: User) -> None:
    pausing.pause(by=mei, why="asked")
    assert desks.why_nothing_runs(company.cards.get()) == Notice.PAUSED


def test_where_nothing_is_due_nothing_is_held_back(renewal: Renewal, company: Company) -> None:
    Renewal.objects.filter(pk=renewal.pk).update(look_at=Now() + timedelta(hours=1))
    assert desks.why_nothing_runs(company.cards.get()) is None


@pytest.mark.parametrize(
    ("seconds", "is_silent"), [(None, False), (59, False), (61, True)], ids=["never heard", "59 s", "61 s"]
)
def test_a_desk_is_silent_that_has_said_nothing_for_a_minute(
    desk: Desk, seconds: int | None, is_silent: bool
) -> None:
    Desk.objects.update(seen_at=None if seconds is None else Now() - timedelta(seconds=seconds))
    assert desks.silent_desks().exists() is is_silent


def test_a_desk_that_was_paused_is_not_silent(desk: Desk, mei: User) -> None:
    Desk.objects.update(seen_at=Now() - timedelta(hours=1))
    pausing.pause(by=mei, why="lunch", desk=desk)
    assert not desks.silent_desks().exists()
