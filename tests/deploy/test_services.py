"""Each command of docker-compose.yml, run for a moment on the engines of this machine.

In production mode, with the keys and addresses that its service is given there and no other: what a
service has no password for leads nowhere.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from agency import engines
from renewals.demo.processes import take_port
from tests.deploy import compose
from tests.deploy.compose import ROOT, words

SERVICES = compose.read()["services"]
NOWHERE = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "DATABASE_OWNER_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "DATABASE_SWEEP_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


class Machine:
    """Runs services as Docker would: their command, their variables, their secrets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: list[subprocess.Popen[bytes]] = []
        for name in compose.read()["secrets"]:
            (directory / name).write_text(f"{name}-0123456789-0123456789-0123456789")

    def run(self, service: str) -> subprocess.CompletedProcess[str]:
        """A service that ends by itself."""
        return self._do(words(SERVICES[service]["command"]), service)

    def start(self, service: str, *changed: tuple[str, str]) -> subprocess.Popen[bytes]:
        """A service that goes on, with some words of its command changed to fit this machine."""
        command = [dict(changed).get(word, word) for word in words(SERVICES[service]["command"])]
        with (self.directory / f"{service}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self.environment(service),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def is_healthy(self, service: str, *more: str) -> bool:
        """The service's own health check."""
        check = words(SERVICES[service]["healthcheck"]["test"])
        return self._do([*check, *more], service).returncode == 0

    def environment(self, service: str) -> dict[str, str]:
        """What the service gets: its variables, and an address for each of its passwords."""
        given = {name: value for name, value in SERVICES[service]["environment"].items() if value}
        given = {name: value.replace("/run/secrets", str(self.directory)) for name, value in given.items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.directory),
            "SECRETS_DIR": str(self.directory / "none"),  # the addresses are here already
            "XUBAO_MODE": "production",
            "XUBAO_RUNTIME": str(self.directory),
            "STATIC_ROOT": str(self.directory),
            **NOWHERE,
            **_addresses(SERVICES[service]["secrets"]),
            **given,
        }

    def stop(self) -> None:
        """End whatever still runs."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _do(self, command: list[str], service: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment(service)
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)


def _addresses(secrets: list[str]) -> dict[str, str]:
    """The embedded engines, for the roles whose passwords are given; the broker in a corner of its own."""
    urls, database = engines.urls(), settings.DATABASES["default"]["NAME"]
    reached = {
        "app_password": ("DATABASE_URL", urls.app.replace("/xubao?", f"/{database}?")),
        "owner_password": ("DATABASE_OWNER_URL", urls.owner.replace("/xubao?", f"/{database}?")),
        "sweep_password": ("DATABASE_SWEEP_URL", urls.sweep.replace("/xubao?", f"/{database}?")),
        "valkey_password": ("REDIS_URL", urls.redis.replace("virtual_host=0", "virtual_host=7")),
    }
    return dict(reached[secret] for secret in secrets if secret in reached)


@pytest.fixture
def machine(tmp_path: Path, django_db_setup: Any) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def becomes_true(said: Callable[[], bool], *, within_s: float) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within_s
    while not (true := said()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return true


def test_migrate_with_the_owners_password_alone_finds_nothing_to_do_the_second_time(machine: Machine):
    done = machine.run("migrate")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "  No migrations to apply."), done.stderr


def test_the_watcher_asks_for_its_desk_with_the_sweeps_password(machine: Machine):
    done = machine.run("desk-watch")
    assert (done.returncode, done.stderr) == (1, "CommandError: not every one of these desks exists: d1\n")


@pytest.mark.parametrize("service", ["web", "worker", "desk"])
def test_where_nothing_runs_nothing_is_healthy(machine: Machine, service: str):
    assert not machine.is_healthy(service)


def test_web_workers_and_beat_start_and_are_healthy(machine: Machine):
    with take_port(18000) as free:
        port = free.getsockname()[1]
    schedule = machine.directory / "beat-schedule"
    machine.start("web", ("8000", str(port)))
    machine.start("worker")
    machine.start("desk")
    machine.start("beat", ("/tmp/beat-schedule", str(schedule)))
    assert becomes_true(lambda: machine.is_healthy("web", str(port)), within_s=30)
    assert becomes_true(lambda: machine.is_healthy("worker"), within_s=30)
    assert becomes_true(lambda: machine.is_healthy("desk"), within_s=30)
    assert becomes_true(schedule.exists, within_s=30)
    assert [process.poll() for process in machine.running] == [None] * 4
