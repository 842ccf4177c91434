"""One robot, Celery prefork with robots, and Xubao: each works through a season and says how fast."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agency import engines
from agency.engines import Supervisor
from benchmarks.batches_parts.portal import Portal, portal
from benchmarks.batches_parts.robot import Job, renew
from benchmarks.batches_parts.season import write_season
from benchmarks.machine import Share, cpu_below, shared

# Whether all is done; when it was done is read from the rows.
LOOK_EVERY_S = 2.0
# People see within a second that a card may come out; asking more often would cost what they do not.
HANDS_LOOK_EVERY_S = 0.5
# However slow the machine: a renewal at one desk takes no longer than this on average.
AT_MOST_S = 120.0


@dataclass(frozen=True)
class Ground:
    """Where all of them run, and the portal's conditions."""

    supervisor: Supervisor
    directory: Path
    year: int
    latency_ms: int
    browser: str

    @contextmanager
    def portal(self, companies: int, desks: int) -> Iterator[tuple[Portal, Path]]:
        """A fresh portal with so many companies, and the file in which they stand."""
        season = self.directory / "season.json"
        write_season(season, companies)
        with portal(
            self.supervisor, season, year=self.year, desks=desks, latency_ms=self.latency_ms
        ) as running:
            yield running, season


@dataclass(frozen=True)
class Pace:
    """How a season went, from the first company's start to the last one's end."""

    name: str
    asked: int
    complete: int
    seconds: float
    pressed_at_most: int
    share: Share
    spent: dict[str, float] = field(
        default_factory=dict
    )  # CPU seconds of our processes, drivers with "desks"

    @property
    def per_minute(self) -> float:
        return 60 * self.complete / self.seconds

    def __str__(self) -> str:
        each = self.share.ours / max(self.complete, 1)
        shares = "".join(f", {name} {seconds:.1f}" for name, seconds in self.spent.items())
        return (
            f"{self.name:<28}{self.complete:>4} of {self.asked:<4}{self.seconds:>7.1f} s"
            f"{self.per_minute:>7.2f} /min{each:>6.2f} s CPU each, {self.pressed_at_most} press at most"
            f"   ({self.share}{shares})"
        )


def one_robot(ground: Ground, companies: int) -> Pace:
    """The plainest script, one company after another."""
    with ground.portal(companies, 1) as (at, season), shared() as share:
        began = time.monotonic()
        for job in _jobs(at, season, ground.directory):
            renew(job, browser=ground.browser)
        seconds = time.monotonic() - began
        complete, pressed = at.received(), at.pressed_at_most()
    return Pace("one robot", companies, complete, seconds, pressed, share)


def prefork(ground: Ground, companies: int, processes: int) -> Pace:
    """The same script as Celery tasks, so many processes at once, a browser per task."""
    from benchmarks.batches_parts import prefork as robots

    results = ground.directory / f"prefork-{processes}.jsonl"
    results.write_text("")
    robots.app.conf.update(broker_url=engines.urls().redis)
    with ground.portal(companies, processes) as (at, season):
        worker = ground.supervisor.spawn(
            "robots",
            [
                *(sys.executable, "-m", "celery", "-A", "benchmarks.batches_parts.prefork", "worker"),
                *("-P", "prefork", "-c", str(processes), "-Q", robots.QUEUE, "-O", "fair"),
                *("--without-gossip", "--without-mingle", "--loglevel", "WARNING", "-n", "robots@%h"),
            ],
            env={
                "ROBOT_BROKER": engines.urls().redis,
                "ROBOT_RESULTS": str(results),
                "ROBOT_BROWSER": ground.browser,
            },
            ready=lambda: answers(robots.app, 1),
        )
        with shared() as share:
            for job in _jobs(at, season, ground.directory):
                robots.run_robot.delay(asdict(job))
            _until(
                lambda: len(results.read_text().splitlines()) == companies,
                AT_MOST_S * companies / processes,
                ground.supervisor,
            )
        ground.supervisor.stop(worker)
        complete, pressed = at.received(), at.pressed_at_most()
    told = [json.loads(line) for line in results.read_text().splitlines()]
    for error in {one["error"].splitlines()[0] for one in told if one["error"]}:
        print(f"    a robot failed: {error}")
    seconds = max(one["ended"] for one in told) - min(one["began"] for one in told)
    return Pace(f"Celery prefork, {processes} processes", companies, complete, seconds, pressed, share)


def xubao(ground: Ground, companies: int, desks: int) -> Pace:
    """Xubao's own workers, watcher and beat, with hands that feed the cards by the run sheet."""
    from agency.celery import app
    from agency.tenancy import scope
    from companies.sample import load_season
    from renewals.demo import processes, scene
    from renewals.demo.hands import Hands
    from renewals.models import Renewal, Run, State

    def number_complete() -> int:
        with scope(scene.AGENCY):
            return Renewal.objects.filter(state=State.COMPLETE).count()

    scene.forget_last_demo()
    with ground.portal(companies, desks) as (at, season):
        played = scene.set_the_scene(load_season(season), controls=at.controls, year=ground.year)
        assert played.queued.number == companies, played.queued.not_ready
        children = processes.start_workers(
            ground.supervisor, played.desks, portal=at.portal, pace={}, watch_every_s=1.0
        )
        _until(lambda: answers(app, 2), 60, ground.supervisor)
        before = {child.name: cpu_below(child.pid) for child in children}
        hands = Hands(played.agency, played.desks, at.api, look_every_s=HANDS_LOOK_EVERY_S)
        with shared() as share:
            hands.start()
            _until(
                lambda: number_complete() == companies,
                AT_MOST_S * (1 + companies / desks),
                ground.supervisor,
            )
        hands.stop()
        spent = {child.name: cpu_below(child.pid) - before[child.name] for child in children}
        for child in reversed(children):
            ground.supervisor.stop(child)
        complete, pressed = at.received(), at.pressed_at_most()
    with scope(scene.AGENCY):
        first, last = Run.objects.order_by("began_at")[0], Renewal.objects.order_by("-completed_at")[0]
        assert last.completed_at is not None
        seconds = (last.completed_at - first.began_at).total_seconds()
    return Pace(f"Xubao, {desks} desks", companies, complete, seconds, pressed, share, spent)


def answers(app: Any, workers: int) -> bool:
    """Whether so many workers of this Celery application answer."""
    return len(app.control.ping(timeout=0.5)) >= workers


def _jobs(at: Portal, season: Path, directory: Path) -> list[Job]:
    return [
        Job(
            portal=at.portal,
            api=at.api,
            desk=1,
            card=one["card"]["number"],
            pin=one["card"]["pin"],
            contact=(one["contact"]["name"], one["contact"]["mobile"], one["contact"]["email"]),
            authorized_before=one["authorized_before"],
            policy=str(directory / f"{one['card']['number']}.pdf"),
        )
        for one in json.loads(season.read_text())["companies"]
    ]


def _until(is_so: Callable[[], bool], within_s: float, supervisor: Supervisor) -> None:
    """Wait; ends the benchmark where it takes far too long."""
    give_up_at = time.monotonic() + within_s
    while not is_so():
        supervisor.check()
        if time.monotonic() > give_up_at:
            sys.exit(f"not done within {within_s:.0f} s; the logs are in {supervisor.runtime / 'log'}")
        time.sleep(LOOK_EVERY_S)
