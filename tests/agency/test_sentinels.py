"""Two agencies that mirror each other, a word in all data of each: nobody is ever sent the other's.

Every address and method of the access table is asked by everybody of one agency, about his own
agency's things and about the other's. Scanned is all that comes back: status, headers, pages, JSON,
files, and workbooks unzipped.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency import audit
from agency.inviting import invite, renew_link
from agency.models import Agency, Invitation, Membership, Role, User
from agency.tenancy import scope
from companies.models import Ask, Card, Company, Consent, Contact, Import, ImportRow
from renewals.domain.pausing import pause
from renewals.domain.queueing import queue_companies
from renewals.models import BoardView, Desk, Policy, Renewal
from tests.agency.conftest import Mails
from tests.agency.test_access_table import NOT_ALLOWED, TABLE, Rule
from tests.cast import YEAR, make_company, make_person
from tests.database import OTHER_AGENCY, OUR_AGENCY
from tests.renewals.papers import begin_run, keep_picture, keep_policy

OURS, THEIRS = "ZANZIBAR", "KILIMANJARO"


@dataclass(frozen=True)
class World:
    """One agency: the word in its data, its people, and what the addresses may be about."""

    word: str
    people: dict[str, User]
    objects: dict[str, Any]


def make_world(agency: UUID, word: str, number: int, folder: Path) -> World:
    """An agency in whose every text the word stands."""
    company = make_company(Agency(pk=agency), number, f"{word} 公司")
    low = word.lower()
    people = {
        "admin": make_person(f"admin@{low}.example", f"{word} 林", Agency(pk=agency), Role.ADMIN),
        "staff": make_person(f"staff@{low}.example", f"{word} 王", Agency(pk=agency), Role.STAFF),
        "client": make_person(f"client@{low}.example", f"{word} 陈", Agency(pk=agency), Role.CLIENT, company),
    }
    with scope(agency):
        Company.objects.update(region=word, note=word, tags=[word], owner=people["staff"])
        Contact.objects.update(name=f"{word} 联系人", email=f"office@{low}.example")
        Card.objects.update(number=f"{word}{number:06d}", holder=word, certificate=word, drawer=word)
        Consent.objects.update(given_by=word, agent=word)
        queue_companies([company.pk], year=YEAR, name=f"{word} 批次", by=people["staff"])
        renewal, card, contact = Renewal.objects.get(), Card.objects.get(), Contact.objects.get()
    folder.mkdir()
    run = begin_run(renewal, card)
    evidence, policy = keep_picture(run, folder), keep_policy(run, folder)
    with scope(agency):
        Policy.objects.update(number=f"{word}-{number}", insurer=word)
        Desk.objects.update(name=f"{word} 读卡台", card_number=card.number)
        Renewal.objects.update(
            application_number=word,
            assignee=people["staff"],
            reason_detail={"seen": word},
            completed_at=timezone.now(),
        )
        workbook = Import.objects.create(
            filename=f"{word}.xlsx",
            file=uuid4(),
            made_by=people["staff"],
            state="ready",
            headings=[{"text": word, "samples": [word], "column": "name"}],
        )
        ImportRow.objects.create(
            workbook=workbook, number=2, name=word, verdict="wrong", cells=[word], mistakes=[]
        )
        Ask.objects.create(company=company, year=YEAR, problems=[], contact=word, asked_by=people["staff"])
        audit.record("looked_at", company, by=people["staff"], word=word)
        invitation = Invitation(name=word, email=f"new@{low}.example", role=Role.STAFF)
        invite(invitation, by=Membership.objects.select_related("user").get(user=people["admin"]))
        token = renew_link(invitation)
        member = Membership.objects.get(user=people["client"])
        standing = pause(by=people["staff"], why=word, batch=renewal.batch)
        view = BoardView.objects.create(name=f"{word} 视图", query=f"q={word}", made_by=people["staff"])
    objects = {
        "company": company.pk,
        "card": card.pk,
        "contact": contact.pk,
        "workbook": workbook.pk,
        "renewal": renewal.pk,
        "batch": renewal.batch_id,
        "desk": run.desk.code,
        "view": view.pk,
        "pause": standing.pk,
        "evidence": evidence.pk,
        "policy": policy.pk,
        "kind": "xlsx",
        "agency": agency,
        "member": member.pk,
        "invitation": invitation.pk,
        "token": token,
        "number": 1,
    }
    return World(word, people, objects)


@pytest.fixture
def worlds(db: None, tmp_path: Path) -> dict[str, World]:
    return {
        OURS: make_world(OUR_AGENCY, OURS, 1, tmp_path / "ours"),
        THEIRS: make_world(OTHER_AGENCY, THEIRS, 2, tmp_path / "theirs"),
    }


# Both agencies are made alike: the other way round says the same, and takes as long.
BOTH_WAYS = pytest.mark.parametrize(
    ("mine", "foreign"), [(OURS, THEIRS), pytest.param(THEIRS, OURS, marks=pytest.mark.long)]
)


@pytest.mark.parametrize("role", ["admin", "staff", "client"])
@BOTH_WAYS
def test_nobody_is_ever_sent_the_other_agencys_word(
    worlds: dict[str, World], mine: str, foreign: str, role: str
) -> None:
    leaks, own_seen = [], 0
    signed_in = Client()
    signed_in.force_login(worlds[mine].people[role])
    for rule in (rule for rule in TABLE if rule.answers != NOT_ALLOWED):
        for about in (mine, foreign) if names_something(rule) else (mine,):
            sent = everything(rule, worlds[about].objects, signed_in)
            own_seen += mine in sent
            if foreign in sent.upper():
                leaks.append(f"{rule.method} {rule.name} about {about}")
    assert leaks == []
    # The word would have been seen, had it been sent: people do get their own.
    assert own_seen > (3 if role == "client" else 15)


@BOTH_WAYS
def test_no_mail_holds_the_other_agencys_word(
    worlds: dict[str, World], mails: Mails, mine: str, foreign: str
) -> None:
    """Every mail that we write, headers and all; also when one's form names the other's things."""
    own, low = worlds[mine], mine.lower()
    admin = Client()
    admin.force_login(own.people["admin"])
    form = {"name": f"{mine} 客", "role": "client"}
    with mails() as sent:
        for world in worlds.values():
            admin.post(reverse("people:send_again", args=[world.objects["invitation"]]))
            with scope(world.objects["agency"]):
                company = Company.objects.get()
            form |= {"email": f"{company.pk}@{low}.example", "company": company.uscc}
            admin.post(reverse("people:invite"), form)
        for person in own.people.values():
            Client().post(reverse("account_request_login_code"), {"email": person.email})
        password = {"password1": "four words that differ"}
        admin.post(reverse("account_set_password"), password | {"password2": password["password1"]})
    texts = [f"{mail.message().as_bytes().decode()}\n{mail.subject}\n{mail.body}" for mail in sent]
    # An invitation again, one to the own company, three codes, and that the password is new.
    assert [mine in text.upper() for text in texts] == [True] * 6
    assert [text for text in texts if foreign in text.upper()] == []


def names_something(rule: Rule) -> bool:
    """Whether the request can name a thing of the other agency's that is not meant for its holder.

    Whoever holds an invitation's token is meant to read it.
    """
    return rule.about not in ("", "token") or any("{" in value for value in rule.sent.values())


def everything(rule: Rule, objects: dict[str, Any], signed_in: Client) -> str:
    """All that an answer holds, as one text. What the request did is undone."""
    client = Client(raise_request_exception=False)
    client.cookies.update(signed_in.cookies)
    with transaction.atomic():
        address = reverse(rule.name, args=[objects[rule.about]] if rule.about else [])
        sent = {key: value.format(**objects) for key, value in rule.sent.items()}
        response = getattr(client, rule.method)(address, sent)
        text = "\n".join(parts(response))
        transaction.set_rollback(True)
    return text


def parts(response: HttpResponse) -> Iterator[str]:
    yield str(response.status_code)
    yield from (f"{name}: {value}" for name, value in response.headers.items())
    content = b"".join(response) if response.streaming else response.content
    yield content.decode("utf-8", errors="replace")
    if content.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            yield from (archive.read(name).decode("utf-8", errors="replace") for name in archive.namelist())
