"""The desk's page: which card is in, what runs, what the hands do next; and what its buttons do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from companies.domain.cards import quarantine
from companies.models import Card, Company
from portal_driver.contract import Outcome, Reason, SignedIn, StageBegun, Waiting
from portal_driver.contract import Stage as StageOf
from renewals.desk_words import instruction
from renewals.domain import desks, pausing, pins, running
from renewals.domain.at_desk import Situation
from renewals.domain.desks import Notice
from renewals.models import Desk, Pause, PinGrant, Renewal, State
from tests.cast import make_company, make_renewal
from tests.database import OUR_AGENCY
from tests.renewals.papers import keep_picture
from tests.renewals.runs import claim, finish

DESKS, SHEET = reverse("renewals:desks"), reverse("renewals:run_sheet")
PIN = "31415926"


@pytest.fixture
def page(client: Client, mei: User, desk: Desk) -> Client:
    """Mei's browser; the desk's watcher has just looked, and no card is in."""
    client.force_login(mei)
    with scope(desk.agency_id):
        desks.card_seen(desk, "")
    return client


def at(desk: Desk, name: str = "desk") -> str:
    return reverse(f"renewals:{name}", args=[desk.code])


def insert(desk: Desk, number: str, *, notice: str = "") -> None:
    """A card is in the reader, and a sitting left this notice."""
    with scope(desk.agency_id):
        desks.card_seen(desk, number)
        Desk.objects.filter(pk=desk.pk).update(notice=notice)


def situation(page: Client, desk: Desk) -> Situation:
    found: Situation = page.get(at(desk)).context["at"].situation
    return found


def says(page: Client, desk: Desk) -> tuple[str, str]:
    said = page.get(at(desk)).context["instruction"]
    return said.what, said.do


# --- What to do with the hands ----------------------------------------------------------------


def test_without_a_card_the_page_asks_for_the_next_one_and_says_where_it_lies(
    page: Client, desk: Desk, renewal: Renewal
) -> None:
    assert situation(page, desk) == Situation.INSERT
    assert says(page, desk) == ("请插卡：广州市宏达贸易有限公司", "在抽屉 A-1。")


def test_nothing_is_asked_for_where_nothing_waits(page: Client, desk: Desk, company: Company) -> None:
    assert situation(page, desk) == Situation.IDLE


def test_a_card_that_is_done_goes_back_and_the_next_one_is_named(
    page: Client, desk: Desk, card: Card, renewal: Renewal, wus_renewal: Renewal
) -> None:
    finish(claim(card, desk), Outcome.SUBMITTED)
    insert(desk, card.number, notice=Notice.TAKE_OUT)
    assert says(page, desk) == (
        "办完了，请取卡",
        "放回抽屉 A-1。然后插入“清远市远航电子有限公司”的卡。在抽屉 A-2。",
    )


def test_what_stopped_is_said_before_the_card_is_put_away(
    page: Client, desk: Desk, card: Card, renewal: Renewal
) -> None:
    finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    insert(desk, card.number, notice=Notice.TAKE_OUT)
    said = page.get(at(desk)).context["instruction"]
    assert said.what == "门户上该企业的统一社会信用代码不一致。什么都没有按。"
    assert (said.look, said.cue) == ("person", "person")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"valid_until": timezone.localdate() - timedelta(days=1)}, Situation.EXPIRED),
        ({"kind": "operator"}, Situation.WRONG_KIND),
        ({"quarantined_at": Now(), "quarantine_reason": "pin_refused"}, Situation.QUARANTINED),
    ],
)
def test_a_card_that_must_not_be_used_is_said_at_once(
    page: Client, desk: Desk, card: Card, renewal: Renewal, change: dict[str, Any], expected: Situation
) -> None:
    with scope(desk.agency_id):
        Card.objects.update(**change)
    insert(desk, card.number)
    assert situation(page, desk) == expected


def test_an_unknown_card_is_shown_with_its_number(page: Client, desk: Desk) -> None:
    insert(desk, "C44999")
    assert says(page, desk)[0] == "不认识这张卡：C44999"


def test_another_agencys_card_is_unknown_here(page: Client, desk: Desk, raos_company: Company) -> None:
    insert(desk, "C440000000003")
    assert situation(page, desk) == Situation.UNKNOWN_CARD


def test_a_desk_that_fell_silent_says_so(page: Client, desk: Desk, card: Card) -> None:
    insert(desk, card.number, notice=Notice.TAKE_OUT)
    with scope(desk.agency_id):
        Desk.objects.update(seen_at=Now() - timedelta(seconds=61))
    assert situation(page, desk) == Situation.SILENT
    assert page.get(DESKS).context["lines"][0][1] == "失去联系"


def test_a_desk_whose_control_does_not_answer_says_so(page: Client, desk: Desk) -> None:
    with scope(desk.agency_id):
        desks.control_silent(desk)
    assert situation(page, desk) == Situation.CONTROL_UNREACHABLE


def test_a_control_that_answers_again_is_believed_and_the_card_in_it_is_new(
    page: Client, desk: Desk, card: Card, renewal: Renewal
) -> None:
    insert(desk, card.number)
    with scope(desk.agency_id):
        desks.control_silent(desk)
        assert desks.control_answers(desk)
        assert not desks.control_answers(desk)
    assert situation(page, desk) == Situation.STARTING


@pytest.mark.parametrize("told", list(Situation))
def test_every_situation_has_words_in_both_places(
    page: Client, desk: Desk, told: Situation, renewal: Renewal
) -> None:
    found = page.get(at(desk)).context["at"]
    said = instruction(type(found)(**vars(found) | {"situation": told}))
    assert said.what
    assert said.look in ("go", "done", "wait", "person", "quiet")


# --- What runs --------------------------------------------------------------------------------


def test_a_run_is_shown_step_by_step_with_its_seconds_and_its_latest_picture(
    page: Client, desk: Desk, card: Card, renewal: Renewal, tmp_path: Path
) -> None:
    insert(desk, card.number)
    run = claim(card, desk)
    assert page.get(at(desk)).context["signing_in"] == "running"
    with scope(desk.agency_id):
        running.note(run, SignedIn("宏达", "91"))
        running.note(run, StageBegun(StageOf.CONFIRMATION))
        running.note(run, Waiting("application", 7, 10))
    picture = keep_picture(run, tmp_path)
    response = page.get(at(desk))
    context = response.context
    assert context["at"].situation == Situation.RUNNING
    assert context["signing_in"] == "done"
    assert [stage.state for stage in context["at"].stages] == ["running", *["pending"] * 4]
    assert context["at"].picture == picture
    assert "正在阅读续转申请单 7 / 10 秒" in response.content.decode()


def test_a_desk_counts_the_cards_that_it_dealt_with_today_and_says_when_all_will_be(
    page: Client, desk: Desk, card: Card, renewal: Renewal, wus_renewal: Renewal
) -> None:
    today = page.get(at(desk)).context["at"].today
    assert (today.cards, today.ends_at) == (0, None)
    finish(claim(card, desk), Outcome.SUBMITTED)
    found = page.get(at(desk)).context["at"]
    assert (found.today.cards, found.left) == (1, 1)
    assert found.today.ends_at is not None


# --- Up to date by itself ---------------------------------------------------------------------


def shown(page: Client, desk: Desk) -> str:
    version: str = page.get(at(desk)).context["version"]
    return version


def test_a_page_that_is_up_to_date_gets_nothing_and_costs_one_question(
    page: Client, desk: Desk, renewal: Renewal, django_assert_num_queries: Any
) -> None:
    version = shown(page, desk)
    with django_assert_num_queries(10):
        assert page.get(at(desk, "desk_live"), {"version": version}).status_code == 204


def test_whatever_happens_at_the_desk_reaches_the_page(
    page: Client, desk: Desk, card: Card, renewal: Renewal, mei: User, tmp_path: Path
) -> None:
    versions = [shown(page, desk)]

    def note() -> None:
        versions.append(shown(page, desk))

    insert(desk, card.number)
    note()
    run = claim(card, desk)
    note()
    with scope(desk.agency_id):
        running.note(run, Waiting("application", 3, 10))
    note()
    keep_picture(run, tmp_path)
    note()
    finish(run, Outcome.PERSON_NEEDED, Reason.PIN_MISSING)
    note()
    with scope(desk.agency_id):
        pins.grant_pin(card, desk=desk, pin=PIN, by=mei)
    note()
    with scope(desk.agency_id):
        quarantine(card, reason="pin_refused")
    note()
    with scope(desk.agency_id):
        pausing.pause(by=mei, why="午休", desk=desk)
    note()
    with scope(desk.agency_id):
        Desk.objects.update(seen_at=Now() - timedelta(minutes=5))
    note()
    assert len(set(versions)) == len(versions)


def test_the_desks_of_another_agency_are_not_there(page: Client, rao: User, desk: Desk) -> None:
    stranger = Client()
    stranger.force_login(rao)
    assert stranger.get(at(desk)).status_code == 404
    assert stranger.get(at(desk, "desk_live")).status_code == 404
    assert stranger.get(DESKS).context["lines"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_desks_asks_the_same_questions_however_long_it_is(
    page: Client, agency: Agency, desk: Desk, card: Card, number: int, django_assert_num_queries: Any
) -> None:
    with scope(agency.pk):
        for more in range(number - 1):
            Desk.objects.create(name=f"{more} 号", code=f"more-{more}", control="ws://127.0.0.1:1")
    insert(desk, card.number)
    with django_assert_num_queries(12):
        assert len(page.get(DESKS).context["lines"]) == number


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_a_desk_asks_the_same_questions_however_much_waits(
    page: Client, agency: Agency, desk: Desk, mei: User, number: int, django_assert_num_queries: Any
) -> None:
    for more in range(number):
        make_renewal(make_company(agency, 10 + more, f"深圳市第{more}贸易有限公司"), mei)
    with django_assert_num_queries(17):
        assert page.get(at(desk)).context["at"].left == number


# --- The PIN ----------------------------------------------------------------------------------


@pytest.fixture
def without_a_pin(desk: Desk, company: Company, renewal: Renewal, page: Client) -> Card:
    """The company's card is in the reader, work waits for it, and the vault is empty."""
    with scope(desk.agency_id):
        card = company.cards.get()
    insert(desk, card.number, notice=Notice.PIN_NEEDED)
    return card


