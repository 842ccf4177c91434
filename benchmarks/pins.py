"""How many PIN tries a person's one authorisation costs, whatever the card and its control do.

Real driver, real browser, simulated portal; between them and the card's control a relay that fails as
told. Each run has a company and a card of its own and ends when the sign-in has ended. Seeded: the
same seed gives the same faults.

python -m benchmarks.pins --runs 500
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from playwright.async_api import Playwright
from stdnum.cn import uscc
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from portal_driver.contract import (
    Arm,
    Armed,
    Company,
    Contact,
    Event,
    ExpectedCard,
    NeedPin,
    NoPin,
    NotArmed,
    Pin,
    Plan,
    SignedIn,
)
from portal_driver.errors import StarterGone
from portal_driver.process import readied_playwright
from portal_driver.profile import Profile, load_profile
from portal_driver.run import run
from portal_driver.simulator.companies import Company as PortalCompany
from portal_driver.simulator.companies import companies_from
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings

YEAR = 2026
DESKS = 4
RIGHT_PIN, WRONG_PIN = "27182818", "31415926"
TAKES_PIN = ("cus-sec_SpcVerifyPIN", "cus-sec_SpcSign", "swc_security_login")
# What the sign-in asks a control for, the driver's own questions and the page's.
METHODS = (
    "cus-sec_SpcGetCardID",
    "cus-sec_SpcGetCertNo",
    "cus-sec_SpcInitEnvEx",
    "cus-sec_SpcSignDataAsPEM",
    "cus-sec_SpcClearEnv",
)
ON_THE_WIRE = ("reader_error", "slow", "answer_lost", "gone_before", "gone_after", "pulled_at")
AROUND = ("wrong_pin", "refused", "locked", "pulled_before", "pulled_while_asked", "pulled_at_pin", "changed")
READER_ERROR = ["[读卡器底层库]打开读卡器失败：错误码=50200", "Err:Custom50200"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one run; on the wire also with which method, and which time it is asked."""

    kind: str
    method: str = ""
    time: int = 1


@dataclass
class Figures:
    """What the runs came to. A use is a request with a PIN that reached a card, right or wrong."""

    runs: int = 0
    authorisations: int = 0
    uses: int = 0
    most_uses_of_one_authorisation: int = 0
    tries_spent: int = 0
    most_tries_of_one_authorisation: int = 0
    uses_without_authorisation: int = 0
    lock_outs: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, fault: Fault, end: str, *, authorised: int, uses: int, tries: int, locked: bool) -> None:
        """Count one run."""
        self.runs += 1
        self.authorisations += authorised
        self.uses += uses
        self.tries_spent += tries
        self.lock_outs += locked
        self.uses_without_authorisation += uses if authorised == 0 else 0
        self.most_uses_of_one_authorisation = max(self.most_uses_of_one_authorisation, uses)
        self.most_tries_of_one_authorisation = max(self.most_tries_of_one_authorisation, tries)
        self.ends[end] += 1
        self.faults[fault.kind] += 1


class Relay:
    """Stands where a desk's control stands, and passes everything on until its fault strikes."""

    def __init__(self, control: str, simulator: Simulator, desk: int) -> None:
        self._control = control
        self._simulator = simulator
        self._desk = desk
        self.address = ""
        self.begin(Fault("none"))

    def begin(self, fault: Fault) -> None:
        """A new run."""
        self._fault = fault
        self._asked: Counter[str] = Counter()
        self._is_gone = False
        self.uses = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve while the block lasts."""
        async with serve(self._converse, "127.0.0.1", 0) as server:
            self.address = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield

    async def _converse(self, client: ServerConnection) -> None:
        if self._is_gone:
            return
        try:
            async with connect(self._control, proxy=None) as control:
                await client.send(await control.recv())
                async for message in client:
                    request = json.loads(message)
                    act = self._act(request["_method"])
                    if act == "gone_before":
                        self._is_gone = True
                    if self._is_gone:
                        return
                    if act == "reader_error":
                        await client.send(_reader_error(request))
                        continue
                    await control.send(message)
                    self.uses += request["_method"].startswith(TAKES_PIN)
                    answer = await control.recv()
                    if act == "slow":
                        await asyncio.sleep(0.5)
                    if act == "pulled_at":
                        await asyncio.to_thread(self._simulator.remove, self._desk)
                    if act == "gone_after":
                        self._is_gone = True
                        return
                    if act != "answer_lost":
                        await client.send(answer)
        except ConnectionClosed:
            return

    def _act(self, method: str) -> str:
        self._asked[method] += 1
        is_now = self._fault.method == method and self._fault.time == self._asked[method]
        return self._fault.kind if is_now else ""


class Person:
    """Types a PIN once; around it happens what the run's fault says. Leaves after the sign-in."""

    def __init__(self, fault: Fault, simulator: Simulator, desk: int, another_card: str) -> None:
        self._fault = fault
        self._simulator = simulator
        self._desk = desk
        self._another_card = another_card
        self.authorised = 0

    def tell(self, event: Event) -> None:
        """Listen until the sign-in is over."""
        if isinstance(event, SignedIn):
            raise StarterGone

    async def need_pin(self, _question: NeedPin) -> Pin | NoPin:
        """The person's one authorisation."""
        if self._fault.kind in ("pulled_while_asked", "changed"):
            await asyncio.to_thread(self._simulator.remove, self._desk)
        if self._fault.kind == "changed":
            await asyncio.to_thread(self._simulator.insert, self._desk, self._another_card)
        self.authorised += 1
        return Pin(WRONG_PIN if self._fault.kind == "wrong_pin" else RIGHT_PIN)

    async def arm(self, question: Arm) -> Armed | NotArmed:
        """Nothing is pressed here."""
        return NotArmed(question.click, "only the sign-in is measured")


