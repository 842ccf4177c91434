"""The inbox: what waits for a person, the acts that fit, and the next item that opens by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agency.models import Agency, Membership, User
from agency.tenancy import scope
from companies.domain.cards import quarantine
from companies.models import Card, Contact
from portal_driver.contract import Outcome, Reason
from renewals.domain import attention, by_hand
from renewals.domain.colleagues import assign
from renewals.domain.matters import open_matter
from renewals.fitting import CITY_LINES, Do, phones, what_fits
from renewals.models import Desk, Event, Intent, IntentState, Matter, Renewal, State
from renewals.reasons import CATALOGUE, EngineReason
from tests.cast import make_company, make_renewal
from tests.renewals.papers import keep_picture
from tests.renewals.runs import claim, finish, press

INBOX = reverse("renewals:attention")


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def stop(renewal: Renewal, reason: str = Reason.USCC_DIFFERS, **more: object) -> Renewal:
    """The renewal waits for a person for this reason."""
    with scope(renewal.agency_id):
        state = {"state": State.ATTENTION, "reason": reason} | more
        Renewal.objects.filter(pk=renewal.pk).update(**state)
        return Renewal.objects.get(pk=renewal.pk)


def now(renewal: Renewal) -> Renewal:
    with scope(renewal.agency_id):
        return Renewal.objects.get(pk=renewal.pk)


def do(page: Client, renewal: Renewal, deed: Do, **words: str) -> str:
    """Do it, and return where the person is sent."""
    sent = {"deed": deed.value, "next": f"{INBOX}?item=next"} | words
    response = page.post(reverse("renewals:deed", args=[renewal.pk]), sent)
    assert response.status_code == 302
    return str(response["Location"])


def shown(page: Client, **query: str) -> list[str]:
    return [item.company.name for item in page.get(INBOX, query).context["items"]]


# --- What is in it ----------------------------------------------------------------------------


def test_the_inbox_holds_what_stopped_and_what_is_asked_and_nothing_of_others(
    page: Client, renewal: Renewal, wus_renewal: Renewal, raos_renewal: Renewal, mei: User
) -> None:
    stop(raos_renewal)
    assert shown(page) == []
    stop(renewal)
    with scope(wus_renewal.agency_id):
        open_matter(wus_renewal, EngineReason.POLICY_OVERDUE)
    context = page.get(INBOX).context
    assert {(item.company.name, item.asked) for item in context["items"]} == {
        (renewal.company.name, "uscc_differs"),
        (wus_renewal.company.name, "policy_overdue"),
    }


def test_what_was_closed_as_refused_waits_for_nobody(page: Client, renewal: Renewal) -> None:
    do(page, stop(renewal, Reason.NO_PENDING_POLICY), Do.REFUSE, why="企业今年不参加")
    assert now(renewal).state == State.REFUSED
    assert shown(page) == []


def test_the_longest_waiting_comes_first(page: Client, renewal: Renewal, wus_renewal: Renewal) -> None:
    stop(wus_renewal, state_since="2026-11-01T08:00:00+08:00")
    stop(renewal, state_since="2026-11-02T08:00:00+08:00")
    assert shown(page) == [wus_renewal.company.name, renewal.company.name]


def test_every_number_opens_its_items(
    page: Client, renewal: Renewal, wus_renewal: Renewal, mei: User, lin: User
) -> None:
    stop(wus_renewal, Reason.CARD_LOCKED)
    with scope(renewal.agency_id):
        assign(stop(renewal), mei, by=lin)
    context = page.get(INBOX).context
    numbers = {tile.value: tile.number for tile in context["people"]}
    assert numbers == {"": 2, "mine": 1, "none": 1}
    assert {tile.value: tile.number for tile in context["reasons"]} == {"uscc_differs": 1, "card_locked": 1}
    for value, number in numbers.items():
        assert len(shown(page, person=value)) == number
    assert shown(page, reason="card_locked") == [wus_renewal.company.name]
    assert shown(page, reason="card_locked", person="mine") == []


def test_who_is_in_charge_of_the_company_has_what_is_assigned_to_nobody(
    page: Client, renewal: Renewal, mei: User
) -> None:
    stop(renewal)
    with scope(renewal.agency_id):
        renewal.company.owner = mei
        renewal.company.save()
    assert shown(page, person="mine") == [renewal.company.name]
    assert shown(page, person=str(mei.pk)) == [renewal.company.name]


@pytest.mark.parametrize("query", [{"person": "somebody"}, {"item": "x"}])
def test_an_address_that_names_nobody_is_not_found(page: Client, query: dict[str, str]) -> None:
    assert page.get(INBOX, query).status_code == 404


# --- One item ---------------------------------------------------------------------------------


def test_an_item_shows_what_was_expected_and_seen_and_the_last_picture(
    page: Client, renewal: Renewal, card: Card, desk: Desk, tmp_path: Path
) -> None:
    run = claim(card, desk)
    picture = keep_picture(run, tmp_path)
    finish(run, Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED)
    stop(renewal, Reason.PAGE_CHANGED, reason_detail={"expected": "确认投保", "seen": "系统公告"})
    detail = page.get(INBOX).context["detail"]
    assert detail.findings == [("预期", "确认投保"), ("门户上显示", "系统公告")]
    assert detail.picture == picture
    assert detail.item.contact == {
        "name": "王志强",
        "mobile": "13800138000",
        "email": "office1@example.com",
    }


def test_the_item_in_the_address_is_open_also_from_another_filter(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    stop(renewal)
    stop(wus_renewal)
    for one in (renewal, wus_renewal):
        assert page.get(INBOX, {"item": str(one.pk)}).context["detail"].item.pk == one.pk


def test_an_item_that_is_settled_meanwhile_makes_room_for_the_first(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    stop(renewal)
    context = page.get(INBOX, {"item": str(wus_renewal.pk)}).context
    assert context["detail"].item.pk == renewal.pk


def test_numbers_to_call_stand_where_the_guide_sends_people_to_the_phone() -> None:
    assert phones(Reason.USCC_DIFFERS, "广州") == [("95198", False), *((line, True) for line in CITY_LINES)]
    assert phones(Reason.USCC_DIFFERS, "深圳") == [("95198", False)]
    assert phones(Reason.PIN_MISSING, "广州") == []


# --- The acts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(CATALOGUE))
def test_for_every_reason_of_a_renewal_that_stopped_there_is_something_to_do(reason: str) -> None:
    stopped = Renewal(state=State.ATTENTION, reason=reason, stage="confirmation")
    assert what_fits(stopped, reason) != ()


def test_only_the_acts_that_fit_the_reason_are_offered(page: Client, renewal: Renewal) -> None:
    def offered(reason: str) -> list[str]:
        stop(renewal, reason)
        return [offer.deed.do for offer in page.get(INBOX).context["detail"].offers]

    assert offered(Reason.CONTACT_REFUSED) == [Do.CORRECT, Do.DONE, Do.REFUSE]
    assert offered(Reason.PIN_MISSING) == [Do.RETRY]
    assert offered(EngineReason.TAKEN_OVER) == [Do.DONE, Do.GIVE_BACK, Do.REFUSE]


def test_after_an_act_the_next_item_opens(page: Client, renewal: Renewal, wus_renewal: Renewal) -> None:
    stop(renewal, state_since="2026-11-01T08:00:00+08:00")
    stop(wus_renewal, state_since="2026-11-02T08:00:00+08:00")
    first = page.get(INBOX).context
    assert (first["detail"].item.pk, first["following"].pk) == (renewal.pk, wus_renewal.pk)
    last = page.get(INBOX, {"item": str(wus_renewal.pk)}).context
    assert last["following"].pk == renewal.pk


def test_retry_puts_it_back_and_sends_to_the_next(page: Client, renewal: Renewal) -> None:
    assert do(page, stop(renewal), Do.RETRY) == f"{INBOX}?item=next"
    assert now(renewal).state == State.WAITING


def test_a_card_in_quarantine_is_looked_at_before_anything_is_tried_again(
    page: Client, renewal: Renewal
) -> None:
    def offered() -> list[str]:
        return [offer.deed.do for offer in page.get(INBOX).context["detail"].offers]

    stop(renewal, Reason.PIN_REFUSED)
    assert offered() == [Do.RETRY, Do.REFUSE]
    with scope(renewal.agency_id):
        [card] = renewal.company.cards.all()
        quarantine(card, reason=Reason.PIN_REFUSED)
    assert offered() == [Do.LIFT, Do.REFUSE]
    assert page.get(INBOX, {"reason": "pin_refused"}).context["all_of_reason"] == 0

    do(page, renewal, Do.LIFT, why="企业来电告知了新密码")

    with scope(renewal.agency_id):
        assert renewal.company.cards.get().is_quarantined is False
    assert now(renewal).state == State.WAITING


def test_lifting_leaves_the_card_where_the_renewal_cannot_be_tried_again(
    page: Client, renewal: Renewal, mei: User
) -> None:
    stop(renewal, Reason.PIN_REFUSED, taken_by=mei)
    with scope(renewal.agency_id):
        [card] = renewal.company.cards.all()
        quarantine(card, reason=Reason.PIN_REFUSED)

    do(page, renewal, Do.LIFT, why="企业来电告知了新密码")

    with scope(renewal.agency_id):
        assert renewal.company.cards.get().is_quarantined is True


def test_the_contact_is_corrected_and_the_renewal_tried_again(page: Client, renewal: Renewal) -> None:
    words = {"name": "李娜", "mobile": "13900139000", "email": "lina@example.com"}
    do(page, stop(renewal, Reason.CONTACT_REFUSED), Do.CORRECT, **words)
    with scope(renewal.agency_id):
        contact = Contact.objects.get(company=renewal.company, is_primary=True)
    assert (contact.name, contact.mobile, contact.email) == tuple(words.values())
    assert now(renewal).state == State.WAITING


@pytest.mark.parametrize(
    ("deed", "words", "wrong"),
    [
        (Do.CORRECT, {"name": "李娜", "mobile": "139", "email": "li@example.com"}, "mobile"),
        (Do.CORRECT, {"name": "李娜", "mobile": "13900139000", "email": "li-na@example.com"}, "email"),
        (Do.DONE, {"stage": "confirmation", "proof": "ok"}, "proof"),
        (Do.DONE, {"stage": "elsewhere", "proof": "投保申请 SQ2026"}, "stage"),
        (Do.REFUSE, {"why": "  "}, "why"),
        (Do.COMMENT, {"text": ""}, "text"),
    ],
)
def test_what_was_not_filled_in_well_is_shown_again_and_nothing_happens(
    page: Client, renewal: Renewal, deed: Do, words: dict[str, str], wrong: str
) -> None:
    stopped = stop(renewal)
    response = page.post(reverse("renewals:deed", args=[renewal.pk]), {"deed": deed.value, **words})
    assert list(response.context["form"].errors) == [wrong]
    assert [response.context["form"][name].value() for name in words] == list(words.values())
    assert now(renewal).changed_at == stopped.changed_at


def test_done_on_the_portal_asks_for_the_proof_and_has_the_portal_read(
    page: Client, renewal: Renewal
) -> None:
    do(page, stop(renewal, Reason.PAGE_CHANGED), Do.DONE, stage="confirmation", proof="投保申请 SQ2026")
    assert now(renewal).state == State.UNKNOWN


def test_it_is_handed_over_and_commented(page: Client, renewal: Renewal, lin: User) -> None:
    stop(renewal)
    do(page, renewal, Do.ASSIGN, person=str(lin.pk))
    do(page, renewal, Do.COMMENT, text="周五再打电话")
    assert now(renewal).assignee == lin
    detail = page.get(INBOX).context["detail"]
    assert [(told.actor_name, told.detail["text"]) for told in detail.comments] == [("Mei", "周五再打电话")]


def test_what_somebody_who_has_left_still_has_is_shown_and_given_to_another(
    page: Client, renewal: Renewal, mei: User, lin: User
) -> None:
    with scope(renewal.agency_id):
        assign(stop(renewal), lin, by=mei)
        Membership.objects.filter(user=lin).update(ended_at=Now())
    context = page.get(INBOX).context
    assert (str(lin.pk), 1) in [(tile.value, tile.number) for tile in context["people"]]
    assert context["colleagues"] == [mei]


def test_a_colleague_of_another_agency_cannot_be_given_it(page: Client, renewal: Renewal, rao: User) -> None:
    stop(renewal)
    sent = {"deed": Do.ASSIGN.value, "person": str(rao.pk)}
    response = page.post(reverse("renewals:deed", args=[renewal.pk]), sent)
    assert list(response.context["form"].errors) == ["person"]
    assert now(renewal).assignee is None


def test_what_is_asked_beside_a_renewal_is_settled_and_the_renewal_goes_on(
    page: Client, renewal: Renewal
) -> None:
    with scope(renewal.agency_id):
        open_matter(renewal, EngineReason.POLICY_OVERDUE)
    do(page, renewal, Do.CLOSE, why="保险公司说下周出单", reason="policy_overdue")
    with scope(renewal.agency_id):
        assert Matter.objects.get().closed_why == "保险公司说下周出单"
    assert now(renewal).state == State.WAITING
    assert shown(page) == []


def test_it_is_taken_over_and_given_back(page: Client, renewal: Renewal, mei: User) -> None:
    stop(renewal, Reason.PAGE_CHANGED)
    do(page, renewal, Do.TAKE_OVER)
    assert now(renewal).taken_by == mei
    do(page, renewal, Do.GIVE_BACK)
    assert (now(renewal).taken_by, now(renewal).state) == (None, State.WAITING)


def test_what_a_colleague_does_by_hand_is_left_alone_by_a_retry_of_many(
    page: Client, renewal: Renewal, wus_renewal: Renewal, lin: User
) -> None:
    stop(wus_renewal, Reason.PAGE_CHANGED)
    with scope(renewal.agency_id):
        by_hand.take_over(renewal, by=lin)
    both = f"{renewal.pk} {wus_renewal.pk}"
    preview = page.post(reverse("renewals:act"), {"act": "retry", "renewal": both.split()})
    assert preview.context["fitting"] == [wus_renewal]
    page.post(reverse("renewals:carry_out"), {"act": "retry", "frozen": both})
    assert (now(renewal).taken_by, now(renewal).state) == (lin, State.ATTENTION)
    assert now(wus_renewal).state == State.WAITING


def test_a_step_is_done_again_only_on_the_word_of_who_saw_the_last_press(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    press(run)
    finish(run, Outcome.STOPPED, Reason.PAGE_CHANGED)
    seen = {"stage": "confirmation", "as_of": str(now(renewal).epoch), "why": "门户上没有申请"}
    for stale in ({"as_of": "0"}, {"stage": "sealing"}):
        do(page, renewal, Do.AGAIN, **(seen | stale))
        assert now(renewal).state == State.ATTENTION
    do(page, renewal, Do.AGAIN, **seen)
    with scope(renewal.agency_id):
        assert Intent.objects.get().state == IntentState.ABSENT
    assert now(renewal).state == State.WAITING


def test_a_contact_stays_as_it_is_where_the_renewal_goes_on_meanwhile(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    claim(card, desk)
    do(page, renewal, Do.CORRECT, name="王五", mobile="13900139000", email="wang@example.com")
    with scope(renewal.agency_id):
        assert not Contact.objects.filter(name="王五").exists()


def test_what_a_colleague_did_meanwhile_is_said_and_changes_nothing(
    page: Client, renewal: Renewal, mei: User
) -> None:
    stop(renewal)
    with scope(renewal.agency_id):
        attention.retry(renewal, by=mei)
    response = page.post(
        reverse("renewals:deed", args=[renewal.pk]), {"deed": "retry", "next": INBOX}, follow=True
    )
    said = [str(message) for message in response.context["messages"]]
    assert said == [f"{renewal.company.name}未作改动：并不在等人处理。"]
    with scope(renewal.agency_id):
        assert Event.objects.filter(kind="retried").count() == 1


def test_a_form_leads_back_to_a_page_of_ours_or_to_the_board(page: Client, renewal: Renewal) -> None:
    for elsewhere in ("javascript:alert(1)", "https://example.com/", "//example.com/"):
        sent = {"act": "retry", "renewal": str(renewal.pk), "next": elsewhere}
        assert page.post(reverse("renewals:act"), sent).context["next"] == ""
        assert do(page, renewal, Do.COMMENT, text="在", next=elsewhere) == reverse("renewals:board")


def test_there_is_no_other_act(page: Client, renewal: Renewal) -> None:
    response = page.post(reverse("renewals:deed", args=[renewal.pk]), {"deed": "press"})
    assert response.status_code == 404


# --- All of one reason ------------------------------------------------------------------------


def test_all_of_a_reason_are_counted_before_and_put_back(
    page: Client, agency: Agency, mei: User, renewal: Renewal, wus_renewal: Renewal
) -> None:
    third = make_renewal(make_company(agency, 12, "深圳市第三贸易有限公司"), mei)
    stop(renewal, Reason.PAGE_CHANGED)
    stop(wus_renewal, Reason.PAGE_CHANGED)
    stop(third, Reason.CARD_LOCKED)
    assert page.get(INBOX, {"reason": "page_changed"}).context["all_of_reason"] == 2
    preview = page.post(
        reverse("renewals:act"), {"act": "retry", "scope": "attention", "reason": "page_changed"}
    )
    assert {one.pk for one in preview.context["fitting"]} == {renewal.pk, wus_renewal.pk}
    frozen = " ".join(str(one.pk) for one in preview.context["fitting"])
    page.post(reverse("renewals:carry_out"), {"act": "retry", "frozen": frozen})
    assert [now(one).state for one in (renewal, wus_renewal, third)] == [
        State.WAITING,
        State.WAITING,
        State.ATTENTION,
    ]


def test_a_card_in_quarantine_is_left_out_of_a_retry_of_many_and_counted(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    stop(wus_renewal, Reason.PIN_REFUSED)
    stop(renewal, Reason.PIN_REFUSED)
    with scope(renewal.agency_id):
        [card] = renewal.company.cards.all()
        quarantine(card, reason=Reason.PIN_REFUSED)
    preview = page.post(
        reverse("renewals:act"), {"act": "retry", "scope": "attention", "reason": "pin_refused"}
    )
    assert (preview.context["fitting"], preview.context["quarantined"]) == ([wus_renewal], 1)

    both = f"{renewal.pk} {wus_renewal.pk}"
    page.post(reverse("renewals:carry_out"), {"act": "retry", "frozen": both})

    assert [now(one).state for one in (renewal, wus_renewal)] == [State.ATTENTION, State.WAITING]


def test_a_reason_that_no_retry_mends_offers_none_for_all(
    page: Client, renewal: Renewal, wus_renewal: Renewal, mei: User
) -> None:
    for one in (renewal, wus_renewal):
        with scope(one.agency_id):
            by_hand.take_over(one, by=mei)
    assert page.get(INBOX, {"reason": "taken_over"}).context["all_of_reason"] == 0


@pytest.mark.parametrize("items", [1, 3])
def test_the_inbox_asks_the_same_questions_however_many_wait(
    page: Client, agency: Agency, mei: User, django_assert_num_queries: object, items: int
) -> None:
    for number in range(items):
        stop(make_renewal(make_company(agency, 10 + number, f"深圳市第{number}贸易有限公司"), mei))
    with django_assert_num_queries(14):  # type: ignore[operator]
        assert len(page.get(INBOX).context["items"]) == items


def test_an_open_inbox_says_when_another_number_waits(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    stop(renewal)
    moved = reverse("renewals:attention_moved")
    assert page.get(moved, {"shown": "1"}).status_code == 204
    stop(wus_renewal, Reason.PAGE_CHANGED)
    told = page.get(moved, {"shown": "1"})
    assert (told.status_code, told.context["matching"]) == (200, 2)
    assert page.get(moved, {"shown": "1", "reason": "page_changed"}).status_code == 204
