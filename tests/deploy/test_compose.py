"""docker-compose.yml against the code: no command, path, port, variable or privilege that is not right.

No Docker engine runs here. These tests hold the file's structure and every word in it that names
something of ours; tests/deploy/test_services.py runs its commands. What only an engine can tell
(that images build, that the official images start as these users) they cannot.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings
from django.core.management import get_commands

from agency.tasks import tend_invitations
from companies.tasks import erase_due, tend_asks, tend_imports
from renewals import tasks
from renewals.models import Desk
from tests.deploy import compose
from tests.deploy.compose import ROOT, words

COMPOSE = compose.read()
SERVICES = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if service["image"] in {"xubao-app", "xubao-desk"}}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
KEYS = {
    *("image", "build", "user", "entrypoint", "command", "environment", "secrets", "volumes", "networks"),
    *("ports", "profiles", "deploy", "depends_on", "healthcheck", "restart", "stop_grace_period", "init"),
    *("read_only", "tmpfs", "shm_size", "cap_drop", "cap_add", "security_opt", "logging", "extra_hosts"),
}


def settings_variables() -> set[str]:
    """The names of the variables that agency/settings.py reads: the first word of each reader's call."""
    source = ast.parse((ROOT / "agency" / "settings.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call) and node.args]
    readers = [call for call in calls if ast.unparse(call.func).startswith(("environment.", "_database"))]
    return {str(call.args[0].value) for call in readers if isinstance(call.args[0], ast.Constant)}


def option(name: str, service: str) -> str:
    """The value of an option in a service's command."""
    command = words(SERVICES[service]["command"])
    return command[command.index(name) + 1]


# --- The file itself --------------------------------------------------------------------------


def test_the_services_are_the_production_shape():
    assert sorted(SERVICES) == [
        *("beat", "desk", "desk-watch", "migrate", "postgres", "proxy", "rehearsals"),
        *("roles", "simulator", "valkey", "web", "worker"),
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_uses_only_keys_that_these_tests_know(name: str):
    assert set(SERVICES[name]) - KEYS == set()


@pytest.mark.parametrize("kind", ["networks", "secrets", "volumes"])
def test_what_is_declared_is_what_is_used(kind: str):
    used = {
        entry.split(":")[0]
        for service in SERVICES.values()
        for entry in service.get(kind, [])
        if not entry.startswith("./")
    }
    assert used == set(COMPOSE[kind])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_what_can_come_true(name: str):
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert (wait["condition"], SERVICES[other]["restart"]) == ("service_completed_successfully", "no")


def test_what_runs_for_long_is_started_again_and_looked_after():
    one_shot = {name for name, service in SERVICES.items() if service["restart"] == "no"}
    assert one_shot == {"migrate", "roles"}
    # None serves anybody. The sweep finds what a dead one left undone.
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} - one_shot == {
        "beat",
        "desk-watch",
        "rehearsals",
    }


def test_without_the_sites_name_nothing_starts():
    with pytest.raises(KeyError, match="SITE_HOST"):
        compose.read({})


# --- Privileges -------------------------------------------------------------------------------


def test_each_service_gets_the_secrets_that_its_work_needs_and_no_other():
    assert {name: set(service.get("secrets", [])) for name, service in SERVICES.items()} == {
        "proxy": set(),
        "web": {
            "secret_key",
            "vault_key",
            "vault_old_keys",
            "app_password",
            "valkey_password",
            "email_password",
        },
        "worker": {"app_password", "sweep_password", "valkey_password", "email_password"},
        "desk": {"vault_key", "vault_old_keys", "app_password", "valkey_password"},
        "desk-watch": {"app_password", "sweep_password", "valkey_password"},
        "rehearsals": {"vault_key", "vault_old_keys", "app_password", "sweep_password", "valkey_password"},
        "beat": {"valkey_password"},
        "migrate": {"owner_password"},
        "roles": {"postgres_password", "owner_password", "app_password", "sweep_password"},
        "postgres": {"postgres_password"},
        "valkey": {"valkey_password"},
        "simulator": set(),
    }


def test_each_service_reaches_the_networks_that_its_work_needs_and_no_other():
    assert {name: set(service["networks"]) for name, service in SERVICES.items()} == {
        "proxy": {"front"},
        "web": {"front", "data"},
        "worker": {"data", "outside"},
        "desk": {"data", "outside"},
        "desk-watch": {"data", "outside"},
        "rehearsals": {"data"},  # so that no rehearsal reaches the portal, whatever else is wrong
        "beat": {"data"},
        "migrate": {"data"},
        "roles": {"data"},
        "postgres": {"data"},
        "valkey": {"data"},
        "simulator": {"outside"},
    }
    assert COMPOSE["networks"]["data"] == {"internal": True}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_change_nothing_and_gain_nothing(name: str):
    service = SERVICES[name]
    assert (service["read_only"], service["init"]) == (True, True)
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])


