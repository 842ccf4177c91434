"""Postgres on this machine: reached through a Unix socket in a closed directory, by no network."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from agency.engines import programs
from agency.engines.supervisor import Child, Supervisor

DATABASE = "xubao"
SUPERUSER = "postgres"
_ROLES = Path(__file__).with_name("roles.sql")
# The wheels have no ICU; this locale sorts the same everywhere, the compose file asks for it too.
_LOCALE = ("-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
# initdb would guess a time zone from the machine, and guesses wrongly where none is set.
_SETTINGS = (
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "timezone=UTC",
    "log_timezone=UTC",
)
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def url(runtime: Path, role: str, database: str = DATABASE) -> str:
    """The address for a role, as psycopg, libpq's tools and django-environ read it."""
    return f"postgres://{role}@:5432/{database}?host={quote(str(_home(runtime)), safe='')}"


def is_ready(runtime: Path) -> bool:
    """Whether the server answers and our roles and database are there."""
    try:
        psycopg.connect(url(runtime, "xubao_app"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def start(supervisor: Supervisor) -> Child:
    """Start Postgres, made anew at the first start, with our database and roles.

    Raises `ChildFailed` with its last words when it does not come up.
    """
    directory = programs.postgres_programs(supervisor.runtime)
    user = programs.unprivileged_user()
    home = _home(supervisor.runtime)
    home.mkdir(exist_ok=True, mode=0o700)
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
    _end_orphan(supervisor.runtime, directory, user)
    if not (home / "data").exists():
        _make_cluster(directory, home, user)
    child = supervisor.spawn(
        "postgres",
        [directory / "postgres", "-D", home / "data", *_settings(home, durable=supervisor.durable)],
        env=_environment(),
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # a fast shutdown; SIGTERM would wait for every client
        user=user,
        ready=lambda: _answers(supervisor.runtime),
    )
    _make_database(supervisor.runtime)
    return child


def _home(runtime: Path) -> Path:
    return runtime / "pg"


def _settings(home: Path, *, durable: bool) -> list[str]:
    own = (f"unix_socket_directories={home}", *_SETTINGS, *(() if durable else _NOT_DURABLE))
    return [word for setting in own for word in ("-c", setting)]


def _environment() -> dict[str, str | None]:
    """No locale or PG* variable of the user's reaches the server or its tools."""
    return {"LC_ALL": "C"} | {name: None for name in os.environ if name.startswith("PG")}


def _make_cluster(directory: Path, home: Path, user: pwd.struct_passwd | None) -> None:
    """Made under another name first: a cluster that was cut short is never started."""
    draft = home / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    _tool(
        [directory / "initdb", "-D", draft, "-U", SUPERUSER, "--auth=trust", *_LOCALE, "--no-instructions"],
        user,
    )
    draft.rename(home / "data")


def _end_orphan(runtime: Path, directory: Path, user: pwd.struct_passwd | None) -> None:
    """End a server whose supervisor and watchdog were both killed: we hold the lock, so it is nobody's."""
    if _answers(runtime):
        _tool([directory / "pg_ctl", "-D", _home(runtime) / "data", "-m", "fast", "-w", "stop"], user)


def _tool(argv: list[str | Path], user: pwd.struct_passwd | None) -> None:
    subprocess.run(
        argv,
        check=True,
        stdout=subprocess.DEVNULL,
        env={name: value for name, value in (os.environ | _environment()).items() if value is not None},
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def _answers(runtime: Path) -> bool:
    try:
        psycopg.connect(url(runtime, SUPERUSER, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_database(runtime: Path) -> None:
    """Our database and roles, as `roles.sql` says; done at each start, so that a change arrives."""
    roles = _ROLES.read_bytes()
    # In template1 too: a test's database then has the same default privileges.
    with psycopg.connect(url(runtime, SUPERUSER, "template1"), autocommit=True) as connection:
        connection.execute(roles)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute("CREATE DATABASE xubao")
    with psycopg.connect(url(runtime, SUPERUSER), autocommit=True) as connection:
        connection.execute(roles)
