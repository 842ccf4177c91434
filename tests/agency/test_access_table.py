"""Who gets what at which address: each URL, method and person, and the answer that is expected.

Chen is a client of the company that the rows are about, Wu of another company of the same
agency; Mei is its staff, Lin its admin; Rao is admin of another agency. Tang runs the installation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path, reverse

from agency.inviting import invite, renew_link
from agency.models import Invitation, Membership, Role, User
from agency.tenancy import scope
from companies.domain import imports
from companies.models import Card
from renewals.domain.pausing import pause
from renewals.models import BoardView, Evidence, Policy, Renewal
from tests.cast import YEAR
from tests.database import OUR_AGENCY
from tests.renewals.papers import begin_run, keep_picture, keep_policy

SIGN_IN = "sign in"
PEOPLE = ("anon", "chen", "wu", "mei", "lin", "rao", "tang")
ANYBODY = (200, 200, 200, 200, 200, 200, 200)
REDIRECTS = (302, 302, 302, 302, 302, 302, 302)
NOT_ALLOWED = (405, 405, 405, 405, 405, 405, 405)
STAFF = (SIGN_IN, 404, 404, 200, 200, 200, 404)
STAFF_OF_THE_AGENCY = (SIGN_IN, 404, 404, 200, 200, 404, 404)
STAFF_SENT_ON = (SIGN_IN, 404, 404, 302, 302, 302, 404)
STAFF_SENT_ON_IN_THE_AGENCY = (SIGN_IN, 404, 404, 302, 302, 404, 404)
OPERATORS = (SIGN_IN, 404, 404, 404, 404, 404, 200)
OWN = (SIGN_IN, 200, 200, 200, 200, 200, 200)
OWN_BUT_NONE = (SIGN_IN, 404, 404, 404, 404, 404, 404)
OWN_BUT_NOT_SO = (SIGN_IN, 405, 405, 405, 405, 405, 405)
CONFIRMED = (SIGN_IN, 403, 403, 403, 403, 403, 403)
NO_PASSWORD_YET = (SIGN_IN, 302, 302, 302, 302, 302, 302)
ADMINS = (SIGN_IN, 404, 404, 404, 200, 200, 404)
ADMINS_OF_THE_AGENCY = (SIGN_IN, 404, 404, 404, 200, 404, 404)
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Rule:
    """One row: `about` names the object in the address, `sent` what goes with a POST."""

    name: str
    method: str
    answers: tuple[int | str, ...]
    about: str = ""
    sent: dict[str, str] = field(default_factory=dict)


TABLE = [
    Rule("home", "get", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("home", "post", NOT_ALLOWED),
    Rule("health", "get", ANYBODY),
    Rule("health", "post", NOT_ALLOWED),
    Rule("language", "get", REDIRECTS),
    Rule("language", "post", REDIRECTS, sent={"language": "en"}),
    Rule("account_login", "get", (200, 302, 302, 302, 302, 302, 302)),
    Rule("account_request_login_code", "get", (200, 302, 302, 302, 302, 302, 302)),
    Rule("account_confirm_login_code", "get", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("account_logout", "get", (302, 200, 200, 200, 200, 200, 200)),
    Rule("account_logout", "post", REDIRECTS),
    # Signed in a moment ago, so that nobody is asked to confirm that it is he.
    Rule("account_reauthenticate", "get", CONFIRMED),
    Rule("account_change_password", "get", NO_PASSWORD_YET),
    Rule("account_set_password", "get", OWN),
    Rule("usersessions_list", "get", OWN),
    Rule("choose_agency", "get", NOT_ALLOWED),
    Rule("choose_agency", "post", (SIGN_IN, 302, 302, 302, 302, 404, 404), sent={"agency": str(OUR_AGENCY)}),
    Rule("mfa_index", "get", OWN),
    Rule("mfa_authenticate", "get", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("mfa_reauthenticate", "get", CONFIRMED),
    Rule("mfa_activate_totp", "get", OWN),
    Rule("mfa_deactivate_totp", "get", OWN_BUT_NONE),
    Rule("mfa_view_recovery_codes", "get", OWN_BUT_NONE),
    Rule("mfa_generate_recovery_codes", "get", OWN),
    Rule("mfa_download_recovery_codes", "get", OWN_BUT_NONE),
    Rule("mfa_list_webauthn", "get", OWN),
    Rule("mfa_add_webauthn", "get", OWN),
    Rule("mfa_reauthenticate_webauthn", "get", CONFIRMED),
    Rule("mfa_remove_webauthn", "get", OWN_BUT_NONE, about="number"),
    Rule("mfa_edit_webauthn", "get", OWN_BUT_NONE, about="number"),
    Rule("mfa_login_webauthn", "get", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    # The rest of allauth's forms, sent empty: nobody gets further than with GET.
    Rule("account_login", "post", (200, 302, 302, 302, 302, 302, 302)),
    Rule("account_request_login_code", "post", (200, 302, 302, 302, 302, 302, 302)),
    Rule("account_confirm_login_code", "post", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("account_reauthenticate", "post", CONFIRMED),
    Rule("account_change_password", "post", NO_PASSWORD_YET),
    Rule("account_set_password", "post", OWN),
    Rule("usersessions_list", "post", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("mfa_index", "post", OWN_BUT_NOT_SO),
    Rule("mfa_authenticate", "post", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    Rule("mfa_reauthenticate", "post", CONFIRMED),
    Rule("mfa_activate_totp", "post", OWN),
    Rule("mfa_deactivate_totp", "post", OWN_BUT_NONE),
    Rule("mfa_view_recovery_codes", "post", OWN_BUT_NOT_SO),
    Rule("mfa_generate_recovery_codes", "post", OWN),
    Rule("mfa_download_recovery_codes", "post", OWN_BUT_NONE),
    Rule("mfa_list_webauthn", "post", OWN_BUT_NOT_SO),
    Rule("mfa_add_webauthn", "post", OWN),
    Rule("mfa_reauthenticate_webauthn", "post", CONFIRMED),
    Rule("mfa_remove_webauthn", "post", OWN_BUT_NONE, about="number"),
    Rule("mfa_edit_webauthn", "post", OWN_BUT_NONE, about="number"),
    Rule("mfa_login_webauthn", "post", (SIGN_IN, 302, 302, 302, 302, 302, 302)),
    # Whoever holds the token sees whom it is for; the link is dead for all others alike.
    Rule("invitation", "get", ANYBODY, about="token"),
    Rule("invitation", "post", (SIGN_IN,) * 7, about="token"),
    Rule("people:people", "get", STAFF),
    Rule("people:people", "post", NOT_ALLOWED),
    Rule("people:invite", "get", NOT_ALLOWED),
    Rule("people:invite", "post", STAFF),
    Rule("people:idle", "get", NOT_ALLOWED),
    Rule("people:idle", "post", (SIGN_IN, 404, 404, 404, 302, 302, 404), sent={"idle_minutes": "45"}),
    Rule("people:send_again", "get", NOT_ALLOWED, about="invitation"),
    Rule("people:send_again", "post", (SIGN_IN, 404, 404, 404, 302, 404, 404), about="invitation"),
    Rule("people:revoke", "get", NOT_ALLOWED, about="invitation"),
    Rule("people:revoke", "post", (SIGN_IN, 404, 404, 404, 302, 404, 404), about="invitation"),
    Rule("people:person", "get", STAFF_OF_THE_AGENCY, about="member"),
    Rule("people:person", "post", NOT_ALLOWED, about="member"),
    Rule("people:change", "get", NOT_ALLOWED, about="member"),
    Rule(
        "people:change",
        "post",
        (SIGN_IN, 404, 404, 302, 302, 404, 404),
        about="member",
        sent={"act": "sign_out"},
    ),
    Rule("people:export", "get", ADMINS_OF_THE_AGENCY, about="member"),
    Rule("people:export", "post", NOT_ALLOWED, about="member"),
    Rule("trail", "get", ADMINS),
    Rule("trail", "post", NOT_ALLOWED),
    Rule("trail_export", "get", ADMINS, about="kind"),
    Rule("trail_export", "post", NOT_ALLOWED, about="kind"),
    Rule("operator:agencies", "get", OPERATORS),
    Rule("operator:agencies", "post", NOT_ALLOWED),
    Rule("operator:make", "get", NOT_ALLOWED),
    Rule("operator:make", "post", OPERATORS),
    Rule("operator:enter", "get", NOT_ALLOWED, about="agency"),
    Rule(
        "operator:enter",
        "post",
        (SIGN_IN, 404, 404, 404, 404, 404, 302),
        about="agency",
        sent={"reason": "客户来电，查看排队情况"},
    ),
    Rule("operator:invite", "get", NOT_ALLOWED, about="agency"),
    # People are in it: from here on its own admins invite.
    Rule("operator:invite", "post", (SIGN_IN, 404, 404, 404, 404, 404, 404), about="agency"),
    Rule("operator:leave", "get", NOT_ALLOWED),
    Rule("operator:leave", "post", (SIGN_IN, 404, 404, 404, 404, 404, 302)),
    Rule("renewals:standstill", "get", OPERATORS),
    Rule("renewals:standstill", "post", NOT_ALLOWED),
    Rule("renewals:standstill_begin", "get", NOT_ALLOWED),
    Rule("renewals:standstill_begin", "post", OPERATORS),
    Rule("renewals:standstill_end", "get", NOT_ALLOWED),
    Rule("renewals:standstill_end", "post", (SIGN_IN, 404, 404, 404, 404, 404, 302)),
    # There is no such page outside the demo.
    Rule("mailbox", "get", (404,) * 7),
    Rule("mailbox", "post", NOT_ALLOWED),
    Rule("companies:list", "get", STAFF),
    Rule("companies:list", "post", NOT_ALLOWED),
    Rule("companies:new", "get", STAFF),
    Rule("companies:new", "post", STAFF),
    Rule("companies:edit_many", "get", NOT_ALLOWED),
    # Rao's selection holds nothing that is his: the page has no company on it.
    Rule("companies:edit_many", "post", STAFF, sent={"company": "{company}"}),
    Rule("companies:edit_many_confirm", "get", NOT_ALLOWED),
    Rule("companies:edit_many_confirm", "post", STAFF_SENT_ON, sent={"frozen": "{company}", "add": "重点"}),
    Rule("companies:edit", "get", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:edit", "post", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:new_contact", "get", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:new_contact", "post", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:new_card", "get", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:new_card", "post", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:contact", "get", STAFF_OF_THE_AGENCY, about="contact"),
    Rule("companies:contact", "post", STAFF_OF_THE_AGENCY, about="contact"),
    Rule("companies:delete_contact", "get", NOT_ALLOWED, about="contact"),
    Rule("companies:delete_contact", "post", (SIGN_IN, 404, 404, 302, 302, 404, 404), about="contact"),
    Rule("companies:card", "get", STAFF_OF_THE_AGENCY, about="card"),
    Rule("companies:card", "post", STAFF_OF_THE_AGENCY, about="card"),
    Rule("companies:import", "get", STAFF),
    Rule("companies:import", "post", STAFF),
    Rule("companies:workbook", "get", STAFF_OF_THE_AGENCY, about="workbook"),
    Rule("companies:workbook", "post", NOT_ALLOWED, about="workbook"),
    Rule("companies:workbook_progress", "get", STAFF_OF_THE_AGENCY, about="workbook"),
    Rule("companies:workbook_progress", "post", NOT_ALLOWED, about="workbook"),
    Rule("companies:workbook_columns", "get", STAFF_OF_THE_AGENCY, about="workbook"),
    Rule("companies:workbook_columns", "post", STAFF_OF_THE_AGENCY, about="workbook"),
    Rule("companies:workbook_sheet", "get", NOT_ALLOWED, about="workbook"),
    Rule("companies:workbook_sheet", "post", (SIGN_IN, 404, 404, 302, 302, 404, 404), about="workbook"),
    Rule("companies:workbook_confirm", "get", NOT_ALLOWED, about="workbook"),
    Rule("companies:workbook_confirm", "post", (SIGN_IN, 404, 404, 302, 302, 404, 404), about="workbook"),
    Rule("companies:workbook_wrong", "get", STAFF_OF_THE_AGENCY, about="workbook"),
    Rule("companies:workbook_wrong", "post", NOT_ALLOWED, about="workbook"),
    Rule("readiness:list", "get", STAFF),
    Rule("readiness:list", "post", NOT_ALLOWED),
    Rule("readiness:export", "get", STAFF, about="kind"),
    Rule("readiness:export", "post", NOT_ALLOWED, about="kind"),
    Rule("readiness:ask", "get", NOT_ALLOWED),
    Rule("readiness:ask", "post", STAFF, sent={"company": "{company}", "year": str(YEAR + 1)}),
    Rule("readiness:ask_confirm", "get", NOT_ALLOWED),
    Rule(
        "readiness:ask_confirm",
        "post",
        STAFF_SENT_ON,
        sent={"frozen": "{company}", "year": str(YEAR + 1)},
    ),
    Rule("readiness:letters", "get", NOT_ALLOWED),
    # Rao chose nobody of his own, and so nobody is left.
    Rule(
        "readiness:letters",
        "post",
        (SIGN_IN, 404, 404, 200, 200, 302, 404),
        sent={"company": "{company}", "year": str(YEAR + 1)},
    ),
    Rule("readiness:letters_next", "get", NOT_ALLOWED),
    Rule(
        "readiness:letters_next",
        "post",
        (SIGN_IN, 404, 404, 302, 302, 404, 404),
        sent={"company": "{company}", "frozen": "{company}", "year": str(YEAR + 1), "given_by": "王志强"},
    ),
    Rule("companies:company", "get", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:company", "post", NOT_ALLOWED, about="company"),
    Rule("companies:consent", "get", NOT_ALLOWED, about="company"),
    Rule("companies:consent", "post", STAFF_OF_THE_AGENCY, about="company"),
    Rule("companies:export", "get", ADMINS_OF_THE_AGENCY, about="company"),
    Rule("companies:export", "post", NOT_ALLOWED, about="company"),
    Rule("companies:erase", "get", ADMINS_OF_THE_AGENCY, about="company"),
    Rule("companies:erase", "post", ADMINS_OF_THE_AGENCY, about="company", sent={"why": "企业来函"}),
    Rule("companies:lift_quarantine", "get", NOT_ALLOWED, about="card"),
    Rule("companies:lift_quarantine", "post", STAFF_OF_THE_AGENCY, about="card"),
    Rule("companies:store_pin", "get", NOT_ALLOWED, about="card"),
    Rule("companies:store_pin", "post", STAFF_OF_THE_AGENCY, about="card"),
    Rule("renewals:today", "get", STAFF),
    Rule("renewals:today", "post", NOT_ALLOWED),
    # Nothing has run at Rao's agency.
    Rule("renewals:today_numbers", "get", (SIGN_IN, 404, 404, 200, 200, 204, 404)),
    Rule("renewals:today_numbers", "post", NOT_ALLOWED),
    Rule("renewals:attention", "get", STAFF),
    Rule("renewals:attention", "post", NOT_ALLOWED),
    Rule("renewals:attention_moved", "get", STAFF),
    Rule("renewals:attention_moved", "post", NOT_ALLOWED),
    Rule("renewals:deed", "get", NOT_ALLOWED, about="renewal"),
    Rule(
        "renewals:deed",
        "post",
        (SIGN_IN, 404, 404, 302, 302, 404, 404),
        about="renewal",
        sent={"deed": "comment", "text": "周五再打电话"},
    ),
    Rule("renewals:board", "get", STAFF),
    Rule("renewals:board", "post", NOT_ALLOWED),
    Rule("renewals:changes", "get", STAFF),
    Rule("renewals:changes", "post", NOT_ALLOWED),
    Rule("renewals:rows", "get", (SIGN_IN, 404, 404, 204, 204, 204, 404)),
    Rule("renewals:rows", "post", NOT_ALLOWED),
    Rule("renewals:save_view", "get", NOT_ALLOWED),
    Rule("renewals:save_view", "post", STAFF_SENT_ON, sent={"name": "急件", "query": "state=waiting"}),
    Rule("renewals:delete_view", "get", NOT_ALLOWED, about="view"),
    # Mei made it; Lin is admin.
    Rule("renewals:delete_view", "post", STAFF_SENT_ON_IN_THE_AGENCY, about="view"),
    Rule("renewals:act", "get", NOT_ALLOWED),
    # Rao's selection holds nothing that is his: he is sent back to his own board.
    Rule(
        "renewals:act",
        "post",
        (SIGN_IN, 404, 404, 200, 200, 302, 404),
        sent={"act": "cancel", "renewal": "{renewal}"},
    ),
    Rule("renewals:undo", "get", NOT_ALLOWED),
    Rule("renewals:undo", "post", STAFF_SENT_ON),
    Rule("renewals:carry_out", "get", NOT_ALLOWED),
    Rule("renewals:carry_out", "post", STAFF_SENT_ON, sent={"act": "retry", "frozen": "{renewal}"}),
    Rule("renewals:renewal", "get", STAFF_OF_THE_AGENCY, about="renewal"),
    Rule("renewals:renewal", "post", NOT_ALLOWED, about="renewal"),
    Rule("renewals:live", "get", STAFF_OF_THE_AGENCY, about="renewal"),
    Rule("renewals:live", "post", NOT_ALLOWED, about="renewal"),
    Rule("renewals:proof", "get", STAFF_OF_THE_AGENCY, about="renewal"),
    Rule("renewals:proof", "post", NOT_ALLOWED, about="renewal"),
    Rule("renewals:queue", "get", NOT_ALLOWED),
    Rule("renewals:queue", "post", STAFF, sent={"year": str(YEAR), "company": "{company}"}),
    Rule("renewals:queue_confirm", "get", NOT_ALLOWED),
    Rule(
        "renewals:queue_confirm",
        "post",
        STAFF_SENT_ON,
        sent={"year": str(YEAR), "frozen": "{company}", "name": "第二批"},
    ),
    Rule("renewals:batches", "get", STAFF),
    Rule("renewals:batches", "post", NOT_ALLOWED),
    Rule("renewals:batch", "get", STAFF_OF_THE_AGENCY, about="batch"),
    Rule("renewals:batch", "post", NOT_ALLOWED, about="batch"),
    Rule("renewals:batch_head", "get", STAFF_OF_THE_AGENCY, about="batch"),
    Rule("renewals:batch_head", "post", NOT_ALLOWED, about="batch"),
    Rule("renewals:batch_pause", "get", NOT_ALLOWED, about="batch"),
    Rule(
        "renewals:batch_pause",
        "post",
        STAFF_SENT_ON_IN_THE_AGENCY,
        about="batch",
        sent={"why": "门户维护"},
    ),
    Rule("renewals:batch_resume", "get", NOT_ALLOWED, about="batch"),
    Rule(
        "renewals:batch_resume",
        "post",
        STAFF_SENT_ON_IN_THE_AGENCY,
        about="batch",
        sent={"why": "恢复", "pause": "{pause}"},
    ),
    Rule("renewals:rehearsal", "get", STAFF),
    Rule("renewals:rehearsal", "post", NOT_ALLOWED),
    Rule("renewals:rehearsal_head", "get", STAFF),
    Rule("renewals:rehearsal_head", "post", NOT_ALLOWED),
    Rule("renewals:rehearse", "get", NOT_ALLOWED),
    Rule("renewals:rehearse", "post", STAFF_SENT_ON, sent={"year": str(YEAR), "frozen": "{company}"}),
    Rule("renewals:rehearsal_enter", "get", NOT_ALLOWED),
    Rule("renewals:rehearsal_enter", "post", STAFF_SENT_ON),
    Rule("renewals:rehearsal_leave", "get", NOT_ALLOWED),
    Rule("renewals:rehearsal_leave", "post", STAFF_SENT_ON),
    Rule("renewals:rehearsal_end", "get", NOT_ALLOWED),
    Rule("renewals:rehearsal_end", "post", STAFF_SENT_ON),
    Rule("renewals:desks", "get", STAFF),
    Rule("renewals:desks", "post", NOT_ALLOWED),
    Rule("renewals:desk_new", "get", ADMINS),
    Rule("renewals:desk_new", "post", ADMINS, sent={"name": "2 号读卡台", "control": "ws://elsewhere:1"}),
    Rule("renewals:desk_edit", "get", ADMINS_OF_THE_AGENCY, about="desk"),
    Rule("renewals:desk_edit", "post", ADMINS_OF_THE_AGENCY, about="desk", sent={"name": "二号"}),
    Rule("renewals:desk", "get", STAFF_OF_THE_AGENCY, about="desk"),
    Rule("renewals:desk", "post", NOT_ALLOWED, about="desk"),
    Rule("renewals:desk_live", "get", STAFF_OF_THE_AGENCY, about="desk"),
    Rule("renewals:desk_live", "post", NOT_ALLOWED, about="desk"),
    Rule("renewals:desk_pin", "get", NOT_ALLOWED, about="desk"),
    Rule(
        "renewals:desk_pin",
        "post",
        STAFF_SENT_ON_IN_THE_AGENCY,
        about="desk",
        sent={"card": "{card}", "pin": "27182818"},
    ),
    Rule("renewals:desk_card", "get", NOT_ALLOWED, about="desk"),
    # The desk's reader tells by itself which card is in: nobody has anything to say.
    Rule("renewals:desk_card", "post", (SIGN_IN, 404, 404, 404, 404, 404, 404), about="desk"),
    Rule("renewals:desk_pause", "get", NOT_ALLOWED, about="desk"),
    Rule("renewals:desk_pause", "post", STAFF_SENT_ON_IN_THE_AGENCY, about="desk", sent={"why": "午休"}),
    Rule("renewals:desk_resume", "get", NOT_ALLOWED, about="desk"),
    Rule("renewals:desk_resume", "post", STAFF_SENT_ON_IN_THE_AGENCY, about="desk", sent={"why": "午休"}),
    Rule("renewals:run_sheet", "get", STAFF),
    Rule("renewals:run_sheet", "post", NOT_ALLOWED),
    Rule("renewals:evidence", "get", STAFF_OF_THE_AGENCY, about="evidence"),
    Rule("renewals:evidence", "post", NOT_ALLOWED, about="evidence"),
    Rule("renewals:policy", "get", (SIGN_IN, 200, 404, 200, 200, 404, 404), about="policy"),
    Rule("renewals:policy", "post", NOT_ALLOWED, about="policy"),
    Rule("renewals:mine", "get", (SIGN_IN, 200, 200, 404, 404, 404, 404)),
    Rule("renewals:mine", "post", NOT_ALLOWED),
    Rule("renewals:report", "get", ADMINS),
    Rule("renewals:report", "post", NOT_ALLOWED),
    Rule("renewals:report_download", "get", ADMINS, about="kind"),
    Rule("renewals:report_download", "post", NOT_ALLOWED, about="kind"),
]


@pytest.fixture
def objects(
    renewal: Renewal, card: Card, chen: User, mei: User, lin: User, tmp_path: Path
) -> dict[str, UUID | str | int]:
    """What the addresses are about: all of it Chen's company's."""
    run = begin_run(renewal, card)
    with scope(OUR_AGENCY):
        invitation = Invitation(name="周", email="zhou@lingnan.example", role=Role.STAFF)
        invite(invitation, by=Membership.objects.get(user=lin))
        token = renew_link(invitation)
        User.objects.create_user("zhou@lingnan.example", name="周")
        member = Membership.objects.get(user=chen)
        standing = pause(by=mei, why="门户维护", batch=renewal.batch)
        view = BoardView.objects.create(name="我的急件", query="state=waiting", made_by=mei)
        contact = card.company.contacts.get()
        workbook = imports.begin("客户.xlsx", uuid4(), by=lin)
    evidence: Evidence = keep_picture(run, tmp_path)
    policy: Policy = keep_policy(run, tmp_path)
    return {
        "company": card.company_id,
        "card": card.pk,
        "contact": contact.pk,
        "workbook": workbook.pk,
        "renewal": renewal.pk,
        "batch": renewal.batch_id or "",
        "desk": run.desk.code,
        "view": view.pk,
        "pause": standing.pk,
        "evidence": evidence.pk,
        "policy": policy.pk,
        "kind": "csv",
        "agency": OUR_AGENCY,
        "member": member.pk,
        "invitation": invitation.pk,
        "token": token,
        "number": 1,
    }


@pytest.mark.parametrize("rule", TABLE, ids=lambda rule: f"{rule.method} {rule.name}")
def test_everybody_gets_the_answer_in_the_table(
    rule: Rule,
    objects: dict[str, Any],
    chen: User,
    wu: User,
    mei: User,
    lin: User,
    rao: User,
    tang: User,
) -> None:
    people = (None, chen, wu, mei, lin, rao, tang)
    answers = [answer(rule, objects, person) for person in people]
    assert dict(zip(PEOPLE, answers, strict=True)) == dict(zip(PEOPLE, rule.answers, strict=True))


def answer(rule: Rule, objects: dict[str, Any], person: User | None) -> int | str:
    """The status, or `SIGN_IN` where the person is sent to sign in. What the request did is undone."""
    with transaction.atomic():
        status = _ask(rule, objects, person)
        transaction.set_rollback(True)
    return status


def _ask(rule: Rule, objects: dict[str, Any], person: User | None) -> int | str:
    client = Client()
    if person is not None:
        client.force_login(person)
    address = reverse(rule.name, args=[objects[rule.about]] if rule.about else [])
    sent = {key: value.format(**objects) for key, value in rule.sent.items()}
    response = getattr(client, rule.method)(address, sent)
    if isinstance(response, StreamingHttpResponse):
        response.getvalue()  # sent to its end, so that the file is closed
    if response.status_code == 302 and response["Location"].startswith(reverse("account_login")):
        return SIGN_IN
    return int(response.status_code)


def test_every_address_is_in_the_table_with_get_and_post_and_no_row_is_stale() -> None:
    assert differing(get_resolver().url_patterns) == set()


def test_an_address_without_a_row_and_a_row_without_an_address_are_noticed() -> None:
    new = path("new/", include(([path("", lambda _request: HttpResponse(), name="page")], "new")))
    gone = [one for one in get_resolver().url_patterns if getattr(one, "name", "") != "trail"]
    assert differing([*gone, new]) == {
        ("new:page", "get"),
        ("new:page", "post"),
        ("trail", "get"),
        ("trail", "post"),
    }


def differing(patterns: list[URLPattern | URLResolver]) -> set[tuple[str, str]]:
    """Addresses and methods that are in the patterns or in the table, and not in both."""
    return {(name, method) for name in names(patterns) for method in ("get", "post")} ^ {
        (rule.name, rule.method) for rule in TABLE
    }


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_address_of_ours_answers_any_other_method(objects: dict[str, Any], method: str) -> None:
    theirs = ("account_", "mfa_", "usersessions_", "language")
    ours = {rule.name: rule for rule in TABLE if not rule.name.startswith(theirs)}
    answers = {name: answer(replace(rule, method=method), objects, None) for name, rule in ours.items()}
    assert {name: status for name, status in answers.items() if status != 405} == {}


def names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The full name of every address."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from names(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name}"