def test_only_the_proxy_is_seen_from_outside():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}


def test_nobody_but_the_proxy_runs_as_root():
    users = {name: service.get("user") for name, service in SERVICES.items() if name not in OURS}
    assert users == {"proxy": None, "roles": "postgres", "postgres": "postgres", "valkey": "valkey"}
    assert re.findall(r"^(?:FROM .* AS (\w+)|USER (\w+))$", DOCKERFILE, re.MULTILINE) == [
        *[("packages", ""), ("front", ""), ("app", ""), ("", "xubao")],
        *[("desk", ""), ("", "root"), ("", "xubao")],
    ]


def test_images_are_named_without_a_registry():
    named = {service["image"] for name, service in SERVICES.items()}
    based_on = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert named == {"caddy:2", "postgres:18", "valkey/valkey:9", "xubao-app", "xubao-desk"}
    assert based_on == {"python:3.13-slim", "node:24-slim", "app"}


def test_no_secret_stands_in_the_file_but_the_two_that_open_nothing():
    given = {
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if name.endswith(("KEY", "PASSWORD"))
    }
    assert given == {"this-service-signs-no-session-at-all", "this-service-never-opens-the-vault"}
    assert "VAULT_KEY" not in SERVICES["web"]["environment"]
    assert "VAULT_KEY" not in SERVICES["desk"]["environment"]


# --- Variables --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_are_given_only_variables_that_the_settings_read(name: str):
    known = settings_variables() | {"SECRET_KEY_FILE", "VAULT_KEY_FILE", "VAULT_OLD_KEYS_FILE"}
    assert set(SERVICES[name].get("environment", {})) - known == set()


def test_the_image_sets_only_variables_that_somebody_reads():
    in_image = set(re.findall(r"^(?:ENV |    )([A-Z_]+)=", DOCKERFILE, re.MULTILINE))
    readers = settings_variables() | {"XUBAO_RUNTIME"}
    pythons = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert in_image - readers == pythons