def test_the_pin_is_asked_for_where_work_waits_and_none_is_at_hand(
    page: Client, desk: Desk, without_a_pin: Card
) -> None:
    response = page.get(at(desk))
    assert response.context["at"].situation == Situation.PIN_NEEDED
    assert 'name="pin"' in response.content.decode()


def test_no_pin_is_asked_for_where_the_vault_has_one(
    page: Client, desk: Desk, card: Card, renewal: Renewal
) -> None:
    insert(desk, card.number)
    assert 'name="pin"' not in page.get(at(desk)).content.decode()


def test_a_pin_is_sealed_for_this_card_and_desk_and_what_stopped_for_it_goes_on(
    page: Client, desk: Desk, without_a_pin: Card, renewal: Renewal
) -> None:
    finish(claim(without_a_pin, desk), Outcome.PERSON_NEEDED, Reason.PIN_MISSING)
    page.post(at(desk, "desk_pin"), {"card": without_a_pin.pk, "pin": PIN})
    with scope(desk.agency_id):
        grant = PinGrant.objects.get()
        assert (grant.card_id, grant.desk_id, grant.used_at) == (without_a_pin.pk, desk.pk, None)
        assert PIN.encode() not in bytes(grant.sealed_pin or b"")
        assert Renewal.objects.get().state == State.WAITING
    assert situation(page, desk) == Situation.STARTING


