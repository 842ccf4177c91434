"""`./run demo`: the main job from end to end, on this machine, against the simulator."""

from __future__ import annotations

import json
import time
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agency import engines
from agency.tenancy import scope
from companies.domain.readiness import WORDS
from companies.sample import SEASON, load_season
from renewals.demo import processes, scene
from renewals.demo.figures import figures
from renewals.demo.hands import Hands
from renewals.demo.screen import Screen
from renewals.simulating import APPROVE_AFTER_S, PACE

SHOW_EVERY_S = 0.5


class Command(BaseCommand):
    """Starts everything, plays the season, and ends everything."""

    help = (
        "Run the main job from end to end against the simulator; Ctrl-C ends it and leaves nothing running."
    )
    # The web process comes up faster while nothing else imports every page.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when all renewals have come to rest")
        parser.add_argument("--desks", type=int, default=4, help="card desks, side by side (4)")
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="of the board (8000); the next free one is taken where it is not, any for 0",
        )
        parser.add_argument(
            "--companies", type=Path, default=SEASON, metavar="FILE", help="JSON (samples/season.json)"
        )

    def handle(
        self, *_args: Any, once: bool, desks: int, port: int, companies: Path, **_options: Any
    ) -> None:
        if not settings.LOCAL:
            raise CommandError("The demo is for a local installation: unset XUBAO_MODE.")
        try:
            with engines.Supervisor() as supervisor, processes.take_port(port) as door:
                self._play(supervisor, door, companies, once=once, desks=desks)
        except engines.AlreadyRunning as already:
            raise CommandError(str(already)) from None
        except (engines.ChildFailed, engines.ProgramMissing) as failure:
            raise CommandError(str(failure)) from None

    def _play(
        self, supervisor: engines.Supervisor, door: socket, companies: Path, *, once: bool, desks: int
    ) -> None:
        began, year = time.monotonic(), timezone.localdate().year
        engines.start(supervisor)
        call_command("migrate", verbosity=0)
        scene.forget_last_demo()
        processes.start_web(supervisor, door)
        simulator = processes.start_simulator(
            supervisor, companies=companies, year=year, desks=desks, approve_after_s=APPROVE_AFTER_S
        )
        played = scene.set_the_scene(load_season(companies), controls=simulator["controls"], year=year)
        processes.start_workers(
            supervisor,
            played.desks,
            portal=simulator["portal"],
            pace=PACE,
            names=(*processes.WORK, "rehearsals"),
        )
        self._welcome(played, door.getsockname()[1], simulator)
        hands = Hands(played.agency, played.desks, simulator["api"])
        hands.start()
        try:
            self._watch(supervisor, once=once)
        finally:
            hands.stop()
        with scope(played.agency):
            result = figures(played.queued, api=simulator["api"], seconds=time.monotonic() - began)
        print(json.dumps(result, ensure_ascii=False), flush=True)

    def _welcome(self, played: scene.Scene, port: int, simulator: dict[str, Any]) -> None:
        print("\n续保 Xubao · 演示 demo（仿真环境: nothing here touches the real portal)\n")
        print(f"  看板 board      http://127.0.0.1:{port}/")
        print(f"  邮箱 mailbox    http://127.0.0.1:{port}/demo/mailbox/")
        print(f"  仿真门户 portal  {simulator['portal']}/_sim/\n")
        for email, name, role in scene.PEOPLE:
            print(f"  {role:<7} {email:<20} {scene.PASSWORD}   {name}")
        queued, not_ready = played.queued.number, played.queued.not_ready
        print(f"\n  已排队 queued: {queued}   未就绪 not ready: {len(not_ready)}")
        for company, problems in not_ready.items():
            print(f"    {company.name}: {' '.join(str(WORDS[problem].what) for problem in problems)}")
        print(flush=True)

    def _watch(self, supervisor: engines.Supervisor, *, once: bool) -> None:
        """Show the stages until all renewals are at rest, and, without `once`, until a signal comes."""
        screen = Screen()
        while True:
            supervisor.check()
            with scope(scene.AGENCY):
                at_rest = screen.show()
            if at_rest and once:
                return
            time.sleep(SHOW_EVERY_S)
