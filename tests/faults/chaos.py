"""Seeded chaos: several desks at once, workers killed, stopped and flooded, connections and messages lost.

The same seed makes the same choices in the same order; what the operating system makes of them
in time differs from run to run.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg
from django.conf import settings

from companies.models import Company
from renewals.models import State
from tests.database import superuser
from tests.faults import matrix
from tests.faults.campaign import Campaign, Fault
from tests.faults.nursery import continue_all, end
from tests.faults.oracles import violations

FLOOD = 5  # workers that are rung for one card at once


@dataclass
class Figures:
    """What was done and what came of it."""

    seed: int
    seconds: float = 0.0
    rounds: int = 0
    sittings: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def injected(self) -> int:
        return self.faults.total()


def unleash(played: Campaign, *, seed: int, seconds: float, at_most: int = 0) -> Figures:
    """Chaos for so long (or so many faults), then peace until everybody is complete; the figures.

    Companies that are complete take no more faults; chaos ends when none is left.
    """
    rng = random.Random(seed)  # replayed, not secret
    faults = matrix.everything()
    figures, began = Figures(seed), time.monotonic()
    left = list(played.companies)
    while left and time.monotonic() - began < seconds and not (at_most and figures.injected >= at_most):
        figures.rounds += 1
        _round(played, rng, faults, left, figures)
        played.let_time_pass()
        played.sweep()
        for company in left:
            played.act(company)
        figures.violations += violations(played, at_the_end=False)
        left = [company for company in left if played.now(company).state != State.COMPLETE]
    for company in left:
        played.carry_through(company, [])
    figures.violations += violations(played)
    figures.seconds = time.monotonic() - began
    figures.sittings = played.sittings
    return figures


def _round(
    played: Campaign, rng: random.Random, faults: list[Fault], left: list[Company], figures: Figures
) -> None:
    """Each desk gets a company's card; most sittings meet a fault; then something happens to all at once."""
    desks = len(played.desks)
    chosen = rng.sample(left, min(desks, len(left)))
    for reader in range(desks):
        played.portal.remove(reader + 1)
    workers: list[int] = []
    given: list[Fault] = []
    deaths = played.portal.deaths
    for desk, company in enumerate(chosen):
        played.portal.approve(company.uscc)
        fault = rng.choice(faults) if rng.random() < 0.8 else Fault()
        workers.append(played.begin(company, fault, desk=desk, alone=False))
        given.append(fault)
    happening = rng.choice(("nothing", "nothing", "kill", "stop", "database", "flood"))
    if happening != "nothing":
        time.sleep(rng.uniform(0.0, 0.5))
        figures.faults[f"all at once: {happening}"] += 1
        workers += _happen(happening, played, rng, workers)
    statuses = [played.nursery.wait(worker) for worker in workers]
    for worker in workers:
        end(worker)
    # Only what struck counts: not every point is on every run's way.
    struck = [fault for fault, status in zip(given, statuses, strict=False) if fault.point and status]
    figures.faults.update(f"worker: {fault.how} at {fault.point}" for fault in struck)
    figures.faults.update(f"portal: {one.kind}" for one in played.portal.troubles if one.times == 0)
    figures.faults["driver: killed"] += played.portal.deaths - deaths
    played.portal.troubles.clear()


def _happen(what: str, played: Campaign, rng: random.Random, workers: list[int]) -> list[int]:
    """Something that is not about one point; returns the workers that it added."""
    if what == "kill":
        end(rng.choice(workers))
    elif what == "stop":
        for worker in workers:
            played.stop(worker)
        time.sleep(rng.uniform(0.0, 0.3))
        continue_all(*workers)
    elif what == "database":
        with psycopg.connect(superuser("postgres"), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND usename = 'xubao_app' AND pid <> pg_backend_pid()",
                [str(settings.DATABASES["default"]["NAME"])],
            )
        played.reconnect()
    elif what == "flood":
        desk = rng.randrange(len(played.desks))
        return [played.ring(desk) for _ in range(FLOOD)]
    return []