@pytest.mark.parametrize("typed", ["12345", "1" * 17, "88888888", ""])
def test_a_pin_that_can_only_cost_a_try_is_not_kept_and_never_sent_back(
    page: Client, desk: Desk, without_a_pin: Card, typed: str
) -> None:
    response = page.post(at(desk, "desk_pin"), {"card": without_a_pin.pk, "pin": typed})
    assert response.context["pin_form"].errors["pin"]
    assert not typed or typed not in response.content.decode()
    with scope(desk.agency_id):
        assert not PinGrant.objects.exists()


def test_a_pin_for_a_card_that_is_no_longer_in_the_reader_is_not_kept(
    page: Client, desk: Desk, without_a_pin: Card, wus_renewal: Renewal, wus_company: Company
) -> None:
    with scope(desk.agency_id):
        other = wus_company.cards.get()
    insert(desk, other.number)
    response = page.post(at(desk, "desk_pin"), {"card": without_a_pin.pk, "pin": PIN}, follow=True)
    assert [str(said) for said in response.context["messages"]] == [
        "读卡器里已换成另一张卡，刚才输入的密码没有保存。"
    ]
    with scope(desk.agency_id):
        assert not PinGrant.objects.exists()


def test_a_pin_for_a_card_in_quarantine_is_not_kept(page: Client, desk: Desk, without_a_pin: Card) -> None:
    with scope(desk.agency_id):
        quarantine(without_a_pin, reason="pin_refused")
    page.post(at(desk, "desk_pin"), {"card": without_a_pin.pk, "pin": PIN})
    with scope(desk.agency_id):
        assert not PinGrant.objects.exists()


