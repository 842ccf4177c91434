"""What a renewal costs, and what the gate and the PIN guard hold, measured on this machine.

A company at one desk, warm: the driver process has started and readied Playwright before the plan comes, as a
worker can have it do. The simulator answers from a process of its own without any latency, so the floor is
the portal's 10 s of reading; what the simulator itself takes counts as ours.

python -m benchmarks.driver --renewals 5 --presses 100 --pins 500     (0 leaves a part out)
"""

from __future__ import annotations

import argparse
import asyncio
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
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, async_playwright

from benchmarks import pins
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
_SAMPLE_S = 0.1


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
def simulator(*, desks: int = 1) -> Iterator[Portal]:
    """The simulator with the portal's own 10 seconds and no latency."""
    words = ["--year", str(YEAR), "--approve-after-seconds", "never", "--until-stdin-closes"]
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
        before = _cpu_of(process.pid)
        peak = _Peak(process.pid)
        began = time.perf_counter()
        finished, said = _converse(process, plan, company.card.pin)
        seconds = time.perf_counter() - began
        memory = peak.stop()
        _, _, usage = os.wait4(process.pid, 0)
        leaks = _canaries(company.card.pin, said, Path(directory))
    return Cost(seconds, usage.ru_utime + usage.ru_stime - before, memory, finished.outcome, leaks)


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


class _Peak:
    """The proportional set size of a process and all below it, sampled; the highest sum counts."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._stopped = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most megabytes that were in use at once."""
        self._stopped.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._stopped.wait(_SAMPLE_S):
            self._most = max(self._most, sum(_pss_mb(pid) for pid in _tree(self._pid)))


def _tree(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        parents.setdefault(parent, []).append(int(entry.parent.name))
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _cpu_of(pid: int) -> float:
    """CPU seconds that a process and its children have used so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = 0
    for one in _tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / ticks


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
    _print_side_by_side(good[:SIDE_BY_SIDE])


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
