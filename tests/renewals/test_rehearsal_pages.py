"""The rehearsal's pages: the way in and out, what can be done inside, and who never gets there."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agency import rehearsing
from agency.models import Agency, AuditEntry, Membership, Role, User
from agency.tenancy import scope
from companies.models import Company
from renewals.domain import rehearsing as rehearsals
from renewals.models import Batch, Rehearsal, Renewal
from tests.agency.conftest import browser_of
from tests.cast import YEAR
from tests.database import OTHER_AGENCY, OUR_AGENCY

__all__ = ["browser_of"]
type Browsers = Callable[[User], Client]
BAND = "演练"


@pytest.fixture
def batch(company: Company, mei: User) -> UUID:
    """The batch of a rehearsal under way, in the twin."""
    with scope(OUR_AGENCY):
        asked = rehearsals.ask([company.pk], year=YEAR, name="秋季批次", by=mei)
        rehearsals.take(asked.pk)
        originals, twin = rehearsals.originals(asked), rehearsing.twin(make=True)
    assert twin is not None
    with scope(twin):
        issued = rehearsals.set_the_stage(originals, year=YEAR, by=mei)
        made, _desk = rehearsals.begin(
            issued, year=YEAR, name="秋季批次", control="ws://127.0.0.1:8803", by=mei
        )
        seen = rehearsals.counts()
    with scope(OUR_AGENCY):
        rehearsals.keep(asked.pk, batch=made.pk, **seen)
    return made.pk


def go_in(client: Client) -> Client:
    client.post(reverse("renewals:rehearsal_enter"))
    return client


def test_a_selection_is_rehearsed_from_the_queues_preview(
    mei: User, company: Company, browser_of: Browsers
) -> None:
    client = browser_of(mei)
    shown = client.post(reverse("renewals:queue"), {"year": YEAR, "company": company.pk})
    assert (shown.context["rehearsable"], reverse("renewals:rehearse") in shown.content.decode()) == (1, True)
    form = {"year": YEAR, "frozen": shown.context["frozen"], "name": "秋季批次"}
    assert client.post(reverse("renewals:rehearse"), form)["Location"] == reverse("renewals:rehearsal")
    with scope(OUR_AGENCY):
        asked = Rehearsal.objects.get()
        assert (asked.companies, asked.name, Renewal.objects.count()) == ([company.pk], "秋季批次", 0)


def test_a_batch_is_rehearsed_from_its_page(mei: User, renewal: Renewal, browser_of: Browsers) -> None:
    client = browser_of(mei)
    page = client.get(reverse("renewals:batch", args=[renewal.batch_id])).content.decode()
    assert reverse("renewals:rehearse") in page
    client.post(reverse("renewals:rehearse"), {"batch": renewal.batch_id})
    with scope(OUR_AGENCY):
        assert Rehearsal.objects.get().companies == [renewal.company_id]


def test_a_company_that_lacks_more_than_a_rehearsal_makes_up_is_sent_back_to_the_list(
    mei: User, company: Company, browser_of: Browsers
) -> None:
    with scope(OUR_AGENCY):
        company.contacts.all().delete()
    client = browser_of(mei)
    answer = client.post(reverse("renewals:rehearse"), {"year": YEAR, "frozen": company.pk, "name": "x"})
    assert answer["Location"] == reverse("readiness:list")
    with scope(OUR_AGENCY):
        assert Rehearsal.objects.count() == 0


def test_inside_every_page_wears_the_band_and_shows_the_twin_alone(
    mei: User, company: Company, batch: UUID, browser_of: Browsers
) -> None:
    client = browser_of(mei)
    assert client.get(reverse("renewals:batch", args=[batch])).status_code == 404
    go_in(client)
    pages = ["today", "attention", "board", "batches", "desks", "run_sheet"]
    for address in [reverse(f"renewals:{name}") for name in pages] + [
        reverse("renewals:batch", args=[batch]),
        reverse("companies:list"),
    ]:
        page = client.get(address)
        assert page.status_code == 200, address
        assert 'id="leave-rehearsal"' in page.content.decode(), address
        assert f"<title>{BAND} · " in page.content.decode(), address
    assert client.get(reverse("companies:company", args=[company.pk])).status_code == 404
    client.post(reverse("renewals:rehearsal_leave"))
    assert 'id="leave-rehearsal"' not in client.get(reverse("renewals:today")).content.decode()


@pytest.mark.parametrize(
    "name", ["companies:import", "people:people", "trail", "renewals:report", "readiness:list"]
)
def test_what_is_no_part_of_a_rehearsal_is_not_there_inside(
    lin: User, batch: UUID, browser_of: Browsers, name: str
) -> None:
    client = browser_of(lin)
    assert client.get(reverse(name)).status_code == 200
    go_in(client)
    for answer in (client.get(reverse(name)), client.post(reverse(name))):
        assert answer["Location"] == reverse("renewals:today")


def test_no_pin_is_typed_and_nobody_is_asked_inside(mei: User, batch: UUID, browser_of: Browsers) -> None:
    client = go_in(browser_of(mei))
    code = client.get(reverse("renewals:desks")).context["lines"][0][0].desk.code
    for address in (reverse("renewals:desk_pin", args=[code]), reverse("readiness:ask")):
        assert client.post(address, {"pin": "27182818"})["Location"] == reverse("renewals:today")


def test_a_batch_is_paused_inside_and_not_outside(mei: User, batch: UUID, browser_of: Browsers) -> None:
    client = go_in(browser_of(mei))
    client.post(reverse("renewals:batch_pause", args=[batch]), {"why": "试试"})
    assert len(client.get(reverse("renewals:batch", args=[batch])).context["pauses"]) == 1
    client.post(reverse("renewals:rehearsal_leave"))
    assert client.get(reverse("renewals:today")).status_code == 200
    with scope(OUR_AGENCY):
        assert not AuditEntry.objects.filter(action="paused").exists()


def test_who_is_ended_or_made_a_client_is_out_at_once(
    mei: User, company: Company, batch: UUID, browser_of: Browsers
) -> None:
    client = go_in(browser_of(mei))
    inside = reverse("renewals:batch", args=[batch])
    assert client.get(inside).status_code == 200
    with scope(OUR_AGENCY):
        Membership.objects.filter(user=mei).update(role=Role.CLIENT, company=company)
    assert client.get(inside).status_code == 404
    with scope(OUR_AGENCY):
        Membership.objects.filter(user=mei).update(ended_at=Now())
    assert client.get(inside).status_code == 404


def test_clients_and_other_agencies_never_see_it(
    chen: User, rao: User, batch: UUID, browser_of: Browsers
) -> None:
    for person, whose in ((chen, OUR_AGENCY), (rao, OUR_AGENCY), (rao, OTHER_AGENCY)):
        client = go_in(browser_of(person))
        session = client.session
        session[rehearsing.REHEARSING] = str(whose)  # however that came about
        session.save()
        assert client.get(reverse("renewals:batch", args=[batch])).status_code == 404
        assert "秋季批次" not in client.get(reverse("home"), follow=True).content.decode()


def test_the_end_asks_for_nothing_but_says_what_it_does_and_is_told(
    mei: User, batch: UUID, browser_of: Browsers
) -> None:
    client = browser_of(mei)
    client.post(reverse("renewals:rehearsal_end"))
    assert client.get(reverse("renewals:rehearsal")).context["rehearsal"].state == "ending"
    assert client.post(reverse("renewals:rehearsal_enter"))["Location"] == reverse("renewals:rehearsal")
    with scope(OUR_AGENCY):
        told = AuditEntry.objects.filter(action__startswith="rehearsal_").order_by("number")
        assert [(one.action, one.actor_name) for one in told] == [
            ("rehearsal_begun", "Mei"),
            ("rehearsal_ended", "Mei"),
        ]
        assert Batch.objects.count() == 0


def test_who_works_for_another_agency_from_now_on_is_out(
    mei: User, raos_agency: Agency, batch: UUID, browser_of: Browsers
) -> None:
    with scope(raos_agency.pk):
        Membership.objects.create(user=mei, role=Role.STAFF)
        rehearsing.twin(make=True)
    client = go_in(browser_of(mei))
    client.post(reverse("choose_agency"), {"agency": str(raos_agency.pk)})
    assert 'id="leave-rehearsal"' not in client.get(reverse("renewals:today")).content.decode()


def test_what_the_pages_inside_ask_by_themselves_is_there_inside() -> None:
    outside = {"companies:workbook_progress", "renewals:rehearsal_head"}
    assert set(settings.POLLED_PAGES) - outside <= rehearsing.LOOKED_AT
