"""Today: each number is what its rows show, and an empty agency sees the next thing to do alone."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, User
from agency.tenancy import scope
from companies.models import Card, Company, Consent
from renewals.domain import pausing
from renewals.domain.colleagues import assign
from renewals.domain.today import LOOK_AHEAD
from renewals.models import Renewal, State
from tests.cast import YEAR, make_company, make_renewal

TODAY = reverse("renewals:today")


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def put(renewal: Renewal, state: State, **more: object) -> Renewal:
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(state=state, **more)
        return Renewal.objects.get(pk=renewal.pk)


class Doors(HTMLParser):
    """The numbers of a page and the addresses that they open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, int] = {}
        self._address, self._in_number = "", False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._address = dict(attrs).get("href") or ""
        self._in_number = tag == "b"

    def handle_data(self, data: str) -> None:
        if self._in_number and self._address:
            self.found[self._address] = int(data)
            self._in_number = False


def doors(page: Client) -> dict[str, int]:
    return Doors(page.get(TODAY).text).found


# --- The first hour ---------------------------------------------------------------------------


def test_an_agency_without_companies_is_told_to_import_its_list(page: Client) -> None:
    assert page.get(TODAY).context["first"] == "import"
    assert doors(page) == {}


def test_an_agency_that_queued_nothing_is_told_to_see_who_is_ready(page: Client, company: Company) -> None:
    assert page.get(TODAY).context["first"] == "queue"
    assert doors(page) == {}


def test_an_agency_that_ran_nothing_is_told_which_card_to_put_in(page: Client, renewal: Renewal) -> None:
    context = page.get(TODAY).context
    assert context["first"] == "card"
    assert [line.card.company.name for line in context["cards"]] == [renewal.company.name]


@pytest.mark.parametrize("name", ["attention", "board", "batches", "run_sheet"])
def test_a_page_without_anything_to_show_says_the_same_next_thing(
    page: Client, agency: Agency, name: str
) -> None:
    address = reverse(f"renewals:{name}")
    assert links(page, address) == [reverse("companies:import")]
    make_company(agency, 20, "深圳市某某贸易有限公司")
    assert links(page, address) == [f"{reverse('readiness:list')}?year={timezone.localdate().year}"]


def links(page: Client, address: str) -> list[str]:
    """Where the page itself leads, beside its navigation."""
    return re.findall(r'<a class="act act-main" href="([^"]+)"', page.get(address).text)


def test_the_list_of_companies_shows_no_filters_before_there_is_a_company(page: Client) -> None:
    assert 'role="search"' not in page.get(reverse("companies:list")).text


def test_a_batch_of_which_nothing_ran_leads_to_the_cards(page: Client, renewal: Renewal) -> None:
    batch = reverse("renewals:batch", args=[renewal.batch_id])
    assert page.get(batch).context["is_untouched"] is True
    put(renewal, State.COMPLETE)
    assert page.get(batch).context["is_untouched"] is False


def test_staff_and_admins_come_home_to_it(client: Client, mei: User, lin: User) -> None:
    for person in (mei, lin):
        client.force_login(person)
        assert client.get(reverse("home"))["Location"] == TODAY


# --- The numbers ------------------------------------------------------------------------------