# --- Pausing, and readers that cannot tell ----------------------------------------------------


def test_a_desk_is_paused_and_goes_on_each_with_a_reason(page: Client, desk: Desk, mei: User) -> None:
    page.post(at(desk, "desk_pause"), {"why": "午休"})
    assert situation(page, desk) == Situation.PAUSED
    page.post(at(desk, "desk_resume"), {"why": "回来了"})
    assert situation(page, desk) == Situation.IDLE
    with scope(desk.agency_id):
        pause = Pause.objects.get()
    assert (pause.why, pause.begun_by, pause.ended_by, pause.ended_why) == ("午休", mei, mei, "回来了")


@pytest.mark.parametrize("name", ["desk_pause", "desk_resume"])
def test_who_pauses_or_resumes_says_why(page: Client, desk: Desk, name: str) -> None:
    response = page.post(at(desk, name), {"why": ""})
    assert response.context["pause_form"].errors["why"] == ["请写明原因，同事会看到。"]
    with scope(desk.agency_id):
        assert not Pause.objects.exists()


def test_an_agencys_pause_is_said_at_its_desks(page: Client, desk: Desk, mei: User) -> None:
    with scope(desk.agency_id):
        pausing.pause(by=mei, why="门户维护")
    assert says(page, desk) == ("本台已暂停", "原因：门户维护")


@pytest.fixture
def blind(page: Client, desk: Desk, renewal: Renewal, wus_renewal: Renewal) -> Desk:
    """The desk's reader cannot tell the card without a PIN."""
    with scope(desk.agency_id):
        Desk.objects.update(reads_cards=False)
    return desk


@pytest.mark.parametrize("which", ["0001", "宏达", "a-1"])
def test_staff_say_which_card_is_in_with_its_pin(page: Client, blind: Desk, which: str) -> None:
    assert situation(page, blind) == Situation.SAY_WHICH
    page.post(at(blind, "desk_card"), {"which": which, "pin": PIN})
    assert page.get(at(blind)).context["at"].card.company.name == "广州市宏达贸易有限公司"
    with scope(blind.agency_id):
        assert PinGrant.objects.get().card.drawer == "A-1"


@pytest.mark.parametrize("which", ["1", "001", "宏"])
def test_a_drawer_that_nobody_has_is_not_taken_for_the_end_of_a_number(
    page: Client, blind: Desk, which: str
) -> None:
    page.post(at(blind, "desk_card"), {"which": which, "pin": PIN})
    with scope(blind.agency_id):
        assert Desk.objects.get().card_number == ""
        assert not PinGrant.objects.exists()


def test_nobody_says_which_card_is_in_while_work_goes_on(page: Client, blind: Desk) -> None:
    with scope(blind.agency_id):
        Desk.objects.update(sitting=blind.pk, sitting_until=Now() + timedelta(minutes=1))
    page.post(at(blind, "desk_card"), {"which": "0001", "pin": PIN})
    with scope(blind.agency_id):
        assert Desk.objects.get().card_number == ""
        assert not PinGrant.objects.exists()


