"""What must stand in the audit trail does: each act is done as people do it, and its entry looked for."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agency import roster
from agency.models import Agency, AuditEntry, Invitation, Membership, Role, User
from agency.tenancy import scope
from agency.trail import WORDS
from companies.domain import cards, consents, imports
from companies.models import Card, Company
from renewals.domain import attention, desks, pausing, pins
from renewals.models import BoardView, Desk, Evidence, Policy, Renewal, State
from tests.cast import YEAR, uscc_for
from tests.companies.workbooks import HEADINGS, xlsx
from tests.database import OUR_AGENCY
from tests.renewals.papers import begin_run, keep_picture, keep_policy

PASSWORD = "four words that differ"
RECORDING = ("audit.record", "audit.record_each", "audit.record_new", "audit.record_as_owner", "_tell")
# Recorded by a name that the program puts into a variable.
BY_NAME = {
    *("company_changed", "company_made"),  # companies/domain/importing.py
    *("confirmed", "done_elsewhere"),  # renewals/domain/intents.py
    *("factor_added", "factor_removed", "recovery_codes_made"),  # agency/signing_in.py
    *("standstill_begun", "standstill_ended"),  # renewals/domain/standing_still.py
}
# Not recorded any more, and in trails that are older than this version.
OLDER = {"fired", "missed_once"}


def codes() -> set[str]:
    """The actions that the source records, as literals and by `move`."""
    found = set()
    for app in ("agency", "companies", "renewals"):
        for file in (Path(project.BASE_DIR) / app).rglob("*.py"):
            found |= _codes_in(ast.parse(file.read_text(encoding="utf-8")))
    # Put together as the program runs.
    return found | {f"rests_{state}" for state in State if f"rests_{state}" in WORDS}


def _codes_in(source: ast.AST) -> set[str]:
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
    first = {one.args[0] for one in calls if one.args and ast.unparse(one.func) in RECORDING}
    kinds = {
        word.value
        for one in calls
        if ast.unparse(one.func) in ("move", "queue_again")
        for word in one.keywords
        if word.arg == "kind"
    }
    return {str(one.value) for one in first | kinds if isinstance(one, ast.Constant)}


def test_every_action_that_is_recorded_has_a_word_and_no_word_is_stale() -> None:
    assert codes() | BY_NAME | OLDER == set(WORDS)


@pytest.fixture
def actions() -> Callable[[], list[str]]:
    """What was recorded in our agency since it was last asked."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        with scope(OUR_AGENCY):
            entries = list(AuditEntry.objects.filter(number__gt=seen).order_by("number"))
        seen = entries[-1].number if entries else seen
        return [entry.action for entry in entries]

    return since


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(user: User) -> Membership:
    with scope(OUR_AGENCY):
        return Membership.objects.select_related("user", "agency").get(user=user)


@pytest.fixture
def evidence_and_policy(
    renewal: Renewal, card: Card, tmp_path: Path, settings: Settings
) -> tuple[Evidence, Policy]:
    settings.MEDIA_ROOT = tmp_path / "files"
    run = begin_run(renewal, card)
    return keep_picture(run, tmp_path), keep_policy(run, tmp_path)


def test_looking_and_taking_away(
    lin: User,
    chen: User,
    company: Company,
    evidence_and_policy: tuple[Evidence, Policy],
    actions: Callable[[], list[str]],
) -> None:
    evidence, policy = evidence_and_policy
    assert {"batch_queued", "claimed", "pin_stored", "policy_downloaded"} <= set(actions())
    client = browser_of(lin)
    assert actions() == ["signed_in"]
    for name, about, action in (
        ("renewals:evidence", [evidence.pk], "evidence_viewed"),
        ("renewals:policy", [policy.pk], "policy_viewed"),
        ("renewals:report_download", ["csv"], "report_exported"),
        ("trail_export", ["csv"], "audit_exported"),
        ("companies:export", [company.pk], "company_exported"),
        ("people:export", [member(chen).pk], "person_exported"),
        ("operator:agencies", [], "refused"),
    ):
        client.get(reverse(name, args=about))
        assert actions() == ([] if action == "refused" else [action]), name
    browser_of(chen).get(reverse("renewals:board"))
    assert actions() == ["signed_in", "refused"]


def test_coming_and_going(mei: User, lin: User, actions: Callable[[], list[str]], mails: Any) -> None:
    mei.set_password(PASSWORD)
    mei.save()
    client = Client()
    for password, expected in (("wrong", ["sign_in_failed"]), (PASSWORD, ["signed_in"])):
        client.post(reverse("account_login"), {"login": mei.email, "password": password})
        assert actions() == expected
    client.post(reverse("account_logout"))
    assert actions() == ["signed_out"]


def test_people(mei: User, lin: User, chen: User, actions: Callable[[], list[str]], mails: Any) -> None:
    client = browser_of(lin)
    actions()
    form = {"name": "周", "email": "zhou@lingnan.example", "role": "staff"}
    client.post(reverse("people:invite"), form)
    with scope(OUR_AGENCY):
        invitation = Invitation.objects.get()
    client.post(reverse("people:send_again", args=[invitation.pk]))
    client.post(reverse("people:revoke", args=[invitation.pk]))
    client.post(reverse("people:idle"), {"idle_minutes": "45"})
    assert actions() == ["invited", "invited_again", "invitation_revoked", "idle_changed"]
    with scope(OUR_AGENCY):
        roster.change_role(member(mei), Role.ADMIN, by=member(lin))
        roster.change_rights(member(chen), may_consent=False, gets_mail=True, by=member(lin))
        roster.sign_out(member(mei), by=member(lin))
        roster.reset_factors(member(mei), by=member(lin))
        roster.end(member(mei), by=member(lin))
        roster.take_back(member(mei), by=member(lin))
    changes = ["role_changed", "rights_changed", "sessions_ended", "factors_reset", "left", "taken_back"]
    assert actions() == changes