def test_every_number_is_how_many_rows_its_door_shows(
    page: Client, agency: Agency, mei: User, lin: User, renewal: Renewal, wus_renewal: Renewal
) -> None:
    now = timezone.now()
    with scope(renewal.agency_id):
        assign(put(renewal, State.ATTENTION, reason="uscc_differs", state_since=now), mei, by=lin)
    put(wus_renewal, State.SUBMITTED, look_at=now - timedelta(hours=1), submitted_at=now, state_since=now)
    more = [make_company(agency, 20 + number, f"深圳市第{number}贸易有限公司") for number in range(4)]
    put(make_renewal(more[0], mei), State.SUBMITTED, look_at=now + timedelta(days=2), submitted_at=now)
    put(make_renewal(more[1], mei), State.COMPLETE, state_since=now - timedelta(days=5))
    put(make_renewal(more[2], mei), State.UNKNOWN, look_at=now)
    with scope(renewal.agency_id):
        Consent.objects.filter(company=more[3]).update(revoked_at=now)
        Card.objects.filter(company__in=more[:2]).update(valid_until=now.date() + timedelta(days=30))
    seen = doors(page)
    board, inbox, companies = (
        reverse(name) for name in ("renewals:board", "renewals:attention", "companies:list")
    )
    assert {address.partition("?")[0] for address in seen} == {board, inbox, companies}
    shown = {}
    for address in seen:
        context = page.get(address).context
        shown[address] = len(context["items"] if address.startswith(inbox) else context["rows"])
    assert shown == seen
    assert seen[f"{inbox}?person=mine"] == 1
    assert seen[f"{board}?year={YEAR}&state=submitted&due=true"] == 1
    assert seen[f"{companies}?year={YEAR}&ready=consent_missing"] == 1
    ends = timezone.localdate() + LOOK_AHEAD
    assert seen[f"{companies}?year={YEAR}&ends={ends.isoformat()}"] == 2


def test_what_stands_still_is_not_counted_as_due(page: Client, renewal: Renewal, mei: User) -> None:
    put(renewal, State.SUBMITTED, look_at=timezone.now() - timedelta(hours=1))
    assert page.get(TODAY).context["to_receive"] == 1
    with scope(renewal.agency_id):
        pausing.pause(by=mei, why="等企业来电", renewal=renewal)
    assert page.get(TODAY).context["to_receive"] == 0
    assert not page.get(reverse("renewals:board"), {"due": "true"}).context["rows"]


def test_certificates_that_end_before_the_season_does_are_counted(
    page: Client, agency: Agency, renewal: Renewal, mei: User
) -> None:
    put(renewal, State.COMPLETE)
    later = make_company(agency, 20, "深圳市某某贸易有限公司")
    today = timezone.localdate()
    with scope(agency.pk):
        Company.objects.filter(pk=later.pk).update(old_policy_ends_on=today + timedelta(days=200))
        Card.objects.filter(company=later).update(valid_until=today + timedelta(days=199))
        Card.objects.filter(company=renewal.company_id).update(valid_until=today + timedelta(days=201))
    companies = page.get(TODAY).context["companies"]
    assert (companies.ending, companies.ending_before) == (1, today + timedelta(days=200))


def test_another_agencys_season_is_not_counted(page: Client, renewal: Renewal, raos_renewal: Renewal) -> None:
    put(renewal, State.COMPLETE)
    assert page.get(TODAY).context["season"].total == 1


def test_what_stands_still_is_said(page: Client, renewal: Renewal, mei: User) -> None:
    put(renewal, State.COMPLETE)
    with scope(renewal.agency_id):
        pausing.pause(by=mei, why="门户维护")
    assert [pause.why for pause in page.get(TODAY).context["pauses"]] == ["门户维护"]


def test_only_the_first_cards_are_shown_and_all_are_counted(page: Client, agency: Agency, mei: User) -> None:
    for number in range(6):
        make_renewal(make_company(agency, 20 + number, f"深圳市第{number}贸易有限公司"), mei)
    context = page.get(TODAY).context
    assert (len(context["cards"]), context["cards_number"]) == (5, 6)


@pytest.mark.parametrize("renewals", [1, 3])
def test_today_asks_the_same_questions_however_much_there_is(
    page: Client, agency: Agency, mei: User, django_assert_num_queries: object, renewals: int
) -> None:
    for number in range(renewals):
        company = make_company(agency, 20 + number, f"深圳市第{number}贸易有限公司")
        put(make_renewal(company, mei), State.SUBMITTED, look_at=timezone.now())
    with django_assert_num_queries(15):  # type: ignore[operator]
        assert page.get(TODAY).context["season"].total == renewals


def test_the_numbers_of_an_open_page_are_shown_anew_once_something_ran(
    page: Client, renewal: Renewal
) -> None:
    address = reverse("renewals:today_numbers")
    assert page.get(address).status_code == 204
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(state=State.ATTENTION)
    shown = page.get(address).content.decode()
    assert shown.lstrip().startswith('<div id="numbers"')
    assert "<html" not in shown
