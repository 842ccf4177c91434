"""What a renewal costs, and what the gate and the PIN guard hold, measured on this machine.

A company at one desk that was at work before: its driver process is ready before the plan comes
(docs/adr/0021). The simulator answers from a process of its own without any latency, so the floor is the
portal's 10 s of reading;
what the simulator itself takes counts as ours. CPU is sampled over all processes: Chromium's renderers are
children of its zygote, for which nobody waits, so the system's account of waited children leaves them out.

The plainest script (`batches_parts/robot.py`) renews one company beside it, likewise ready and on the same
machine: seconds mean little without what a bare robot takes here.

python -m benchmarks.driver --renewals 5 --presses 100 --pins 500     (0 leaves a part out)
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, async_playwright

from benchmarks import pins
from benchmarks.batches_parts.robot import Job
from benchmarks.machine import processes_below
from portal_driver.browser import find_browser
from portal_driver.contract import (
    Arm,
    Armed,
    Click,
    Company,
    Contact,
    ExpectedCard,
    Finished,
    NeedPin,
    Outcome,
    Pin,
    Plan,
    decode,
    encode,
)
from portal_driver.gate import Gate
from portal_driver.profile import load_profile
from portal_driver.simulator.companies import Company as PortalCompany
from portal_driver.simulator.companies import read_companies
from tests.portal_driver.raw_server import RawServer

SAMPLE = Path(__file__).parents[1] / "samples" / "season.json"
YEAR = 2026
READING_S = 10.0  # guide, 二.3
SIDE_BY_SIDE = 4
NETWORKS = ("closed", "reset", "408", "503", "slow", "ok")
_READY_S = 2.0  # after so long an idle driver has readied Playwright
_SAMPLE_S = 0.05
# The kernel walks all pages of a browser to tell its memory, so that is asked for less often than CPU.
_MEMORY_EVERY = 10


@dataclass(frozen=True)
class Cost:
    """One sitting: how long from the plan to the last event, its CPU and its memory at the most."""

    seconds: float
    cpu_s: float
    peak_mb: float
    outcome: Outcome
    leaks: int


@dataclass(frozen=True)
class Portal:
    """A simulator in a process of its own."""

    portal: str
    controls: list[str]
    api: str

    def tell(self, what: str, **body: Any) -> None:
        """Have the simulator do something. Raises `httpx.HTTPError`."""
        httpx.post(f"{self.api}/{what}", json=body).raise_for_status()

    def clicks(self) -> list[int]:
        """How often each irreversible request reached the portal, over all companies and clicks."""
        companies = httpx.get(f"{self.api}/state").json()["companies"].values()
        return [tally["received"] for company in companies for tally in company["clicks"].values()]


@contextmanager
def simulator(*, desks: int = 1, approve_after: str = "never") -> Iterator[Portal]:
    """The simulator with the portal's own 10 seconds and no latency."""
    words = ["--year", str(YEAR), "--approve-after-seconds", approve_after, "--until-stdin-closes"]
    words += ["--desks", str(desks)]
    process = subprocess.Popen(
        [sys.executable, "-m", "portal_driver.simulator", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None  # it is a pipe
        at = json.loads(process.stdout.readline())
        yield Portal(at["portal"], at["controls"], at["api"])
        process.terminate()


def sit(portal: Portal, company: PortalCompany, *, desk: int = 1) -> Cost:
    """One sitting with one company, by a driver that was started beforehand."""
    portal.tell(f"desks/{desk}/insert", card=company.card.number)
    with tempfile.TemporaryDirectory(prefix="xubao-bench-") as directory:
        plan = Plan(
            company=Company(company.name, company.uscc),
            contact=Contact("王志强", "13820000000", "wang@example.com"),
            card=ExpectedCard(company.card.number, company.card.certificate),
            year=YEAR,
            profile="2024",
            portal=portal.portal,
            control=portal.controls[desk - 1],
            evidence=directory,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "portal_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        time.sleep(_READY_S)
        use = _Use(process.pid)
        began = time.perf_counter()
        finished, said = _converse(process, plan, company.card.pin)
        seconds = time.perf_counter() - began
        process.wait()
        use.stop()
        leaks = _canaries(company.card.pin, said, Path(directory))
    return Cost(seconds, use.cpu_s, use.peak_mb, finished.outcome, leaks)


def robot(portal: Portal, company: PortalCompany) -> Cost:
    """The same company, application and policy, by the plainest script in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="xubao-bench-") as directory:
        job = Job(
            portal=portal.portal,
            api=portal.api,
            desk=1,
            card=company.card.number,
            pin=company.card.pin,
            contact=("王志强", "13820000000", "wang@example.com"),
            authorized_before=company.authorized_before,
            policy=str(Path(directory) / "policy.pdf"),
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.batches_parts.robot", str(find_browser().executable)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(_READY_S)
        use = _Use(process.pid)
        began = time.perf_counter()
        assert process.stdin is not None  # pipes
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(job)) + "\n")
        process.stdin.flush()
        said = process.stdout.readline()
        seconds = time.perf_counter() - began
        process.wait()
        use.stop()
    if said != "received\n":
        sys.exit("the robot did not come to the end, so there is nothing to compare with")
    return Cost(seconds, use.cpu_s, use.peak_mb, Outcome.COMPLETE, 0)


def _converse(process: subprocess.Popen[str], plan: Plan, pin: str) -> tuple[Finished, str]:
    """Answer the driver until it has finished; its last event and all that it said."""
    assert process.stdin is not None  # pipes
    assert process.stdout is not None
    process.stdin.write(encode(plan) + "\n")
    process.stdin.flush()
    said = []
    for line in process.stdout:
        said.append(line)
        match decode(line):
            case NeedPin():
                answer: Pin | Armed = Pin(pin)
            case Arm(click=click):
                answer = Armed(click)
            case Finished() as finished:
                process.stdin.close()
                return finished, "".join(said)
            case _:
                continue
        process.stdin.write(encode(answer) + "\n")
        process.stdin.flush()
    raise RuntimeError("the driver went away")


def _canaries(pin: str, said: str, directory: Path) -> int:
    """In how many places the PIN stands: among the events and in the evidence."""
    places = [said.encode(), *(file.read_bytes() for file in directory.rglob("*") if file.is_file())]
    return sum(pin.encode() in place for place in places)


class _Use:
    """What a process and all below it use, sampled: CPU seconds from now on, and the most memory at once.

    Memory is the proportional set size. A process that lives for less than a sample is missed.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._stopped = pid, threading.Event()
        self._before = processes_below(pid, with_waited=False)
        self._seconds: dict[int, float] = {}
        self.peak_mb = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes that were seen."""
        return sum(self._seconds.values())

    def stop(self) -> None:
        """Sample no more."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        for turn in itertools.count():
            if self._stopped.wait(_SAMPLE_S):
                return
            own = processes_below(self._pid, with_waited=False)
            self._seconds |= {pid: used - self._before.get(pid, 0.0) for pid, used in own.items()}
            if turn % _MEMORY_EVERY == 0:
                self.peak_mb = max(self.peak_mb, sum(map(_pss_mb, own)))


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


async def presses(count: int) -> dict[str, list[int]]:
    """POSTs that reached a server for each press of an armed button, by what the network did."""
    found: dict[str, list[int]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable)
        for network in NETWORKS:
            for button in ("form", "fetch"):
                found[f"{network}, {button}"] = [await _press(browser, network, button) for _ in range(count)]
        await browser.close()
    return found


async def _press(browser: Browser, network: str, button: str) -> int:
    server = RawServer(network)
    gate = Gate(load_profile("2024").irreversible, answer_s=0.5, on_fired=lambda click, digest: None)
    context = await browser.new_context(service_workers="block")
    await gate.guard(context)
    page = await context.new_page()
    await page.goto(server.address)
    token = gate.open(Armed(Click.CONFIRM))
    await page.click(f"#{button}", no_wait_after=True)
    await token.over.wait()
    await context.close()
    server.close()
    return server.posts


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks.driver", description=__doc__)
    parser.add_argument("--renewals", type=int, default=5)
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--pins", type=int, default=500)
    options = parser.parse_args()
    print(_machine())
    if options.renewals:
        _print_renewals(options.renewals)
    if options.presses:
        _print_presses(asyncio.run(presses(options.presses)))
    if options.pins:
        figures = pins.measure(options.pins)
        print(
            f"\n{figures.runs} card faults: {figures.authorisations} authorisations, at most "
            f"{figures.most_uses_of_one_authorisation} PIN use and {figures.most_tries_of_one_authorisation} "
            f"tries of one, {figures.uses_without_authorisation} without, {figures.lock_outs} cards locked"
        )


def _print_renewals(count: int) -> None:
    companies = read_companies(SAMPLE, today=date.today())  # noqa: DTZ011  # as the simulator's own command
    good = [
        one
        for one in companies
        if one.has_pending_policy
        and (one.portal_name, one.portal_uscc) == (one.name, one.uscc)
        and one.card.valid_until > date.today()  # noqa: DTZ011
    ]
    print(
        f"\n{f'sitting, median of {count}':<34}{'seconds':>9}{'over floor':>12}{'CPU s':>8}{'MB at most':>12}"
    )
    leaks = 0
    with simulator() as portal:
        for kind, floor, chosen in _sittings(good, count):
            costs = []
            for company in chosen:
                if kind.startswith("policy"):
                    portal.tell("approve", company=company.uscc)
                costs.append(sit(portal, company))
            wanted = Outcome.COMPLETE if kind.startswith("policy") else Outcome.SUBMITTED
            ended = [cost.outcome for cost in costs]
            if ended != [wanted] * len(costs):
                sys.exit(f"{kind}: ended {[str(end) for end in ended]}, so there is nothing to measure")
            leaks += sum(cost.leaks for cost in costs)
            seconds = statistics.median(cost.seconds for cost in costs)
            print(
                f"{kind:<34}{seconds:>9.2f}{seconds - floor:>12.2f}"
                f"{statistics.median(cost.cpu_s for cost in costs):>8.2f}"
                f"{statistics.median(cost.peak_mb for cost in costs):>12.0f}"
            )
        most = max(portal.clicks())
        print(f"an irreversible request of one company, at most: {most}; PIN found in {leaks} places")
    _print_robot(next(one for one in good if one.authorized_before), count)
    _print_side_by_side(good[:SIDE_BY_SIDE])


def _print_robot(company: PortalCompany, count: int) -> None:
    costs = []
    for _ in range(count):
        with simulator(approve_after="0") as portal:
            costs.append(robot(portal, company))
    seconds, cpu_s, peak_mb = (
        statistics.median(getattr(cost, name) for cost in costs) for name in ("seconds", "cpu_s", "peak_mb")
    )
    over = seconds - READING_S
    print(f"{'one plain robot, both':<34}{seconds:>9.2f}{over:>12.2f}{cpu_s:>8.2f}{peak_mb:>12.0f}")


def _print_side_by_side(companies: list[PortalCompany]) -> None:
    """What a company's memory is where several run, as in a season: they share the browser's program."""
    with simulator(desks=SIDE_BY_SIDE) as portal, ThreadPoolExecutor(SIDE_BY_SIDE) as desks:
        sittings = [desks.submit(sit, portal, one, desk=desk) for desk, one in enumerate(companies, start=1)]
        costs = [sitting.result() for sitting in sittings]
    ended = {str(cost.outcome) for cost in costs}
    if ended != {str(Outcome.SUBMITTED)}:
        sys.exit(f"{SIDE_BY_SIDE} side by side: ended {ended}, so there is nothing to measure")
    each = statistics.mean(cost.peak_mb for cost in costs)
    print(f"{SIDE_BY_SIDE} companies side by side: {each:.0f} MB each at most (mean of the four peaks)")


def _sittings(companies: list[PortalCompany], count: int) -> Iterator[tuple[str, float, list[PortalCompany]]]:
    before = [one for one in companies if one.authorized_before][:count]
    first = [one for one in companies if not one.authorized_before][:count]
    yield "application, authorised before", READING_S, before
    yield "application, first time (4 clicks)", READING_S, first
    yield "policy, download and 收悉", 0.0, before


def _print_presses(found: dict[str, list[int]]) -> None:
    print(f"\n{'what the network does, how it is sent':<40}{'exactly 1 POST':>16}")
    for case, posts in found.items():
        print(f"{case:<40}{posts.count(1):>9} of {len(posts)}")


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    browser = find_browser().name
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores {model or platform.machine()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {browser}, load before: {load:.1f}"
    )


if __name__ == "__main__":
    main()
