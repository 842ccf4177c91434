"""Valkey, which speaks Redis' protocol, on this machine: through a Unix socket, by no network."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from agency.engines import programs
from agency.engines.supervisor import Child, Supervisor


def broker_url(runtime: Path) -> str:
    """The address as Celery reads it."""
    return f"redis+socket://{quote(str(_socket(runtime)))}?virtual_host=0"


def cache_url(runtime: Path) -> str:
    """The address as redis-py and Django's cache read it; another database than the broker's."""
    return f"unix://{quote(str(_socket(runtime)))}?db=1"


def answers(runtime: Path) -> bool:
    """Whether the server is up."""
    return _ask(runtime, b"PING\r\n").startswith(b"+PONG")


def start(supervisor: Supervisor) -> Child:
    """Start Valkey; raises `ChildFailed` with its last words when it does not come up."""
    program = programs.valkey_server(supervisor.runtime)
    user = programs.unprivileged_user()
    home = _home(supervisor.runtime)
    home.mkdir(exist_ok=True, mode=0o700)
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
    # An orphan's supervisor and watchdog were both killed; two servers would write the same file.
    _ask(supervisor.runtime, b"SHUTDOWN\r\n")
    options = {
        "port": "0",
        "unixsocket": str(_socket(supervisor.runtime)),
        "unixsocketperm": "700",
        "dir": str(home),
        "save": "",
        "appendonly": "yes" if supervisor.durable else "no",
        "maxmemory-policy": "noeviction",  # a full broker must refuse work, not forget it
    }
    return supervisor.spawn(
        "valkey",
        [program, *(word for name, value in options.items() for word in (f"--{name}", value))],
        cwd=Path("/"),
        user=user,
        ready=lambda: answers(supervisor.runtime),
    )


def _home(runtime: Path) -> Path:
    return runtime / "valkey"


def _socket(runtime: Path) -> Path:
    return _home(runtime) / "valkey.sock"


def _ask(runtime: Path, command: bytes) -> bytes:
    """The start of the server's answer; nothing where no server listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(_socket(runtime)))
            connection.sendall(command)
            return connection.recv(64)
        except OSError:
            return b""
