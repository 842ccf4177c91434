"""`./run bench recovery`: how long until work goes on after its worker was killed or Valkey lost everything.

./run bench recovery                          4 desks, 5 times each: 20 figures a line
./run bench recovery --desks 2 --times 1      to see that it works

The desks' worker is killed (-9) while every desk's run is signed in, and started again at once, as compose
does; what counts is the moment at which the portal has let the next run in. Valkey is emptied while the rings
of all desks lie in it, or killed (-9) before they are rung and started again; what counts is the moment at
which a run has begun, from the moment at which Valkey was empty or up again. All settings are production's:
a lease of 60 s, a sweep each 60 s.

Goals: after a killed worker 120 s (p95), after losing all of Valkey 60 s.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from agency.engines import Child, Supervisor, urls, valkey
from benchmarks.batches_parts.contenders import Ground, answers
from benchmarks.batches_parts.portal import Portal
from benchmarks.machine import described, engines_of_its_own, shared
from portal_driver.browser import find_browser

LOOK_EVERY_S = 0.25
AT_MOST_S = 400.0


@dataclass
class Stage:
    """A season on the portal, our processes, and the cards in their order."""

    supervisor: Supervisor
    at: Portal
    played: Any  # `renewals.demo.scene.Scene`: Django is not set up when this file is read
    cards: list[str]

    def insert_next_cards(self) -> list[str]:
        """The next company's card into each desk's reader; returns them."""
        chosen = [self.cards.pop(0) for _ in self.played.desks]
        for desk, card in enumerate(chosen, start=1):
            httpx.post(f"{self.at.api}/desks/{desk}/insert", json={"card": card}).raise_for_status()
        return chosen

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Until it is so; ends the benchmark where it never is."""
        give_up_at = time.monotonic() + AT_MOST_S
        while not self.asked(is_so):
            if time.monotonic() > give_up_at:
                sys.exit(f"not within {AT_MOST_S:.0f} s; the logs are in {self.supervisor.runtime / 'log'}")
            time.sleep(LOOK_EVERY_S)

    def asked[T](self, ask: Callable[[], T]) -> T:
        """What the agency sees."""
        from agency.tenancy import scope

        with scope(self.played.agency):
            return ask()

    def start(self, *names: str) -> list[Child]:
        """These of our processes."""
        from renewals.demo import processes

        return processes.start_workers(
            self.supervisor, self.played.desks, portal=self.at.portal, pace={}, watch_every_s=1.0, names=names
        )


def killed_worker(stage: Stage, worker: Child) -> tuple[list[float], Child]:
    """Seconds from the worker's death until each renewal's next run was let in; the new worker."""
    from django.utils import timezone

    from renewals.models import Event

    cards = stage.insert_next_cards()

    def let_in() -> dict[UUID, tuple[int, datetime]]:
        events = Event.objects.filter(kind="signed_in", renewal__company__cards__number__in=cards)
        return {one.renewal_id: (one.run.epoch, one.at) for one in events.select_related("run") if one.run}

    stage.wait_for(lambda: len(let_in()) == len(cards))
    before, killed_at = stage.asked(let_in), timezone.now()
    os.killpg(worker.pid, signal.SIGKILL)
    stage.supervisor.stop(worker)
    [again] = stage.start("desks")

    def all_again() -> bool:
        return all(epoch > before[renewal][0] for renewal, (epoch, _at) in let_in().items())

    stage.wait_for(all_again)
    waited = [(at - killed_at).total_seconds() for _epoch, at in stage.asked(let_in).values()]
    stage.wait_for(lambda: _complete(cards))
    return waited, again


def emptied(stage: Stage, worker: Child) -> list[float]:
    """Seconds from the moment at which Valkey was emptied of all rings until each desk's run began."""
    from redis import Redis

    os.kill(worker.pid, signal.SIGSTOP)
    cards = stage.insert_next_cards()
    stage.wait_for(lambda: _seen(cards))
    client = Redis.from_url(urls().cache)
    client.flushall()
    client.close()
    os.kill(worker.pid, signal.SIGCONT)
    return _until_begun(stage, cards)