def measure(runs: int, *, seed: int = 1) -> Figures:
    """Run the sign-in so many times, each with one fault, and count what it cost."""
    return asyncio.run(_measure(runs, seed))


async def _measure(runs: int, seed: int) -> Figures:
    lots = random.Random(seed)  # repeatable on purpose
    companies = companies_from(
        {"companies": [_company(number) for number in range(runs + DESKS)]},
        today=date.today(),  # noqa: DTZ011  # as the simulator's own command does
    )
    spare, work = companies[:DESKS], [(company, _draw(lots)) for company in companies[DESKS:]]
    figures, begun_at = Figures(), time.monotonic()
    settings = Settings(year=YEAR, desks=DESKS, approve_after_s=None)
    async with Simulator(companies, settings) as simulator, readied_playwright() as (playwright, directory):
        async with asyncio.TaskGroup() as desks:
            for desk, another in enumerate(spare, start=1):
                place = _Desk(simulator, playwright, directory, desk, another.card.number)
                desks.create_task(place.work_through(work, figures))
    figures.seconds = time.monotonic() - begun_at
    return figures


@dataclass(frozen=True)
class _Desk:
    simulator: Simulator
    playwright: Playwright
    directory: Path
    number: int
    another_card: str

    async def work_through(self, work: list[tuple[PortalCompany, Fault]], figures: Figures) -> None:
        relay = Relay(self.simulator.controls[self.number - 1], self.simulator, self.number)
        profile = _profile(self.simulator)
        async with relay.listening():
            while work:
                await self._sign_in(*work.pop(), relay, profile, figures)

    async def _sign_in(
        self, company: PortalCompany, fault: Fault, relay: Relay, profile: Profile, figures: Figures
    ) -> None:
        relay.begin(fault)
        await asyncio.to_thread(self._prepare, company, fault)
        person = Person(fault, self.simulator, self.number, self.another_card)
        with tempfile.TemporaryDirectory(dir=self.directory) as evidence:
            plan = _plan(company, self.simulator.portal, relay.address, evidence)
            try:
                finished = await run(plan, profile, person, self.playwright, self.directory)
                end = str(finished.reason)
            except StarterGone:
                end = "signed_in"
        await asyncio.to_thread(self.simulator.remove, self.number)
        account = (await asyncio.to_thread(self.simulator.state))["companies"][company.uscc]
        figures.add(
            fault,
            end,
            authorised=person.authorised,
            uses=relay.uses,
            tries=account["pin_tries_spent"],
            locked=account["card_locked"],
        )

    def _prepare(self, company: PortalCompany, fault: Fault) -> None:
        if fault.kind != "pulled_before":
            self.simulator.insert(self.number, company.card.number)
        on_the_portal = {"refused": "wrong_pin", "locked": "card_locked", "pulled_at_pin": "card_pulled"}
        if fault.kind in on_the_portal:
            self.simulator.fault(on_the_portal[fault.kind], company.uscc)


def _draw(lots: random.Random) -> Fault:
    kind = lots.choice(AROUND + ON_THE_WIRE)
    if kind in AROUND:
        return Fault(kind)
    # The driver reads the card twice and the page once, so a method is asked up to three times.
    return Fault(kind, lots.choice(METHODS), lots.randint(1, 3))


def _reader_error(request: dict[str, Any]) -> str:
    args = {"Result": False, "Data": [], "Error": READER_ERROR}
    return json.dumps(
        {"_id": request["_id"], "_method": request["_method"], "_status": "00", "_args": args},
        ensure_ascii=False,
    )


def _profile(simulator: Simulator) -> Profile:
    """This year's, with little patience: what is measured is how often, not how long."""
    profile = load_profile("2024")
    limits = replace(profile.limits, settled_s=1.0, page_s=4.0, press_s=3.0, control_s=1.5)
    addresses = replace(profile.addresses, sign_in=f"{simulator.login}/cas/login")
    return replace(profile, limits=limits, addresses=addresses)


def _plan(company: PortalCompany, portal: str, control: str, evidence: str) -> Plan:
    return Plan(
        company=Company(company.name, company.uscc),
        contact=Contact("王志强", "13820000000", "office@example.com"),
        card=ExpectedCard(company.card.number, company.card.certificate),
        year=YEAR,
        profile="2024",
        portal=portal,
        control=control,
        evidence=evidence,
    )


def _company(number: int) -> dict[str, Any]:
    body = f"91440100MA{number:07d}"
    return {
        "name": f"广州市第{number}号贸易有限公司",
        "uscc": body + str(uscc.calc_check_digit(body)),
        "authorized_before": True,
        "card": {
            "number": f"C44{number:010d}",
            "certificate": f"{number:010x}",
            "holder": "王志强",
            "pin": RIGHT_PIN,
            "valid_for_days": 300,
        },
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks.pins", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = measure(options.runs, seed=options.seed)
    per = figures.tries_spent / figures.authorisations if figures.authorisations else 0.0
    print(f"card faults                              {figures.runs} (seed {options.seed})")
    print(f"authorisations by a person               {figures.authorisations}")
    print(f"PIN uses, most of one authorisation      {figures.most_uses_of_one_authorisation}")
    print(f"PIN uses without an authorisation        {figures.uses_without_authorisation}")
    print(f"PIN tries spent of one authorisation     {per:.2f} on average")
    print(f"                                 at most {figures.most_tries_of_one_authorisation}")
    print(f"cards locked                             {figures.lock_outs}")
    print(f"seconds                                  {figures.seconds:.0f}")
    print("ends                                     " + _counted(figures.ends))
    print("faults                                   " + _counted(figures.faults))


def _counted(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))


if __name__ == "__main__":
    main()
