"""Rehearsals: a twin that holds copies and nothing real, reaches no portal, and counts for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from agency import operating, rehearsing
from agency.models import Agency, AuditEntry, Invitation, Membership, Role, User
from agency.tenancy import scope
from companies.domain.cards import vault_pin
from companies.models import Ask, Card, Company, Consent, Contact
from renewals.domain import claiming, portals
from renewals.domain import rehearsing as rehearsals
from renewals.domain.doorbell import ring
from renewals.domain.queueing import queue_companies
from renewals.driving import make_plan
from renewals.models import Batch, Desk, Rehearsal, RehearsalState, Renewal
from renewals.sitting import sit
from tests.cast import YEAR, make_company
from tests.database import OUR_AGENCY

SIMULATOR, CONTROL = "http://127.0.0.1:8800/", "ws://127.0.0.1:8803"


@pytest.fixture
def twin(agency: Agency) -> UUID:
    with scope(agency.pk):
        made = rehearsing.twin(make=True)
    assert made is not None
    return made


@pytest.fixture
def rehearsed(company: Company, mei: User, twin: UUID) -> Iterator[tuple[Batch, Desk]]:
    """The company's rehearsal, as its player sets it up."""
    with scope(OUR_AGENCY):
        asked = rehearsals.ask([company.pk], year=YEAR, name="第一批", by=mei)
        originals = rehearsals.originals(asked)
    with scope(twin):
        issued = rehearsals.set_the_stage(originals, year=YEAR, by=mei)
        yield rehearsals.begin(issued, year=YEAR, name="第一批", control=CONTROL, by=mei)


# --- What a twin is ---------------------------------------------------------------------------


def test_an_agency_has_one_twin_however_often_it_is_asked_for(agency: Agency, twin: UUID) -> None:
    with scope(agency.pk):
        assert (rehearsing.twin(make=True), rehearsing.twin()) == (twin, twin)
    with scope(twin):
        assert Agency.objects.get(pk=twin).rehearsal_of_id == agency.pk
        assert rehearsing.twin(make=True) is None


def test_no_twin_becomes_real_and_no_agency_a_twin(agency: Agency, raos_agency: Agency, twin: UUID) -> None:
    for whose, of in ((twin, None), (agency.pk, raos_agency.pk)):
        with scope(whose), pytest.raises(DatabaseError, match="said once"), transaction.atomic():
            Agency.objects.filter(pk=whose).update(rehearsal_of=of)


def test_the_database_lets_nothing_real_into_a_twin(twin: UUID, mei: User) -> None:
    with scope(twin):
        company = Company.objects.create(name="副本", uscc="91440100MA00000010")
        for wrong in (
            lambda: Card.objects.create(company=company, number="C440000000001"),
            lambda: Desk.objects.create(name="台", code="d9", control=CONTROL),
            lambda: Desk.objects.create(name="台", code="rehearsal-9", control="wss://portal.example"),
            lambda: Membership.objects.create(user=mei, role=Role.STAFF),
            lambda: Invitation.objects.create(
                email="a@b.example", name="周", role=Role.STAFF, expires_at=Now()
            ),
            # Mails are written of invitations and asks alone.
            lambda: Ask.objects.create(company=company, year=YEAR, problems=[], contact="周", asked_by=mei),
        ):
            with pytest.raises(DatabaseError, match="rehearsal"), transaction.atomic():
                wrong()


def test_no_real_agency_has_a_rehearsals_desk(agency: Agency) -> None:
    with scope(agency.pk), pytest.raises(DatabaseError, match="desks of its own"):
        Desk.objects.create(name="台", code="rehearsal-9", control=CONTROL)


def test_the_operators_counts_leave_twins_out(tang: User, twin: UUID) -> None:
    assert twin not in {one.id for one in operating.agencies(by=tang)}
    assert OUR_AGENCY in {one.id for one in operating.agencies(by=tang)}


# --- What is copied ---------------------------------------------------------------------------


def test_companies_and_contacts_are_copied_and_cards_pins_and_consents_made_up(
    company: Company, card: Card, rehearsed: tuple[Batch, Desk]
) -> None:
    copied = Company.objects.get()
    assert (copied.name, copied.uscc, copied.pk == company.pk) == (company.name, company.uscc, False)
    contact = Contact.objects.get()
    assert (contact.name, contact.mobile) == ("王志强", "13800138000")
    made_up = Card.objects.get()
    assert made_up.number.startswith("SIM-")
    assert vault_pin(made_up) not in (None, "27182818")
    assert (made_up.certificate == card.certificate, made_up.drawer) == (False, card.drawer)
    assert Consent.objects.get().given_by == rehearsals.GIVEN_BY
    assert [one.company for one in Renewal.objects.all()] == [copied]


def test_what_only_the_real_world_brings_holds_no_rehearsal_up(
    agency: Agency, raos_agency: Agency, mei: User
) -> None:
    bare = make_company(agency, 7, "缺卡缺授权公司", ready=False)
    wrong = make_company(agency, 8, "没有联系人公司", ready=False)
    with scope(agency.pk):
        Contact.objects.create(company=bare, name="李", mobile="13800138000", email="li@example.com")
        assert rehearsals.rehearsable([bare.pk, wrong.pk], year=YEAR) == [bare]
        with pytest.raises(rehearsals.NothingToRehearse):
            rehearsals.ask([wrong.pk], year=YEAR, name="演练", by=mei)


