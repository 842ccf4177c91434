"""Two companies on a running simulator, with their rows, cards and a desk on our side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now
from django.utils import timezone

from agency.celery import app
from agency.models import Agency, Role, User
from agency.tenancy import scope
from companies.domain.cards import store_pin
from companies.models import Card, Company
from portal_driver.simulator.companies import companies_from
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from renewals.models import Desk, Renewal
from renewals.sitting import sit
from tests.cast import YEAR, make_company, make_person, make_renewal
from tests.database import OUR_AGENCY

PIN = "27182818"


@dataclass
class Season:
    """One company's season: what is on the portal, and what is in our database."""

    simulator: Simulator
    company: Company
    card: Card
    desk: Desk
    renewal: Renewal

    def insert_card_and_sit(self) -> Renewal:
        """Insert the card, work through what waits for it, take it out; returns the renewal as it rests."""
        self.simulator.insert(1, self.card.number)
        sit(self.desk.agency_id, self.desk.pk)
        self.simulator.remove(1)
        return self.now()

    def now(self) -> Renewal:
        with scope(OUR_AGENCY):
            return Renewal.objects.get(pk=self.renewal.pk)

    def let_the_look_be_due(self) -> None:
        """The day of the next look has come."""
        with scope(OUR_AGENCY):
            Renewal.objects.update(look_at=Now() - timedelta(seconds=1))

    def presses(self) -> dict[str, int]:
        """How often each irreversible request reached the portal."""
        clicks = self._on_the_portal()["clicks"]
        return {click: counted["received"] for click, counted in clicks.items()}

    def tries_spent(self) -> int:
        """Wrong PINs that the card has counted."""
        return int(self._on_the_portal()["pin_tries_spent"])

    def _on_the_portal(self) -> dict[str, Any]:
        found: dict[str, Any] = self.simulator.state()["companies"][self.company.uscc]
        return found

    def in_agency[T](self, ask: Callable[[], T]) -> T:
        """What our agency sees."""
        with scope(OUR_AGENCY):
            return ask()


def on_the_portal(
    company: Company, *, authorized_before: bool, card_is_silent: bool = False
) -> dict[str, Any]:
    """The company as the simulator is told of it."""
    with scope(company.agency_id):
        card = company.cards.get()
    return {
        "name": company.name,
        "uscc": company.uscc,
        "authorized_before": authorized_before,
        "card": {
            "number": card.number,
            "certificate": card.certificate,
            "holder": "王志强",
            "pin": PIN,
            "valid_for_days": 300,
            "is_silent": card_is_silent,
        },
    }


def our_side(*, vault_pin: str = PIN) -> tuple[Company, Card, Desk, Renewal, User]:
    """A queued company of our agency, its PIN in the vault unless there is none, and a desk."""
    agency = Agency(pk=OUR_AGENCY)
    company = make_company(agency, 1, "广州市宏达贸易有限公司")
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    with scope(OUR_AGENCY):
        card = company.cards.get()
        if vault_pin:
            store_pin(card, vault_pin, by=mei)
        # The broker is one for all tests at once; a code of its own keeps their queues apart.
        desk = Desk.objects.create(
            name="1 号读卡台", code=f"d-{uuid4().hex[:12]}", control="ws://127.0.0.1:1"
        )
    return company, card, desk, make_renewal(company, mei), mei


def simulate(company: Company, **on_it: bool) -> Simulator:
    """A simulator that knows this company, as `on_the_portal` says; approval comes by hand."""
    known = companies_from({"companies": [on_the_portal(company, **on_it)]}, today=timezone.localdate())
    return Simulator(known, Settings(year=YEAR, approve_after_s=None))


def empty(queue: str) -> int:
    """Take every message out of a queue of the broker; returns how many there were."""
    with app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        return int(channel.queue_purge(queue))
