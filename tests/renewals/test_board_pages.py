"""The board: one row a company, filtered by its address, and up to date by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agency.models import Agency, Membership, User
from agency.tenancy import scope
from companies.models import Card, Company
from portal_driver.contract import Outcome, Reason
from renewals.domain import pausing
from renewals.domain.stages import finish_stage
from renewals.models import Batch, BoardView, Desk, Renewal, StageName, State
from renewals.sentences import reason_words
from tests.cast import YEAR, make_company, make_renewal
from tests.renewals.runs import claim, finish

BOARD, CHANGES, ROWS = (reverse(f"renewals:{name}") for name in ("board", "changes", "rows"))
ACT, CARRY_OUT = reverse("renewals:act"), reverse("renewals:carry_out")
UNDO = reverse("renewals:undo")


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def shown(client: Client, **query: Any) -> list[Renewal]:
    return [row.renewal for row in client.get(BOARD, query).context["rows"]]


def stop(renewal: Renewal, card: Card, desk: Desk, reason: Reason = Reason.USCC_DIFFERS) -> Renewal:
    """A run that stopped for a person."""
    return finish(claim(card, desk), Outcome.PERSON_NEEDED, reason)


def test_the_board_hides_other_agencies_renewals(
    page: Client, renewal: Renewal, raos_renewal: Renewal
) -> None:
    assert shown(page) == [renewal]


def test_a_row_has_the_five_stages_in_order(page: Client, renewal: Renewal) -> None:
    [row] = page.get(BOARD).context["rows"]
    assert [stage.name for stage in row.stages] == list(StageName)


@pytest.mark.parametrize("renewals", [1, 3])
def test_the_board_asks_the_same_questions_however_long_it_is(
    page: Client, agency: Agency, mei: User, django_assert_num_queries: object, renewals: int
) -> None:
    for number in range(renewals):
        make_renewal(make_company(agency, 10 + number, f"深圳市第{number}贸易有限公司"), mei)
    with django_assert_num_queries(15):  # type: ignore[operator]
        assert len(shown(page)) == renewals


def test_every_number_of_the_summary_is_a_door_to_its_rows(
    page: Client, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    tiles = page.get(BOARD).context["tiles"]
    assert {tile.state: tile.number for tile in tiles if tile.number} == {
        "": 2,
        "waiting": 1,
        "attention": 1,
    }
    assert shown(page, state="attention") == [renewal]
    assert shown(page, state="waiting") == [wus_renewal]


def test_the_summary_counts_under_the_other_filters(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    tiles = page.get(BOARD, {"q": "宏达", "state": "complete"}).context["tiles"]
    assert {tile.state: tile.number for tile in tiles if tile.number} == {"": 1, "waiting": 1}


@pytest.mark.parametrize("words", ["宏达", "C440000000001", "贸易 广州"])
def test_a_renewal_is_found_by_company_and_card(
    page: Client, renewal: Renewal, wus_renewal: Renewal, words: str
) -> None:
    assert shown(page, q=words) == [renewal]


def test_the_filters_narrow_the_board(
    page: Client, mei: User, lin: User, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    with scope(renewal.agency_id):
        Company.objects.filter(pk=renewal.company_id).update(owner=lin)
        Renewal.objects.filter(pk=wus_renewal.pk).update(assignee=mei, state_since=Now() - timedelta(days=3))
        finish_stage(wus_renewal, StageName.CONFIRMATION)  # type: ignore[arg-type]
    assert shown(page, reason=Reason.USCC_DIFFERS) == [renewal]
    assert shown(page, batch=renewal.batch_id) == [renewal]
    assert shown(page, person=lin.pk) == [renewal]
    assert shown(page, person=mei.pk) == [wus_renewal]
    assert shown(page, stage="confirmation") == [renewal]
    assert shown(page, stage="sealing") == [wus_renewal]
    assert shown(page, days=3) == [wus_renewal]
    assert shown(page, desk=desk.pk) == [renewal]


@pytest.mark.parametrize("by", ["batch", "stage", "reason", "person", "desk"])
def test_rows_are_grouped_and_none_is_left_out(
    page: Client, lin: User, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk, by: str
) -> None:
    stop(renewal, card, desk)
    with scope(renewal.agency_id):
        Company.objects.filter(pk=renewal.company_id).update(owner=lin)
        finish_stage(wus_renewal, StageName.CONFIRMATION)  # type: ignore[arg-type]
    groups = page.get(BOARD, {"group": by, "sort": "-company"}).context["groups"]
    assert [len(group.rows) for group in groups] == [1, 1]
    assert len({group.label for group in groups}) == (1 if by == "batch" else 2)


def test_without_grouping_there_is_one_group_without_a_name(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    [group] = page.get(BOARD).context["groups"]
    assert (group.label, len(group.rows)) == ("", 2)


def test_the_columns_stand_in_the_address_and_rows_that_change_have_the_same(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    assert page.get(BOARD).context["columns"] == ["desk", "person", "age"]
    chosen = {"column": ["due", "batch", "nonsense"]}
    assert page.get(BOARD, chosen).context["columns"] == ["batch", "due"]
    before = known(page)
    stop(renewal, card, desk)
    answer = page.get(CHANGES, before | chosen)
    assert answer.context["columns"] == ["batch", "due"]
    assert "第一批" in answer.content.decode()


def test_a_row_says_at_which_desk_it_ran_last(
    page: Client, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    assert {row.renewal: row.last_desk for row in page.get(BOARD).context["rows"]} == {
        renewal: "1 号读卡台",
        wus_renewal: "",
    }


def test_the_selects_offer_what_there_is_and_nothing_of_another_agency(
    page: Client, lin: User, renewal: Renewal, card: Card, desk: Desk, raos_renewal: Renewal
) -> None:
    stop(renewal, card, desk)
    fields = page.get(BOARD).context["filter"].form.fields
    offered = {
        name: [str(one[1]) for one in fields[name].widget.choices] for name in ("batch", "desk", "person")
    }
    assert offered == {
        "batch": ["批次：全部", "第一批"],
        "desk": ["读卡台：不限", "1 号读卡台"],
        "person": ["负责同事：全部", "Lin", "Mei"],
    }
    assert [code for code, _words in fields["reason"].widget.choices] == ["", Reason.USCC_DIFFERS]


@pytest.mark.parametrize("query", [{"days": "many"}, {"batch": "x"}, {"page": "99"}, {"year": "MMXXVI"}])
def test_an_address_that_says_nonsense_shows_the_board_all_the_same(
    page: Client, renewal: Renewal, query: dict[str, str]
) -> None:
    assert shown(page, **query) == [renewal]


def test_another_year_is_another_board(page: Client, renewal: Renewal) -> None:
    assert shown(page, year=YEAR - 1) == []
    assert page.get(BOARD).context["year"] == YEAR


# --- Up to date by itself ---------------------------------------------------------------------


def known(page: Client) -> dict[str, Any]:
    """What the page sends back: the versions of its rows and of its summary."""
    context = page.get(BOARD).context
    return {
        "row": [row.version for row in context["rows"]],
        "summary": context["summary_version"],
        "pulse": context["pulse"],
        "shown": context["matching"],
    }


def test_a_page_that_is_up_to_date_gets_nothing_and_costs_one_question(
    page: Client, renewal: Renewal, django_assert_num_queries: Any
) -> None:
    before = known(page)
    with django_assert_num_queries(10):
        assert page.get(CHANGES, before).status_code == 204


@pytest.mark.parametrize("pulse", ["", "nonsense", "2026-11-28", "~~"])
def test_a_page_that_heard_nonsense_is_told_how_it_stands(page: Client, renewal: Renewal, pulse: str) -> None:
    before = known(page)
    answer = page.get(CHANGES, before | {"pulse": pulse})
    assert (answer.status_code, answer.context["tiles"]) == (200, None)
    assert page.get(CHANGES, before | {"pulse": answer.context["pulse"]}).status_code == 204


def test_what_was_committed_late_is_sent_all_the_same(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    """A transaction writes the moment of its beginning; the page may have looked after that."""
    before = known(page)
    with scope(renewal.agency_id):
        earlier = Renewal.objects.get(pk=wus_renewal.pk).changed_at - timedelta(seconds=5)
        Renewal.objects.filter(pk=renewal.pk).update(changed_at=earlier)
    response = page.get(CHANGES, before)
    assert [row.renewal for row in response.context["rows"]] == [renewal]


def test_a_page_is_told_of_a_pause_though_no_row_was_written(
    page: Client, renewal: Renewal, mei: User
) -> None:
    before = known(page)
    with scope(renewal.agency_id):
        begun = pausing.pause(by=mei, why="门户维护")
    response = page.get(CHANGES, before)
    assert [row.pause for row in response.context["rows"]] == ["门户维护"]
    before["pulse"] = response.context["pulse"]
    assert page.get(CHANGES, before).status_code == 204
    with scope(renewal.agency_id):
        pausing.resume(begun, by=mei, why="恢复")
    assert [row.pause for row in page.get(CHANGES, before).context["rows"]] == [""]


def test_a_change_of_another_page_brings_a_new_pulse_and_nothing_else(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    before = known(page)
    before["row"] = [row for row in before["row"] if str(renewal.pk) in row]
    with scope(renewal.agency_id):
        finish_stage(wus_renewal, StageName.CONFIRMATION)  # type: ignore[arg-type]
    response = page.get(CHANGES, before)
    assert (response.context["rows"], response.context["tiles"]) == ([], None)
    assert page.get(CHANGES, before | {"pulse": response.context["pulse"]}).status_code == 204


def test_only_the_rows_that_changed_are_sent_and_the_summary_with_them(
    page: Client, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    before = known(page)
    stop(renewal, card, desk)
    response = page.get(CHANGES, before)
    assert [row.renewal for row in response.context["rows"]] == [renewal]
    assert {tile.state: tile.number for tile in response.context["tiles"] if tile.number} == {
        "": 2,
        "waiting": 1,
        "attention": 1,
    }


def test_a_change_that_moves_no_number_leaves_the_summary_alone(page: Client, renewal: Renewal) -> None:
    before = known(page)
    with scope(renewal.agency_id):
        finish_stage(renewal, StageName.CONFIRMATION)  # type: ignore[arg-type]
    response = page.get(CHANGES, before)
    assert [row.renewal for row in response.context["rows"]] == [renewal]
    assert response.context["tiles"] is None


def test_rows_of_another_agency_are_not_sent_however_they_are_asked_for(
    page: Client, renewal: Renewal, raos_renewal: Renewal
) -> None:
    response = page.get(ROWS, {"row": [f"{renewal.pk}@0", f"{raos_renewal.pk}@0", "nonsense"]})
    assert [row.renewal for row in response.context["rows"]] == [renewal]


def test_an_empty_board_is_loaded_anew_when_the_first_row_is_there(
    page: Client, company: Company, mei: User
) -> None:
    before = known(page)
    assert page.get(CHANGES, before).status_code == 204
    make_renewal(company, mei)
    assert page.get(CHANGES, before)["HX-Refresh"] == "true"


# --- Many at once -----------------------------------------------------------------------------


def test_an_act_is_shown_before_it_is_done(
    page: Client, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    response = page.post(ACT, {"act": "retry", "renewal": [renewal.pk, wus_renewal.pk]})
    assert response.context["fitting"] == [renewal]
    assert response.context["others"] == [wus_renewal]
    assert state_of(renewal) == State.ATTENTION


def test_all_that_match_are_more_than_the_page_shows(
    page: Client, renewal: Renewal, wus_renewal: Renewal, raos_renewal: Renewal
) -> None:
    sent = {"act": "cancel", "scope": "matching", "query": f"year={YEAR}"}
    assert page.post(ACT, sent).context["fitting"] == [renewal, wus_renewal]
    narrowed = sent | {"query": f"year={YEAR}&q=宏达"}
    assert page.post(ACT, narrowed).context["fitting"] == [renewal]


def test_the_act_is_done_to_the_frozen_selection_and_nothing_else(
    page: Client, renewal: Renewal, wus_renewal: Renewal, raos_renewal: Renewal
) -> None:
    page.post(CARRY_OUT, {"act": "cancel", "frozen": f"{renewal.pk} {raos_renewal.pk}", "why": "客户退出"})
    states = [state_of(one) for one in (renewal, wus_renewal, raos_renewal)]
    assert states == [State.CANCELLED, State.WAITING, State.WAITING]


def test_what_cannot_be_done_any_more_is_said(page: Client, renewal: Renewal, card: Card, desk: Desk) -> None:
    claim(card, desk)
    sent = {"act": "cancel", "frozen": str(renewal.pk), "why": "客户退出"}
    said = [str(message) for message in page.post(CARRY_OUT, sent, follow=True).context["messages"]]
    assert said == ["1 家没有改动：正在读卡台办理。"]
    assert state_of(renewal) == State.RUNNING


def test_who_cancels_says_why(page: Client, renewal: Renewal) -> None:
    page.post(CARRY_OUT, {"act": "cancel", "frozen": str(renewal.pk), "why": " "})
    assert state_of(renewal) == State.WAITING


def test_an_act_leads_back_to_where_it_began_but_never_off_the_site(page: Client, renewal: Renewal) -> None:
    sent = {"act": "retry", "frozen": str(renewal.pk)}
    assert (
        page.post(CARRY_OUT, sent | {"next": "/board/?state=waiting"})["Location"] == "/board/?state=waiting"
    )
    assert page.post(CARRY_OUT, sent | {"next": "https://elsewhere.example/"})["Location"] == BOARD


def test_what_is_selected_is_handed_to_a_colleague(
    page: Client, lin: User, rao: User, renewal: Renewal, wus_renewal: Renewal
) -> None:
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=wus_renewal.pk).update(assignee=lin)
    assert page.post(ACT, {"act": "assign", "renewal": [renewal.pk]}).context["fitting"] == [renewal]
    sent = {"act": "assign", "frozen": f"{renewal.pk} {wus_renewal.pk}", "person": str(lin.pk)}
    said = [str(message) for message in page.post(CARRY_OUT, sent, follow=True).context["messages"]]
    assert said == ["指派：1 家。", "1 家没有改动：本来就是这样。"]
    with scope(renewal.agency_id):
        assert Renewal.objects.get(pk=renewal.pk).assignee == lin
    assert page.post(CARRY_OUT, sent | {"person": str(rao.pk)}).status_code == 404


def test_what_is_selected_is_paused_by_itself_and_goes_on(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    page.post(CARRY_OUT, {"act": "pause", "frozen": str(renewal.pk), "why": "等企业来电"})
    rows = {row.renewal: row.pause for row in page.get(BOARD).context["rows"]}
    assert rows == {renewal: "等企业来电", wus_renewal: ""}
    both = [renewal.pk, wus_renewal.pk]
    assert page.post(ACT, {"act": "pause", "renewal": both}).context["fitting"] == [wus_renewal]
    assert page.post(ACT, {"act": "resume", "renewal": both}).context["fitting"] == [renewal]
    page.post(CARRY_OUT, {"act": "resume", "frozen": str(renewal.pk), "why": "来电了"})
    assert [row.pause for row in page.get(BOARD).context["rows"]] == ["", ""]


def test_handing_over_is_undone_except_where_somebody_changed_it_since(
    page: Client, mei: User, lin: User, renewal: Renewal, wus_renewal: Renewal
) -> None:
    both = f"{renewal.pk} {wus_renewal.pk}"
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(assignee=lin)
    page.post(CARRY_OUT, {"act": "assign", "frozen": both, "person": str(mei.pk)})
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=wus_renewal.pk).update(assignee=lin)

    said = [str(message) for message in page.post(UNDO, follow=True).context["messages"]]

    assert said[-2:] == ["已撤销：1 家。", "1 家后来又有改动，保持不变。"]
    with scope(renewal.agency_id):
        assert set(Renewal.objects.values_list("pk", "assignee")) == {
            (renewal.pk, lin.pk),
            (wus_renewal.pk, lin.pk),
        }
    said = [str(message) for message in page.post(UNDO, follow=True).context["messages"]]
    assert said == ["没有可以撤销的操作了。"]


def test_nothing_is_handed_back_or_handed_over_to_somebody_who_has_left(
    page: Client, mei: User, lin: User, renewal: Renewal
) -> None:
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(assignee=lin)
    page.post(CARRY_OUT, {"act": "assign", "frozen": str(renewal.pk), "person": str(mei.pk)})
    with scope(renewal.agency_id):
        Membership.objects.filter(user=lin).update(ended_at=Now())

    page.post(UNDO)
    sent = {"act": "assign", "frozen": str(renewal.pk), "person": str(lin.pk)}
    assert page.post(CARRY_OUT, sent).status_code == 404

    with scope(renewal.agency_id):
        assert Renewal.objects.get().assignee == mei
    asked = page.post(ACT, {"act": "assign", "renewal": str(renewal.pk)})
    assert list(asked.context["people"]) == [mei]


def test_a_pause_is_undone(page: Client, renewal: Renewal) -> None:
    sent = {"act": "pause", "frozen": str(renewal.pk), "why": "按错了"}
    assert UNDO in page.post(CARRY_OUT, sent, follow=True).text
    page.post(UNDO)
    assert [row.pause for row in page.get(BOARD).context["rows"]] == [""]


# --- Shared views -----------------------------------------------------------------------------


def save(page: Client, name: str, query: str) -> Any:
    return page.post(reverse("renewals:save_view"), {"name": name, "query": query}, follow=True)


def test_a_view_is_shared_with_filters_and_columns_and_without_page_and_year(
    page: Client, lin: User, renewal: Renewal
) -> None:
    response = save(page, "我的急件", f"year={YEAR}&page=3&state=waiting&column=due&column=batch&evil=1")
    assert response.context["columns"] == ["batch", "due"]
    with scope(renewal.agency_id):
        assert BoardView.objects.get().query == "state=waiting&column=due&column=batch"
    other = Client()
    other.force_login(lin)
    assert [view.name for view, _mine in other.get(BOARD).context["views"]] == ["我的急件"]


@pytest.mark.parametrize("name", ["急件", "", "长" * 41])
def test_a_view_without_a_name_of_its_own_is_not_saved(page: Client, renewal: Renewal, name: str) -> None:
    save(page, "急件", "state=waiting")
    response = save(page, name, "state=running")
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    with scope(renewal.agency_id):
        assert BoardView.objects.get().query == "state=waiting"


def test_a_view_that_would_lose_a_filter_is_not_saved(page: Client, renewal: Renewal) -> None:
    response = save(page, "急件", f"q={'长' * 120}&state=waiting")
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    with scope(renewal.agency_id):
        assert not BoardView.objects.exists()


def test_a_view_is_taken_away_by_its_maker_or_an_admin_and_by_nobody_else(
    page: Client, mei: User, lin: User, rao: User, agency: Agency
) -> None:
    with scope(agency.pk):
        views = [
            BoardView.objects.create(name=name, made_by=maker)
            for name, maker in (("Mei's", mei), ("Lin's", lin), ("Mei's other", mei))
        ]

    def delete(who: User, view: BoardView) -> int:
        browser = Client()
        browser.force_login(who)
        return browser.post(reverse("renewals:delete_view", args=[view.pk])).status_code

    asked = ((rao, views[0]), (mei, views[1]), (mei, views[0]), (lin, views[2]))
    assert [delete(*one) for one in asked] == [404, 404, 302, 302]
    with scope(agency.pk):
        assert list(BoardView.objects.all()) == [views[1]]


def state_of(renewal: Renewal) -> str:
    with scope(renewal.agency_id):
        return Renewal.objects.get(pk=renewal.pk).state


# --- Batches ----------------------------------------------------------------------------------


def test_a_batch_counts_its_renewals_and_says_why_some_stopped(
    page: Client, renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    context = page.get(reverse("renewals:batch", args=[renewal.batch_id])).context
    assert context["progress"].by_state == [(State.ATTENTION, 1)]
    assert [(code, number, may) for code, _words, _advice, number, may in context["reasons"]] == [
        (Reason.USCC_DIFFERS, 1, True)
    ]


def test_what_stopped_for_its_card_is_looked_at_one_by_one(page: Client, renewal: Renewal) -> None:
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(state=State.ATTENTION, reason=Reason.PIN_REFUSED)
    shown = page.get(reverse("renewals:batch", args=[renewal.batch_id])).content.decode()
    assert "retry-pin_refused" not in shown
    assert f'href="{reverse("renewals:attention")}?reason=pin_refused"' in shown


def test_a_batch_that_has_not_moved_is_not_sent_again(page: Client, renewal: Renewal) -> None:
    context = page.get(reverse("renewals:batch", args=[renewal.batch_id])).context
    head = reverse("renewals:batch_head", args=[renewal.batch_id])
    assert page.get(head, {"pulse": context["pulse"], "summary": "older"}).status_code == 204
    assert page.get(head, {"summary": context["summary_version"]}).status_code == 204
    assert page.get(head, {"summary": "older"}).status_code == 200


def test_a_batch_is_paused_and_goes_on_each_with_a_reason_and_the_log_tells_of_both(
    page: Client, renewal: Renewal, mei: User
) -> None:
    address = [reverse(f"renewals:batch{act}", args=[renewal.batch_id]) for act in ("", "_pause", "_resume")]
    page.post(address[1], {"why": " "})
    page.post(address[1], {"why": "门户维护", "stage": "sealing"})
    [(begun, seen)] = page.get(address[0]).context["pauses"]
    assert (begun.why, begun.stage, begun.begun_by, seen) == ("门户维护", "sealing", mei, [])
    page.post(address[2], {"pause": str(begun.pk), "why": " "})
    page.post(address[2], {"pause": str(begun.pk), "why": "维护结束"})
    context = page.get(address[0]).context
    assert context["pauses"] == []
    told = [(words, line.who, line.why, line.stage) for line, words in context["log"]]
    assert told == [
        ("恢复", "Mei", "维护结束", "制章"),
        ("暂停", "Mei", "门户维护", "制章"),
        ("批次排队", "Mei", "", ""),
    ]


def test_only_a_pause_of_this_batch_is_ended_on_its_page(
    page: Client, renewal: Renewal, wus_renewal: Renewal, mei: User
) -> None:
    with scope(renewal.agency_id):
        other = pausing.pause(by=mei, why="门户维护", batch=wus_renewal.batch)
    address = reverse("renewals:batch_resume", args=[renewal.batch_id])
    assert page.post(address, {"pause": str(other.pk), "why": "恢复"}).status_code == 404
    assert page.post(address, {"pause": "nonsense", "why": "恢复"}).status_code == 404
    with scope(renewal.agency_id):
        assert pausing.in_force().get() == other


def test_what_stopped_for_one_reason_is_retried_from_the_batch_and_stands_in_its_log_once(
    page: Client, renewal: Renewal, wus_renewal: Renewal, card: Card, desk: Desk
) -> None:
    stop(renewal, card, desk)
    query = f"year={YEAR}&batch={renewal.batch_id}&reason={Reason.USCC_DIFFERS}"
    asked = page.post(ACT, {"act": "retry", "scope": "matching", "query": query})
    assert asked.context["fitting"] == [renewal]
    page.post(CARRY_OUT, {"act": "retry", "frozen": str(renewal.pk)})
    log = page.get(reverse("renewals:batch", args=[renewal.batch_id])).context["log"]
    assert [(line.kind, line.renewals) for line, _words in log] == [("retried", 1), ("batch_queued", 0)]


@pytest.mark.parametrize("batches", [1, 3])
def test_the_list_of_batches_asks_the_same_questions_however_long_it_is(
    page: Client, agency: Agency, mei: User, django_assert_num_queries: object, batches: int
) -> None:
    for number in range(batches):
        make_renewal(make_company(agency, 10 + number, f"深圳市第{number}贸易有限公司"), mei)
    with django_assert_num_queries(12):  # type: ignore[operator]
        rows = page.get(reverse("renewals:batches")).context["batches"]
    assert [(row.queued, row.not_ready, row.at_rest) for row in rows] == [(1, 0, 0)] * batches
    with scope(agency.pk):
        assert Batch.objects.count() == batches


def test_many_are_told_in_the_trail_when_all_else_is_done(
    page: Client, renewal: Renewal, wus_renewal: Renewal
) -> None:
    both = f"{renewal.pk} {wus_renewal.pk}"
    with CaptureQueriesContext(connection) as asked:
        page.post(CARRY_OUT, {"act": "pause", "frozen": both, "why": "等企业来电"})
    order = [
        table
        for query in asked
        for table in ("renewals_pause", "agency_auditentry")
        if query["sql"].startswith(f'INSERT INTO "{table}"')
    ]
    assert order == ["renewals_pause", "renewals_pause", "agency_auditentry"]


# --- What the address asks for and nobody understands -----------------------------------------

NONSENSE = {
    "state": "finished",
    "stage": "印章",
    "batch": "1",
    "person": "mei",
    "desk": "d1",
    "days": "many",
    "since": "yesterday",
    "sort": "colour",
    "group": "colour",
    "q": "广州 " * 9,
    "year": "MMXXVI",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_the_address_asks_for_in_vain_is_told(page: Client, renewal: Renewal, name: str) -> None:
    response = page.get(BOARD, {name: NONSENSE[name]})
    [(label, why)] = response.context["filter"].left_out
    assert f"<li>{label}: {why}</li>" in response.text
    assert [row.renewal for row in response.context["rows"]] == [renewal]


def test_nothing_is_done_to_all_that_match_what_nobody_understands(page: Client, renewal: Renewal) -> None:
    for query in ("state=finished", "year=20260"):
        asked = {"act": "pause", "scope": "matching", "query": query}
        assert page.post(ACT, asked).status_code == 404


def test_a_search_is_as_long_as_somebody_types(page: Client, renewal: Renewal) -> None:
    left_out = page.get(BOARD, {"q": "宏" * 101}).context["filter"].left_out
    assert [label for label, _why in left_out] == ["搜索"]


# --- Which filters are set, where a narrow screen folds their fields away ---------------------


def test_each_filter_that_is_set_is_told_and_taken_away_alone(
    page: Client, mei: User, renewal: Renewal, desk: Desk
) -> None:
    assert renewal.batch is not None
    asked: dict[str, str | int] = {
        "q": "宏达",
        "year": YEAR,
        "batch": str(renewal.batch_id),
        "person": str(mei.pk),
        "stage": "confirmation",
        "reason": Reason.USCC_DIFFERS,
        "desk": str(desk.pk),
        "days": "3",
        "since": "2026-03-05",
        "due": "true",
    }
    response = page.get(BOARD, asked)
    assert [(one.words, list(one.without)) for one in response.context["filter"].set_ones] == [
        (renewal.batch.name, ["batch"]),
        ("Mei", ["person"]),
        ("确认", ["stage"]),
        (reason_words(Reason.USCC_DIFFERS), ["reason"]),
        (desk.name, ["desk"]),
        ("停留天数不少于 3", ["days"]),
        ("自 2026年3月5日", ["since"]),
        ("现在该办", ["due"]),
    ]
    assert "筛选 · 8 项" in response.text


def test_the_search_the_year_and_what_nobody_understands_are_no_set_filters(page: Client) -> None:
    asked: dict[str, str | int] = {"q": "宏达", "year": YEAR, "days": "many"}
    chosen = page.get(BOARD, asked).context["filter"]
    assert chosen.set_ones == []
    assert chosen.cleared == {"q": None, "days": None}