def test_a_rehearsal_takes_no_more_than_twenty(agency: Agency) -> None:
    for number in range(21):
        make_company(agency, 100 + number, f"公司{number:02d}")
    with scope(agency.pk):
        chosen = rehearsals.rehearsable(Company.objects.values_list("pk", flat=True), year=YEAR)
    assert [company.name for company in chosen] == [f"公司{number:02d}" for number in range(20)]


def test_of_two_rehearsals_at_once_the_second_is_refused(company: Company, mei: User) -> None:
    with scope(OUR_AGENCY):
        rehearsals.ask([company.pk], year=YEAR, name="演练", by=mei)
        with pytest.raises(rehearsals.UnderWay):
            rehearsals.ask([company.pk], year=YEAR, name="演练", by=mei)
        assert Rehearsal.objects.count() == 1


def test_nothing_of_a_rehearsal_is_seen_in_the_real_agency(company: Company, mei: User, twin: UUID) -> None:
    with scope(OUR_AGENCY):
        asked = rehearsals.ask([company.pk], year=YEAR, name="第一批", by=mei)
        originals = rehearsals.originals(asked)
    with scope(twin):
        issued = rehearsals.set_the_stage(originals, year=YEAR, by=mei)
        rehearsals.begin(issued, year=YEAR, name="第一批", control=CONTROL, by=mei)
    with scope(OUR_AGENCY):
        seen = (Renewal.objects.count(), Batch.objects.count(), Desk.objects.count(), Company.objects.count())
        assert seen == (0, 0, 0, 1)
        assert not queue_companies([company.pk], year=YEAR, name="真的", by=mei).not_ready


# --- Which portal -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "portal", ["", "https://www.singlewindow.cn/", "http://portal.example:8800/", "http://127.0.0.1.evil.cn/"]
)
def test_a_rehearsal_refuses_every_portal_but_the_simulator(
    settings: Settings, rehearsed: tuple[Batch, Desk], portal: str, tmp_path: Path
) -> None:
    _batch, desk = rehearsed
    card = Card.objects.select_related("company").get()
    run = claiming.claim_for_card(card, desk=desk, worker="test", profile="2024")
    assert run is not None
    settings.REHEARSAL_PORTAL = portal
    with pytest.raises(portals.WrongPortal):
        make_plan(run, card, desk, tmp_path)
    settings.REHEARSAL_PORTAL = SIMULATOR
    assert make_plan(run, card, desk, tmp_path).portal == SIMULATOR


def test_who_plays_rehearsals_touches_nothing_real(settings: Settings, desk: Desk, renewal: Renewal) -> None:
    settings.REHEARSAL_PORTAL = SIMULATOR
    with pytest.raises(portals.WrongPortal):
        sit(OUR_AGENCY, desk.pk)
    with scope(OUR_AGENCY):
        assert Desk.objects.get().sitting is None


def test_no_worker_of_the_real_portal_sits_at_a_rehearsals_desk(
    settings: Settings, rehearsed: tuple[Batch, Desk]
) -> None:
    _batch, desk = rehearsed
    settings.REHEARSAL_PORTAL = ""
    with pytest.raises(portals.WrongPortal):
        sit(desk.agency_id, desk.pk)
    assert Desk.objects.get().sitting is None


def test_no_worker_is_rung_for_a_rehearsals_desk(
    monkeypatch: pytest.MonkeyPatch, rehearsed: tuple[Batch, Desk]
) -> None:
    rung: list[object] = []
    monkeypatch.setattr("renewals.domain.doorbell.bell.ring", lambda rings: rung.extend(rings))
    ring(rehearsed[1])
    assert rung == []


# --- Its end ----------------------------------------------------------------------------------


def test_wiping_takes_rows_and_files_and_leaves_the_trail(
    settings: Settings,
    rehearsed: tuple[Batch, Desk],
    tmp_path: Path,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    settings.MEDIA_ROOT = tmp_path
    twin = rehearsed[1].agency_id
    (tmp_path / str(twin)).mkdir()
    (tmp_path / str(twin) / "picture.png").touch()
    with django_capture_on_commit_callbacks(execute=True):
        rehearsals.wipe()
    left = [model.objects.count() for model in (Company, Contact, Card, Consent, Renewal, Batch, Desk)]
    assert left == [0] * 7
    assert list(tmp_path.iterdir()) == []
    assert AuditEntry.objects.filter(action="batch_queued").exists()


def test_nothing_real_is_ever_wiped(company: Company) -> None:
    with scope(OUR_AGENCY):
        with pytest.raises(RuntimeError, match="only a rehearsal"):
            rehearsals.wipe()
        assert Company.objects.count() == 1


def test_a_person_ends_a_rehearsal_and_its_player_hears_of_it(company: Company, mei: User) -> None:
    with scope(OUR_AGENCY):
        asked = rehearsals.ask([company.pk], year=YEAR, name="演练", by=mei)
        assert rehearsals.take(asked.pk) is not None
        assert rehearsals.take(asked.pk) is None
        assert rehearsals.keep(asked.pk, complete=1)
        assert rehearsals.end(by=mei)
        assert not rehearsals.keep(asked.pk, complete=2)
        rehearsals.close(asked.pk, RehearsalState.OVER)
        assert Rehearsal.objects.get().state == RehearsalState.ENDING
        told = AuditEntry.objects.filter(action__startswith="rehearsal_").order_by("number")
        assert [entry.action for entry in told] == ["rehearsal_begun", "rehearsal_ended"]
