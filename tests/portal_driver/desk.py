"""Whoever sits at the desk: puts a card in, starts the driver, answers what it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.async_api import Playwright

from portal_driver.browser import wiped_directory
from portal_driver.contract import (
    Arm,
    Armed,
    Click,
    Company,
    Contact,
    Event,
    ExpectedCard,
    Finished,
    NeedPin,
    NoPin,
    NotArmed,
    Pin,
    Plan,
    Reading,
    Standing,
)
from portal_driver.profile import Profile
from portal_driver.run import run
from portal_driver.simulator.companies import Company as PortalCompany
from portal_driver.simulator.running import Simulator

YEAR = 2026
DESK = 2


@dataclass
class Staff:
    """Answers the driver as it was told to, and remembers everything that it said."""

    pin: str | None
    refuses: frozenset[Click] = frozenset()
    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    async def need_pin(self, question: NeedPin) -> Pin | NoPin:
        self.tell(question)
        return NoPin() if self.pin is None else Pin(self.pin)

    async def arm(self, question: Arm) -> Armed | NotArmed:
        self.tell(question)
        if question.click in self.refuses:
            return NotArmed(question.click, "Mei said no")
        return Armed(question.click)

    def heard[E: Event](self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def last_reading(self) -> dict[Click, Standing]:
        return self.heard(Reading)[-1].standings


@dataclass
class Desk:
    """Runs the driver inside the test, against the simulator, each time in a browser of its own."""

    portal: Simulator
    profile: Profile
    directory: Path
    playwright: Playwright
    runs: int = 0

    def plan(self, company: PortalCompany, **changes: Any) -> Plan:
        """A plan as the agency would write it: right in everything that is not changed."""
        self.runs += 1
        evidence = self.directory / f"run-{self.runs}"
        evidence.mkdir()
        plan = Plan(
            company=Company(company.name, company.uscc),
            contact=Contact("王志强", "13820000000", "hongda@hongda.example"),
            card=ExpectedCard(company.card.number, company.card.certificate),
            year=YEAR,
            profile="2024",
            portal=self.portal.portal,
            control=self.portal.controls[DESK - 1],
            evidence=str(evidence),
        )
        return replace(plan, **changes)

    async def renew(
        self, company: PortalCompany, staff: Staff | None = None, *, insert: bool = True, **changes: Any
    ) -> tuple[Finished, Staff]:
        """Insert the company's card and run the driver to its end."""
        staff = staff or Staff(company.card.pin)
        if insert:
            self.portal.insert(DESK, company.card.number)
        plan = self.plan(company, **changes)
        with wiped_directory() as directory:
            finished = await run(plan, self.profile, staff, self.playwright, directory)
        return finished, staff

    def kept(self, *, run: int) -> list[str]:
        """The names of the evidence files of a run."""
        return sorted(path.name for path in (self.directory / f"run-{run}").iterdir())

    def clicks(self, company: PortalCompany) -> dict[str, tuple[int, int]]:
        """How often each irreversible request reached the portal, and how often it took effect."""
        clicks = self.portal.state()["companies"][company.uscc]["clicks"]
        return {click: (tally["received"], tally["took_effect"]) for click, tally in clicks.items()}

    def pin_tries_spent(self, company: PortalCompany) -> int:
        return int(self.portal.state()["companies"][company.uscc]["pin_tries_spent"])


def as_json(plan: Plan) -> str:
    """The plan as a file for the command line."""
    from portal_driver.contract import encode

    return json.dumps({key: value for key, value in json.loads(encode(plan)).items() if key != "type"})