def restarted(stage: Stage) -> list[float]:
    """Seconds from the moment at which Valkey was up again until each desk's run began; it was killed."""
    [broker] = [child for child in stage.supervisor._children if child.name == "valkey"]
    os.killpg(broker.pid, signal.SIGKILL)
    stage.supervisor.stop(broker)
    cards = stage.insert_next_cards()
    stage.wait_for(lambda: _seen(cards))
    valkey.start(stage.supervisor)
    return _until_begun(stage, cards)


def _until_begun(stage: Stage, cards: list[str]) -> list[float]:
    from django.utils import timezone

    from renewals.models import Run

    since = timezone.now()

    def begun() -> list[datetime]:
        runs = Run.objects.filter(renewal__company__cards__number__in=cards)
        return list({run.renewal_id: run.began_at for run in runs.order_by("-epoch")}.values())

    stage.wait_for(lambda: len(begun()) == len(cards))
    waited = [max(0.0, (at - since).total_seconds()) for at in stage.asked(begun)]
    stage.wait_for(lambda: _complete(cards))
    return waited


def _seen(cards: list[str]) -> bool:
    """Whether the watcher has seen each of these cards and rung."""
    from renewals.models import Desk

    return set(Desk.objects.values_list("card_number", flat=True)) == set(cards)


def _complete(cards: list[str]) -> bool:
    from renewals.models import Renewal, State

    done = Renewal.objects.filter(company__cards__number__in=cards, state=State.COMPLETE)
    return done.count() == len(cards)


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="./run bench recovery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--desks", type=int, default=4)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args(words)
    print(described(), flush=True)
    with (
        engines_of_its_own() as supervisor,
        tempfile.TemporaryDirectory(prefix="xubao-recovery-") as directory,
    ):
        _measure(supervisor, Path(directory), desks=chosen.desks, times=chosen.times)


def _measure(supervisor: Supervisor, directory: Path, *, desks: int, times: int) -> None:
    from django.utils import timezone

    from agency.celery import app
    from agency.tenancy import scope
    from companies.sample import load_season
    from renewals.demo import scene
    from renewals.models import Batch, StageName

    year, browser = timezone.localdate().year, str(find_browser().executable)
    ground = Ground(supervisor, directory, year, latency_ms=80, browser=browser)
    killed: list[float] = []
    empty: list[float] = []
    fresh: list[float] = []
    scene.forget_last_demo()
    with ground.portal(3 * desks * times, desks) as (at, season), shared() as share:
        people = load_season(season)
        played = scene.set_the_scene(people, controls=at.controls, year=year)
        with scope(played.agency):
            # Nobody waits for the first company of the batch: it is not what is measured.
            Batch.objects.update(proven=list(StageName))
        stage = Stage(supervisor, at, played, [one.card for one in people])
        worker, *_others = stage.start("desks", "watch", "worker", "beat")
        stage.wait_for(lambda: answers(app, 2))
        for _ in range(times):
            seconds, worker = killed_worker(stage, worker)
            killed += seconds
            empty += emptied(stage, worker)
            fresh += restarted(stage)
        most = at.pressed_at_most()
    _say("worker killed, until the portal let the next run in", killed, goal=120)
    _say("Valkey emptied, until the run began", empty, goal=60)
    _say("Valkey killed and started, until the run began", fresh, goal=60)
    print(f"pressed {most} times at most; {share}")


def _say(what: str, seconds: list[float], *, goal: int) -> None:
    enough = len(seconds) >= 20
    worst = statistics.quantiles(seconds, n=20)[-1] if enough else max(seconds)
    print(
        f"{what:<52} median {statistics.median(seconds):6.1f} s, {'p95' if enough else 'slowest'} "
        f"{worst:6.1f} s of {len(seconds)}   (goal {goal})",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
