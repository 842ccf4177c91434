"""The scripts of deploy/: secrets, addresses, roles and the broker; on the engines of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from agency import engines
from agency.engines import programs
from tests.deploy import compose
from tests.deploy.compose import ROOT

DEPLOY = ROOT / "deploy"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A directory of secrets, each password its own name."""
    directory = tmp_path / "secrets"
    directory.mkdir()
    for name in compose.read()["secrets"]:
        (directory / name).write_text(f"{name}-0f")
    return directory


def addresses(secrets: Path) -> dict[str, str]:
    """What the entry point makes of these secrets."""
    shown = subprocess.run(
        [DEPLOY / "entrypoint.sh", "env"],
        env={"PATH": os.environ["PATH"], "SECRETS_DIR": str(secrets)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = dict(line.split("=", 1) for line in shown.splitlines())
    return {name: value for name, value in pairs.items() if name not in {"PATH", "SECRETS_DIR", "PWD", "_"}}


def test_each_password_becomes_the_address_that_the_settings_read(secrets: Path):
    assert addresses(secrets) == {
        "DATABASE_URL": "postgres://xubao_app:app_password-0f@postgres:5432/xubao",
        "DATABASE_OWNER_URL": "postgres://xubao_owner:owner_password-0f@postgres:5432/xubao",
        "DATABASE_SWEEP_URL": "postgres://xubao_sweep:sweep_password-0f@postgres:5432/xubao",
        "REDIS_URL": "redis://:valkey_password-0f@valkey:6379/0",
        "EMAIL_PASSWORD": "email_password-0f",
    }


def test_a_service_without_a_password_has_no_address(tmp_path: Path):
    (tmp_path / "valkey_password").write_text("0f")
    assert addresses(tmp_path) == {"REDIS_URL": "redis://:0f@valkey:6379/0"}


def test_addresses_name_services_of_the_compose_file(secrets: Path):
    hosts = {value.split("@")[1].split(":")[0] for value in addresses(secrets).values() if "@" in value}
    assert hosts - set(compose.read()["services"]) == set()


def test_the_entry_point_becomes_the_command_and_hands_on_its_status(tmp_path: Path):
    command: list[str | Path] = [
        DEPLOY / "entrypoint.sh",
        sys.executable,
        "-c",
        "import os, sys; sys.exit(os.getppid() % 251)",
    ]
    environment = {"PATH": os.environ["PATH"], "SECRETS_DIR": str(tmp_path)}
    assert subprocess.run(command, env=environment).returncode == os.getpid() % 251


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing in it but the script that makes secrets."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path / "deploy")
    return tmp_path


def made(checkout: Path) -> dict[str, str]:
    """The secrets after one more run of the script."""
    subprocess.run([checkout / "deploy" / "make-secrets.sh"], check=True, stdout=subprocess.DEVNULL)
    return {file.name: file.read_text() for file in (checkout / "var" / "secrets").iterdir()}


def test_secrets_are_made_for_each_that_the_compose_file_names(checkout: Path):
    files = {entry["file"] for entry in compose.read()["secrets"].values()}
    assert {f"./var/secrets/{name}" for name in made(checkout)} == files


def test_secrets_are_long_all_different_and_fit_into_an_address(checkout: Path):
    secrets = made(checkout)
    assert (secrets.pop("email_password"), secrets.pop("vault_old_keys")) == ("", "")
    assert {len(secret) for secret in secrets.values()} == {64}
    assert len(set(secrets.values())) == 7
    assert set("".join(secrets.values())) == set("0123456789abcdef")


def test_a_second_run_changes_no_secret(checkout: Path):
    first = made(checkout)
    (checkout / "var" / "secrets" / "email_password").write_text("the operator's")
    assert made(checkout) == first | {"email_password": "the operator's"}


def test_nobody_else_on_the_machine_reads_the_secrets(checkout: Path):
    made(checkout)
    assert (checkout / "var" / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("django_db_setup")
def test_the_roles_get_their_passwords_again_and_again(secrets: Path):
    server = conninfo_to_dict(engines.urls().superuser)
    environment = os.environ | {
        "PATH": f"{programs.postgres_programs(engines.runtime_dir())}:{os.environ['PATH']}",
        "SECRETS_DIR": str(secrets),
        "ROLES_SQL": str(ROOT / "agency" / "engines" / "roles.sql"),
        "PGHOST": str(server["host"]),
        "PGUSER": str(server["user"]),
        "PGDATABASE": str(settings.DATABASES["default"]["NAME"]),
    }
    for _time in range(2):
        subprocess.run([DEPLOY / "roles.sh"], env=environment, check=True)
    with psycopg.connect(engines.urls().superuser) as superuser:
        kept = superuser.execute(
            "SELECT rolname, split_part(rolpassword, '$', 1), rolsuper, rolbypassrls FROM pg_authid "
            "WHERE rolname LIKE 'xubao%' ORDER BY rolname"
        ).fetchall()
    assert kept == [
        ("xubao_app", "SCRAM-SHA-256", False, False),
        ("xubao_owner", "SCRAM-SHA-256", False, False),
        ("xubao_sweep", "SCRAM-SHA-256", False, False),
    ]


@pytest.fixture
def broker(secrets: Path, tmp_path: Path) -> Iterator[redis.Redis]:
    """The broker as the script starts it, on a socket of its own."""
    socket = tmp_path / "valkey.sock"
    environment = os.environ | {
        "PATH": f"{programs.valkey_server(engines.runtime_dir()).parent}:{os.environ['PATH']}",
        "SECRETS_DIR": str(secrets),
        "TMPDIR": str(tmp_path),
    }
    command: list[str | Path] = [
        DEPLOY / "valkey.sh",
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--dir",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not socket.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    with redis.Redis(unix_socket_path=str(socket), password="valkey_password-0f") as client:
        yield client
    process.terminate()
    process.wait(10)


def test_the_broker_keeps_what_was_queued_and_throws_nothing_away(broker: redis.Redis):
    wanted = ("maxmemory-policy", "appendonly", "requirepass")
    assert {name: broker.config_get(name)[name] for name in wanted} == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "requirepass": "valkey_password-0f",
    }


def test_the_broker_answers_nobody_without_the_password(broker: redis.Redis):
    path = broker.connection_pool.connection_kwargs["path"]
    with redis.Redis(unix_socket_path=path) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
