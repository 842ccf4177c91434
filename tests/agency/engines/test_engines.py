"""The real engines: made, reached by each role, ended without a trace, found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest
import redis
from kombu import Connection

from agency import engines
from agency.engines.runtime import CHECKOUT
from tests.agency.engines import worlds


@pytest.fixture(scope="module")
def own_runtime() -> Iterator[Path]:
    """Engines of this file, apart from those that the other tests use."""
    with worlds.place() as place, engines.Supervisor(place / "own", durable=False) as supervisor:
        engines.start(supervisor)
        yield place / "own"


@pytest.fixture
def runtime() -> Iterator[Path]:
    with worlds.place() as place:
        yield place / "runtime"
        worlds.assert_nothing_is_left(place / "runtime")


@pytest.mark.parametrize("role", ["app", "owner", "sweep"])
def test_no_role_is_superuser_or_may_pass_row_level_security(own_runtime: Path, role: str) -> None:
    with psycopg.connect(getattr(engines.urls(own_runtime), role)) as connection:
        assert connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (f"xubao_{role}", False, False, False)


def test_only_the_owner_owns_the_database_and_its_schema(own_runtime: Path) -> None:
    with psycopg.connect(engines.urls(own_runtime).owner) as connection:
        assert connection.execute(
            "SELECT pg_get_userbyid(datdba), (SELECT pg_get_userbyid(nspowner) FROM pg_namespace "
            "WHERE nspname = 'public') FROM pg_database WHERE datname = current_database()"
        ).fetchone() == ("xubao_owner", "xubao_owner")


def test_the_app_reads_and_writes_what_the_owner_makes_and_makes_nothing(own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    with psycopg.connect(urls.owner) as owner:
        owner.execute("CREATE TABLE letter (id serial PRIMARY KEY, words text)")
    with psycopg.connect(urls.app, autocommit=True) as app:
        app.execute("INSERT INTO letter (words) VALUES ('委托书')")
        assert app.execute("SELECT id, words FROM letter").fetchall() == [(1, "委托书")]
        for forbidden in (
            "TRUNCATE letter",
            "DROP TABLE letter",
            "CREATE TABLE mine ()",
            "CREATE TEMP TABLE t ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)


def test_the_sweep_sees_nothing_that_it_was_not_granted(own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    with psycopg.connect(urls.owner) as owner:
        owner.execute("CREATE TABLE secret ()")
    with psycopg.connect(urls.sweep) as sweep, pytest.raises(psycopg.errors.InsufficientPrivilege):
        sweep.execute("SELECT FROM secret")


def test_the_owners_functions_are_not_open_to_everybody(own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    with psycopg.connect(urls.owner) as owner:
        owner.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1")
    with psycopg.connect(urls.app) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SELECT one()")


@pytest.mark.parametrize(("role", "limit"), [("app", "30s"), ("sweep", "30s"), ("owner", "0")])
def test_a_transaction_that_is_left_open_ends_itself(own_runtime: Path, role: str, limit: str) -> None:
    with psycopg.connect(getattr(engines.urls(own_runtime), role)) as connection:
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == (limit,)


def test_a_new_database_of_the_owners_has_the_same_privileges(own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute("CREATE DATABASE another")
    with psycopg.connect(urls.owner.replace("/xubao?", "/another?")) as owner:
        owner.execute("CREATE TABLE letter ()")
    with psycopg.connect(urls.app.replace("/xubao?", "/another?")) as app:
        assert app.execute("SELECT count(*) FROM letter").fetchone() == (0,)


def test_text_is_sorted_and_time_is_told_the_same_on_every_machine(own_runtime: Path) -> None:
    with psycopg.connect(engines.urls(own_runtime).app) as app:
        assert app.execute(
            "SELECT datlocprovider, datlocale, current_setting('TimeZone') "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone() == ("b", "C.UTF-8", "UTC")


def test_the_addresses_are_those_that_django_and_celery_read(own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    config = environ.Env.db_url_config(urls.app)
    with psycopg.connect(
        dbname=config["NAME"], user=config["USER"], port=config["PORT"], **config["OPTIONS"]
    ) as app:
        assert app.execute("SELECT current_user").fetchone() == ("xubao_app",)
    with Connection(urls.redis) as broker, broker.SimpleQueue("doorbell") as queue:
        queue.put("ring")
        assert queue.get(timeout=5).payload == "ring"
    with redis.Redis.from_url(urls.cache) as cache:
        assert cache.dbsize() == 0


def test_the_broker_refuses_work_rather_than_forget_it(own_runtime: Path) -> None:
    with redis.Redis.from_url(engines.urls(own_runtime).cache) as server:
        assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_nobody_else_can_enter_where_the_engines_listen(own_runtime: Path) -> None:
    assert [(own_runtime / name).stat().st_mode & 0o777 for name in ("pg", "valkey")] == [0o700, 0o700]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_rows_outlive_their_engines_and_the_engines_never_outlive_their_parent(
    runtime: Path, signum: signal.Signals
) -> None:
    with worlds.running(worlds.ENGINES, runtime) as first:
        with psycopg.connect(engines.urls(runtime).owner) as owner:
            owner.execute("CREATE TABLE letter AS SELECT '委托书' AS words")
        with redis.Redis.from_url(engines.urls(runtime).cache) as cache:
            cache.set("rung", "yes")
        first.send_signal(signum)
        worlds.ended(first)
        assert worlds.eventually(lambda: worlds.processes_of(runtime) == [])
        assert [path.name for path in runtime.glob("*/*.sock*") if path.is_socket()] == []
    with worlds.running(worlds.ENGINES, runtime):
        with psycopg.connect(engines.urls(runtime).app) as app:
            assert app.execute("SELECT words FROM letter").fetchall() == [("委托书",)]
        with redis.Redis.from_url(engines.urls(runtime).cache) as cache:
            assert cache.get("rung") == b"yes"


def test_orphans_of_a_parent_and_a_watchdog_that_were_both_killed_are_replaced(runtime: Path) -> None:
    with worlds.running(worlds.ENGINES, runtime) as first:
        before = set(worlds.processes_of(runtime))
        watchdog = worlds.watchdog_of(runtime)
        os.kill(watchdog, signal.SIGSTOP)
        first.kill()
        os.kill(watchdog, signal.SIGKILL)
        worlds.ended(first)
        assert worlds.processes_of(runtime) != []
    with worlds.running(worlds.ENGINES, runtime):
        assert before & set(worlds.processes_of(runtime)) == set()


def test_a_command_runs_with_the_engines_up_and_its_status_is_ours(runtime: Path) -> None:
    command = "from agency import engines; import sys; sys.exit(7 if engines.answer() else 1)"
    assert _with_engines(command, runtime) == 7
    assert worlds.processes_of(runtime) == []


def test_a_command_beside_a_running_demo_uses_its_engines_and_leaves_them(runtime: Path) -> None:
    command = "from agency import engines; import sys; sys.exit(7 if engines.answer() else 1)"
    with worlds.running(worlds.ENGINES, runtime) as demo:
        assert _with_engines(command, runtime) == 7
        assert demo.poll() is None


def test_a_database_of_the_users_own_is_used_instead(runtime: Path, own_runtime: Path) -> None:
    urls = engines.urls(own_runtime)
    command = "from agency import engines; import sys; sys.exit(7 if not engines.answer() else 1)"
    assert _with_engines(command, runtime, DATABASE_URL=urls.app, REDIS_URL=urls.redis) == 7
    assert not (runtime / "pg").exists()


def _with_engines(code: str, runtime: Path, **settings: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "agency.engines", sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "XUBAO_RUNTIME": str(runtime), **settings},
        timeout=60,
    ).returncode


def test_without_django_the_engines_still_import() -> None:
    code = "import sys, agency.engines; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT).returncode == 0