def test_what_a_sitting_left_is_said_where_the_reader_cannot_tell_the_card(
    page: Client, blind: Desk, card: Card
) -> None:
    finish(claim(card, blind), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    for notice, expected in (
        (Notice.PIN_NEEDED, Situation.PIN_NEEDED),
        (Notice.QUARANTINED, Situation.QUARANTINED),
        (Notice.PAUSED, Situation.WORK_PAUSED),
        (Notice.TAKE_OUT, Situation.TAKE_OUT),
    ):
        insert(blind, "", notice=notice)
        assert situation(page, blind) == expected
    assert says(page, blind)[0] == "门户上该企业的统一社会信用代码不一致。什么都没有按。"


def test_where_several_cards_fit_all_are_offered_and_none_is_taken(page: Client, blind: Desk) -> None:
    response = page.post(at(blind, "desk_card"), {"which": "公司"})
    assert [card.drawer for card in response.context["offered"]] == ["A-1", "A-2"]
    with scope(blind.agency_id):
        assert Desk.objects.get().card_number == ""


def test_a_card_that_nobody_knows_is_not_said_to_be_in(page: Client, blind: Desk) -> None:
    response = page.post(at(blind, "desk_card"), {"which": "没有这家"})
    assert response.context["card_form"].errors["which"] == ["找不到这张卡。请输入卡号、企业名称或抽屉号。"]


def test_nobody_says_which_card_is_in_a_reader_that_can_tell(page: Client, desk: Desk, card: Card) -> None:
    assert page.post(at(desk, "desk_card"), {"which": card.number}).status_code == 404


# --- The run sheet ----------------------------------------------------------------------------


def test_the_run_sheet_lists_the_cards_with_their_drawers(
    page: Client, renewal: Renewal, wus_renewal: Renewal, raos_renewal: Renewal
) -> None:
    assert [line.card.drawer for line in page.get(SHEET).context["lines"]] == ["A-1", "A-2"]


# --- An agency's own desks --------------------------------------------------------------------


def test_an_admin_makes_a_desk_and_is_told_its_code(client: Client, lin: User) -> None:
    client.force_login(lin)
    assert reverse("renewals:desk_new") in client.get(reverse("renewals:desks")).content.decode()
    form = {"name": "2 号读卡台", "control": "ws://127.0.0.1:61232", "reads_cards": "on"}
    page = client.post(reverse("renewals:desk_new"), form, follow=True).content.decode()
    with scope(OUR_AGENCY):
        [made] = Desk.objects.all()
        entry = AuditEntry.objects.get(action="desk_made")
    assert (made.name, made.control, made.reads_cards, made.code in page) == (
        "2 号读卡台",
        "ws://127.0.0.1:61232",
        True,
        True,
    )
    assert (entry.actor, entry.detail["control"]) == (lin, "ws://127.0.0.1:61232")


@pytest.mark.parametrize(
    "address",
    [
        *("ws://10.0.0.9:61232", "http://127.0.0.1:61232", "ws://127.0.0.1", "ws://127.0.0.1:99999", "x"),
        *("ws://127.0.0.1:1/admin", "ws://me@127.0.0.1:1", "ws://127.0.0.1:1?x", "ws://127.0.0.1.evil.cn:1"),
    ],
)
def test_a_desk_is_nowhere_but_where_the_installation_allows(client: Client, lin: User, address: str) -> None:
    client.force_login(lin)
    page = client.post(reverse("renewals:desk_new"), {"name": "台", "control": address})
    assert "127.0.0.1, localhost" in page.content.decode()
    with scope(OUR_AGENCY):
        assert Desk.objects.count() == 0


def test_an_admin_changes_a_desk_and_staff_do_not(client: Client, lin: User, mei: User, desk: Desk) -> None:
    address, form = (
        reverse("renewals:desk_edit", args=["d1"]),
        {"name": "窗边", "control": "ws://localhost:5"},
    )
    client.force_login(mei)
    assert client.post(address, form).status_code == 404
    client.force_login(lin)
    client.post(address, form)
    with scope(OUR_AGENCY):
        changed = Desk.objects.get()
        assert (changed.name, changed.control, changed.reads_cards) == ("窗边", "ws://localhost:5", False)
        assert AuditEntry.objects.filter(action="desk_changed").count() == 1