def test_companies_cards_and_consents(
    mei: User, lin: User, company: Company, desk: Desk, actions: Callable[[], list[str]]
) -> None:
    client = browser_of(mei)
    actions()
    sheet = xlsx(HEADINGS, ("一家", uscc_for(77)), ("改名贸易有限公司", company.uscc))
    sheet.name = "客户.xlsx"
    sent = client.post(reverse("companies:import"), {"workbook": sheet})["Location"]
    workbook = UUID(sent.split("/")[-2])
    imports.work(OUR_AGENCY, workbook)
    client.post(reverse("companies:workbook_confirm", args=[workbook]))
    imports.work(OUR_AGENCY, workbook)
    assert actions() == ["company_made", "company_changed", "companies_imported"]
    client.get(reverse("companies:workbook_wrong", args=[workbook]))
    client.get(reverse("readiness:export", args=["csv"]))
    assert actions() == ["wrong_rows_taken", "readiness_exported"]
    client.post(reverse("companies:edit_many_confirm"), {"frozen": str(company.pk), "add": "重点"})
    client.post(reverse("readiness:ask_confirm"), {"frozen": str(company.pk), "year": str(YEAR + 1)})
    assert actions() == ["company_edited", "invited", "companies_asked"]
    with scope(OUR_AGENCY):
        card = company.cards.get()
        cards.quarantine(card, reason="pin_refused")
        cards.lift_quarantine(card, by=mei, why="卡是好的")
        cards.store_pin(card, "27182818", by=mei)
        pins.grant_pin(card, desk=desk, pin="27182818", by=mei)
        desk.reads_cards = False
        desk.save()
        desks.card_said(desk, card, by=mei)
        consents.revoke(company.consents.get(), by=mei)
        consents.record_letter(company, year=YEAR, given_by="王志强", by=mei)
    expected = ["card_quarantined", "quarantine_lifted", "pin_stored", "pin_granted", "card_said"]
    assert actions() == [*expected, "consent_revoked", "consent_given"]


def test_work_and_pauses(mei: User, renewal: Renewal, actions: Callable[[], list[str]]) -> None:
    assert actions() == ["queued", "batch_queued"]
    with scope(OUR_AGENCY):
        begun = pausing.pause(by=mei, why="门户维护")
        pausing.resume(begun, by=mei, why="恢复")
        attention.cancel(renewal, by=mei, why="企业不续")
    assert actions() == ["paused", "resumed", "cancelled"]


def test_what_colleagues_do_with_what_stopped(
    mei: User, lin: User, renewal: Renewal, actions: Callable[[], list[str]]
) -> None:
    client = browser_of(mei)
    actions()
    words = {
        "why": "企业今年不参加",
        "stage": "confirmation",
        "proof": "投保申请 SQ2026",
        "text": "周五再打电话",
    }
    words |= {"person": str(lin.pk), "name": "李娜", "mobile": "13900139000", "email": "lina@example.com"}
    for deed, expected in (
        ("assign", ["assigned"]),
        ("comment", ["commented"]),
        ("take_over", ["taken_over"]),
        ("refuse", ["closed_as_refused"]),
        ("correct", ["retried", "contact_corrected"]),
        ("done", ["done_by_hand"]),
        ("take_over", ["taken_over"]),
        ("give_back", ["retried"]),
    ):
        client.post(reverse("renewals:deed", args=[renewal.pk]), {"deed": deed} | words)
        assert actions() == expected, deed


def test_what_is_done_on_the_board_and_at_a_desk(
    mei: User, lin: User, renewal: Renewal, desk: Desk, actions: Callable[[], list[str]]
) -> None:
    client = browser_of(mei)
    actions()
    for act, more in (
        ("assign", {"person": str(lin.pk)}),
        ("pause", {"why": "等"}),
        ("resume", {"why": "好"}),
    ):
        client.post(reverse("renewals:carry_out"), {"act": act, "frozen": str(renewal.pk)} | more)
    assert actions() == ["assigned", "paused", "resumed"]
    client.post(reverse("renewals:save_view"), {"name": "急件", "query": "state=waiting"})
    with scope(OUR_AGENCY):
        view = BoardView.objects.get()
    client.post(reverse("renewals:delete_view", args=[view.pk]))
    assert actions() == ["view_saved", "view_deleted"]
    with scope(OUR_AGENCY):
        card = renewal.company.cards.get()
        desks.card_seen(desk, card.number)
    client.post(reverse("renewals:desk_pin", args=[desk.code]), {"card": str(card.pk), "pin": "27182818"})
    client.post(reverse("renewals:desk_pause", args=[desk.code]), {"why": "午休"})
    client.post(reverse("renewals:desk_resume", args=[desk.code]), {"why": "回来了"})
    assert actions() == ["pin_granted", "paused", "resumed"]


def test_the_operator(tang: User, agency: Agency, actions: Callable[[], list[str]]) -> None:
    client = browser_of(tang)
    client.post(reverse("operator:enter", args=[OUR_AGENCY]), {"reason": "客户来电，查看排队情况"})
    client.get(reverse("renewals:board"))
    client.post(reverse("operator:leave"))
    assert actions() == ["operator_entered", "operator_looked", "operator_left"]