def test_secret_files_are_read_from_where_docker_puts_them():
    paths = {
        (name, value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if name.endswith("_FILE")
    }
    assert paths == {
        ("SECRET_KEY_FILE", "/run/secrets/secret_key"),
        ("VAULT_KEY_FILE", "/run/secrets/vault_key"),
        ("VAULT_OLD_KEYS_FILE", "/run/secrets/vault_old_keys"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/postgres_password"),
    }


def test_the_example_explains_each_variable_once_and_no_other():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    explained = re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE)
    assert sorted(explained) == sorted(settings_variables() | compose.variables())


def test_the_example_shows_the_values_that_stand_where_nothing_is_written():
    example = dict(
        re.findall(
            r"^#?([A-Z][A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    in_compose = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", compose.text()))
    # A local installation works on the simulator, and mails into files.
    differing = {"XUBAO_SIMULATION", "EMAIL_HOST", "DEFAULT_FROM_EMAIL"}
    assert {name for name, value in in_compose.items() if example[name] != value} == differing


# --- Commands, paths and ports ----------------------------------------------------------------


def test_every_path_of_the_build_and_the_mounts_is_in_the_checkout():
    mounted = {
        entry.split(":")[0]
        for service in SERVICES.values()
        for entry in service.get("volumes", [])
        if entry.startswith("./")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for source in line.split()
    }
    run = {"manage.py", "deploy/healthy.py", "deploy/entrypoint.sh", "bootstrap/translations.py"}
    assert {path for path in mounted | copied | run if not (ROOT / path).exists()} == set()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {path for path in copied | run if path.split("/")[0] in ignored} == set()


def test_what_must_never_be_in_an_image_is_left_out_of_the_build():
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert {".env", "var", ".git", ".venv"} - ignored == set()
    assert {path["file"].split("/")[1] for path in COMPOSE["secrets"].values()} == {"var"}


def test_scripts_can_be_run():
    scripts = sorted((ROOT / "deploy").glob("*.sh"))
    assert [script.name for script in scripts] == [
        "entrypoint.sh",
        "make-secrets.sh",
        "roles.sh",
        "valkey.sh",
    ]
    assert [script.name for script in scripts if not script.stat().st_mode & 0o111] == []


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_command_is_a_program_of_ours(name: str):
    program, *rest = words(SERVICES[name]["command"])
    match [program, *rest]:
        case ["python", "manage.py", command, *_]:
            assert command in get_commands()
        case ["python", "-m", module, *_]:
            assert import_module(f"{module}.__main__").main.__doc__
        case ["celery", "-A", app, ("worker" | "beat"), *_]:
            assert isinstance(import_module(f"{app}.celery").app, Celery)
        case ["uvicorn", application, *_]:
            assert application.replace(":", ".") == settings.ASGI_APPLICATION
        case unknown:
            pytest.fail(f"no test knows {unknown}")


def test_every_queue_has_a_worker():
    assert option("-Q", "worker") == settings.CELERY_TASK_DEFAULT_QUEUE
    assert option("-Q", "desk") == Desk(code="d1").queue
    assert words(SERVICES["desk-watch"]["command"])[-1] == "d1"


def test_a_desk_has_one_sitting_at_a_time_in_a_pool_that_needs_no_fork():
    assert (option("-c", "desk"), option("-P", "desk")) == ("1", "threads")


def test_what_beat_rings_for_is_a_task_of_ours():
    rung_for = {str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert rung_for == {
        task.name
        for task in (tasks.sweep, tasks.compare_stages, erase_due, tend_asks, tend_imports, tend_invitations)
    }


def test_proxy_web_and_health_check_agree_on_the_port():
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert re.findall(r"dynamic a (\w+) (\d+)", caddyfile) == [("web", option("--port", "web"))]
    health = import_module("deploy.healthy").main
    assert health.__defaults__ == (int(option("--port", "web")),)
    assert re.findall(r"\{\$(\w+)\}", caddyfile) == list(SERVICES["proxy"]["environment"])


def test_what_the_workers_write_the_web_can_read():
    kept_in = re.findall(r"FILES_DIR=(\S+)", DOCKERFILE)
    assert kept_in == ["/files"]
    writers = {name for name, service in SERVICES.items() if "files:/files" in service.get("volumes", [])}
    assert writers == {"web", "desk", "worker", "rehearsals"}  # the worker removes those of erased companies


def test_the_desks_image_has_the_browser_that_it_names():
    (browser,) = re.findall(r"PLAYWRIGHT_CHROMIUM=(\S+)", DOCKERFILE)
    assert Path(browser).name in re.findall(r"install .*? ([\w-]*headless-shell) ", DOCKERFILE)


def test_a_stage_of_the_image_is_built_for_each_target():
    targets = {SERVICES[name]["build"]["target"] for name in OURS}
    assert targets == {"app", "desk"}
    assert {
        name: SERVICES[name]["image"] for name in OURS if SERVICES[name]["build"]["target"] == "desk"
    } == {"desk": "xubao-desk", "rehearsals": "xubao-desk"}
