"""The page of a renewal: the story with its evidence, what is next, and what a person can do."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from agency.models import AuditEntry, User
from agency.tenancy import scope
from companies.models import Card
from portal_driver.contract import Click, Finished, Outcome, Reason, Standing
from renewals.domain import settling
from renewals.models import Desk, Evidence, Policy, Renewal, State
from tests.renewals.papers import PDF, PICTURE, begin_run, keep_markup, keep_picture, keep_policy
from tests.renewals.runs import claim, finish, press, read


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def address(renewal: Renewal, name: str = "renewal") -> str:
    return reverse(f"renewals:{name}", args=[renewal.pk])


def kinds(page: Client, renewal: Renewal) -> list[str]:
    days = page.get(address(renewal)).context["days"]
    return [told.event.kind for _day, of_the_day in days for told in of_the_day]


def test_the_story_is_told_newest_first(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    run = claim(card, desk)
    press(run)
    finish(run, Outcome.UNKNOWN)
    assert kinds(page, renewal) == ["rests_unknown", "fired", "armed", "claimed", "queued"]


def test_a_picture_stands_with_what_its_run_had_just_told(
    page: Client, renewal: Renewal, card: Card, desk: Desk, tmp_path: Path
) -> None:
    run = claim(card, desk)
    picture = keep_picture(run, tmp_path)
    finish(run, Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    [(_day, told)] = page.get(address(renewal)).context["days"]
    assert [(one.event.kind, one.evidence) for one in told] == [
        ("rests_waiting", []),
        ("claimed", [picture]),
        ("queued", []),
    ]


def test_who_stopped_for_a_person_says_what_was_expected_and_what_was_there(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    with scope(run.agency_id):
        detail = {"expected": "91440100MA", "seen": "91440200MA"}
        settling.settle(run, Finished(Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS, detail))
    context = page.get(address(renewal)).context
    assert context["findings"] == [("预期", "91440100MA"), ("门户上显示", "91440200MA")]
    assert [act.code for act in context["acts"]] == ["retry", "cancel"]


def test_a_renewal_that_is_under_way_can_be_neither_retried_nor_cancelled(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    claim(card, desk)
    assert page.get(address(renewal)).context["acts"] == []


def test_retry_puts_it_back_into_the_queue_and_the_story(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
    page.post(reverse("renewals:carry_out"), {"act": "retry", "frozen": str(renewal.pk)})
    with scope(renewal.agency_id):
        assert Renewal.objects.get(pk=renewal.pk).state == State.WAITING
    assert kinds(page, renewal)[0] == "retried"


def test_the_moving_part_is_sent_only_when_it_moved(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    version = page.get(address(renewal)).context["version"]
    assert page.get(address(renewal, "live"), {"version": version}).status_code == 204
    claim(card, desk)
    moved = page.get(address(renewal, "live"), {"version": version})
    assert (moved.status_code, moved.context["renewal"].state) == (200, State.RUNNING)


def test_a_renewal_that_is_over_asks_no_more(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    assert page.get(address(renewal)).text.count('hx-trigger="every 2s"') == 1
    finish(claim(card, desk), Outcome.COMPLETE)
    assert page.get(address(renewal)).text.count('hx-trigger="every 2s"') == 0


def test_the_technical_details_are_there_for_those_who_must_prove_it(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    run = claim(card, desk)
    press(run)
    read(run, {Click.CONFIRM: Standing.DONE}, application="SQ1", application_state="审核中")
    finish(run, Outcome.SUBMITTED)
    context = page.get(address(renewal, "proof")).context
    assert [(intent.click, intent.state, intent.proof) for intent in context["intents"]] == [
        ("confirm", "confirmed", "SQ1")
    ]
    assert [(run.epoch, run.outcome) for run in context["runs"]] == [(1, "submitted")]


def test_the_technical_details_come_alone_into_the_page_and_whole_as_a_page(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    claim(card, desk)
    assert page.get(address(renewal, "proof")).text.count("</html>") == 1
    assert page.get(address(renewal, "proof"), headers={"HX-Request": "true"}).text.count("</html>") == 0


def test_beside_a_list_it_is_told_without_the_page_around_it(page: Client, renewal: Renewal) -> None:
    whole, part = page.get(address(renewal)), page.get(address(renewal), headers={"HX-Request": "true"})
    assert [answer.text.count("</html>") for answer in (whole, part)] == [1, 0]
    assert [answer.text.count('id="story"') for answer in (whole, part)] == [1, 1]


# --- By hand ----------------------------------------------------------------------------------


def offered(page: Client, renewal: Renewal) -> list[str]:
    return [offer.deed.do for offer in page.get(address(renewal)).context["offers"]]


def test_the_acts_by_hand_fit_the_state(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    assert offered(page, renewal) == ["take_over", "done"]
    run = claim(card, desk)
    assert offered(page, renewal) == ["take_over"]
    press(run)
    rested = finish(run, Outcome.UNKNOWN)
    assert offered(page, rested) == ["take_over", "done", "again"]


def test_what_is_over_offers_nothing_by_hand(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    finish(claim(card, desk), Outcome.COMPLETE)
    assert offered(page, renewal) == []


def test_a_person_takes_over_and_gives_back_on_the_page(page: Client, renewal: Renewal, mei: User) -> None:
    here = address(renewal)
    taken = page.post(address(renewal, "deed"), {"deed": "take_over", "next": here}, follow=True)
    assert taken.context["renewal"].taken_by == mei
    assert [act.code for act in taken.context["acts"]] == ["cancel"]
    assert offered(page, renewal) == ["done", "give_back", "refuse"]
    back = page.post(address(renewal, "deed"), {"deed": "give_back", "next": here}, follow=True)
    assert back.context["renewal"].state == State.WAITING


def test_a_run_that_is_to_stop_for_a_person_says_so(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    claim(card, desk)
    page.post(address(renewal, "deed"), {"deed": "take_over"})
    assert offered(page, renewal) == []
    assert kinds(page, renewal)[0] == "take_over_asked"


def test_a_comment_stands_in_the_story(page: Client, renewal: Renewal) -> None:
    page.post(address(renewal, "deed"), {"deed": "comment", "text": "周五再打电话"})
    [(_day, told)] = page.get(address(renewal)).context["days"]
    assert (told[0].event.kind, told[0].event.detail) == ("commented", {"text": "周五再打电话"})


# --- Live -------------------------------------------------------------------------------------


def test_while_a_run_works_its_last_picture_is_shown_and_each_new_one_moves_the_page(
    page: Client, renewal: Renewal, card: Card, desk: Desk, tmp_path: Path
) -> None:
    run = claim(card, desk)
    first = keep_picture(run, tmp_path, page="company")
    seen = page.get(address(renewal)).context
    assert seen["picture"] == first
    second = keep_picture(run, tmp_path, page="application")
    moved = page.get(address(renewal, "live"), {"version": seen["version"]})
    assert moved.context["picture"] == second
    finish(run, Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
    assert page.get(address(renewal)).context["picture"] is None


def test_the_acts_come_along_only_where_others_fit_now(
    page: Client, renewal: Renewal, card: Card, desk: Desk, tmp_path: Path
) -> None:
    before = page.get(address(renewal)).context
    run = claim(card, desk)
    sent = {"version": before["version"], "offered": before["offered"]}
    others = page.get(address(renewal, "live"), sent)
    assert others.text.count('id="deeds"') == 1
    keep_picture(run, tmp_path)
    sent = {"version": others.context["version"], "offered": others.context["offered"]}
    assert page.get(address(renewal, "live"), sent).text.count('id="deeds"') == 0


def test_asking_whether_anything_moved_costs_one_question_of_its_own(
    page: Client, renewal: Renewal, django_assert_num_queries: object
) -> None:
    version = page.get(address(renewal)).context["version"]
    with django_assert_num_queries(10):  # type: ignore[operator]
        assert page.get(address(renewal, "live"), {"version": version}).status_code == 204


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_page_asks_the_same_questions_however_long_the_story_is(
    page: Client, renewal: Renewal, card: Card, tmp_path: Path, django_assert_num_queries: object, rounds: int
) -> None:
    run = begin_run(renewal, card)
    for round_ in range(rounds):
        keep_picture(run, tmp_path, page=f"page {round_}")
    with django_assert_num_queries(14):  # type: ignore[operator]
        [(_day, told)] = page.get(address(renewal)).context["days"]
    assert sum(len(one.evidence) for one in told) == rounds


# --- Files ------------------------------------------------------------------------------------


def file_of(kept: Evidence | Policy) -> str:
    name = "policy" if isinstance(kept, Policy) else "evidence"
    return reverse(f"renewals:{name}", args=[kept.pk])


def test_a_picture_is_shown_in_the_page(page: Client, renewal: Renewal, card: Card, tmp_path: Path) -> None:
    response = page.get(file_of(keep_picture(begin_run(renewal, card), tmp_path)))
    assert response["Content-Type"] == "image/jpeg"
    assert response.getvalue() == PICTURE


def test_what_a_run_has_seen_is_told_once_however_many_pictures_are_looked_at(
    page: Client, renewal: Renewal, card: Card, lin: User, tmp_path: Path
) -> None:
    run = begin_run(renewal, card)
    kept = [keep_picture(run, tmp_path), keep_markup(run, tmp_path, b"<p>1</p>")]
    for _look in range(2):
        for one in kept:
            page.get(file_of(one))
    other = Client()
    other.force_login(lin)
    other.get(file_of(kept[0]))
    with scope(renewal.agency_id):
        told = AuditEntry.objects.filter(action="evidence_viewed").order_by("number")
        assert [(one.actor_name, one.object_id, one.detail) for one in told] == [
            (name, str(renewal.pk), {"run": str(run.pk)}) for name in ("Mei", "Lin")
        ]


def test_the_portals_markup_is_shown_as_text_and_never_runs(
    page: Client, renewal: Renewal, card: Card, tmp_path: Path
) -> None:
    markup = b"<script>alert(1)</script>"
    response = page.get(file_of(keep_markup(begin_run(renewal, card), tmp_path, markup)))
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.getvalue() == markup


def test_the_policy_is_saved_under_a_chinese_name(
    page: Client, renewal: Renewal, card: Card, tmp_path: Path
) -> None:
    response = page.get(file_of(keep_policy(begin_run(renewal, card), tmp_path)))
    # RFC 6266: the name in UTF-8, percent-encoded.
    name = quote("广州市宏达贸易有限公司 2026年小微信保易保单.pdf")
    assert response["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"  # RFC 6266
    assert response.getvalue() == PDF


def test_a_file_that_is_gone_from_the_disk_is_not_found(
    page: Client, renewal: Renewal, card: Card, tmp_path: Path
) -> None:
    kept = keep_picture(begin_run(renewal, card), tmp_path)
    with scope(kept.agency_id):
        Evidence.objects.filter(pk=kept.pk).update(file="nowhere/file.jpg")
    assert page.get(file_of(kept)).status_code == 404
