"""The demo's processes, as far as they can be looked at one by one."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

import pytest
from django.db import connection

from agency import engines
from agency.engines import Supervisor
from renewals.demo.processes import start_web, take_port


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with take_port(port) as door:
            assert door.getsockname()[1] > port


def test_two_demos_that_begin_at_once_take_two_ports() -> None:
    with take_port(0) as one:
        port = one.getsockname()[1]
        with take_port(port) as another:
            assert another.getsockname()[1] > port


def test_who_calls_before_the_web_process_is_up_waits_and_is_answered(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = engines.urls()
    monkeypatch.setenv("DATABASE_URL", urls.app.replace("/xubao?", f"/{connection.settings_dict['NAME']}?"))
    monkeypatch.setenv("REDIS_URL", urls.redis)
    with take_port(0) as door, Supervisor(tmp_path / "runtime", durable=False) as supervisor:
        caller = http.client.HTTPConnection("127.0.0.1", door.getsockname()[1], timeout=60)
        caller.request("GET", "/health")
        start_web(supervisor, door)
        assert caller.getresponse().status == 200
        caller.close()
