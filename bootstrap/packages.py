"""The Python packages: an environment in `.venv`, filled from requirements.lock by hash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bootstrap import pythons
from bootstrap.places import PYTHON, ROOT, TOOLS, VENV, Trouble, say
from bootstrap.stamps import Stamp

LOCK = ROOT / "requirements.lock"
_UV_LOCK = ROOT / "requirements-uv.lock"
_NO_PYTHON = (
    "Xubao needs Python 3.12, 3.13 or 3.14; none was found here, and none could be downloaded. "
    f"Install one, or set {pythons.SETTING}=/path/to/python, and run this again."
)


def installed() -> bool:
    """Whether `.venv` holds what requirements.lock names."""
    return PYTHON.exists() and Stamp(VENV, LOCK).fits()


def install() -> None:
    """Make `.venv` and fill it; raises `Trouble` where no Python or no package can be had."""
    if not pythons.probe(str(PYTHON)):
        _make_environment()
    say(f"Installing {LOCK.read_text().count('==')} packages by hash")
    install_lock(LOCK)
    Stamp(VENV, LOCK).set()


def install_lock(lock: Path, target: Path | None = None) -> None:
    """Install a lock file by hash into `.venv`, or into the directory `target`."""
    words = ["-q", "--require-hashes", "-r", str(lock), *(["--target", str(target)] if target else [])]
    uv = _uv()
    command = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip", "install"]
    if subprocess.run(command + words).returncode:
        raise Trouble(f"The packages of {lock.name} could not be installed; the lines above say why.")


def _make_environment() -> None:
    python = pythons.find_python()
    if python is None:
        _download_python()
        return
    say(f"Python {python.version}: {python.path}")
    uv = _uv_of_the_system()
    if not python.makes_environments and not uv:
        raise Trouble(
            f"{python.path} cannot make a virtual environment. "
            f"Install python{python.version}-venv (as root: apt-get install python{python.version}-venv), "
            "or uv, and run this again."
        )
    _replace_environment([uv, "venv", "-q", "--python"] if uv else [], python.path)


def _replace_environment(with_uv: list[str], python: str) -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    command = [*with_uv, python, str(VENV)] if with_uv else [python, "-m", "venv", str(VENV)]
    if subprocess.run(command).returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Trouble(f"No virtual environment could be made with {python}; the lines above say why.")


def _download_python() -> None:
    """uv can bring a Python of its own; uv itself comes with any Python's pip."""
    say("No Python 3.12 to 3.14 here; asking uv to download one")
    uv = _uv_of_the_system() or _uv_from(TOOLS / "uv")
    if uv is None:
        raise Trouble(_NO_PYTHON)
    shutil.rmtree(VENV, ignore_errors=True)
    command = [uv, "venv", "-q", "--python-preference", "only-managed", "--python", pythons.WANTED, str(VENV)]
    if subprocess.run(command).returncode:
        raise Trouble(_NO_PYTHON)


def _uv() -> str | None:
    """The system's uv, else our own; None: pip has to do."""
    own = TOOLS / "uv" if (TOOLS / "uv").exists() else VENV
    return _uv_of_the_system() or _uv_from(own)


def _uv_of_the_system() -> str | None:
    found = shutil.which("uv")
    return found if found and _runs([found, "--version"]) else None


def _uv_from(environment: Path) -> str | None:
    """The uv of an environment, put there by its pip where it is missing; None where pip cannot."""
    uv = environment / "bin" / "uv"
    python = str(environment / "bin" / "python")
    if not uv.exists():
        if not Path(python).exists() and not _runs([sys.executable, "-m", "venv", str(environment)]):
            return None
        _runs([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(_UV_LOCK)])
    return str(uv) if uv.exists() else None


def _runs(command: list[str]) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, stdout=quiet, stderr=quiet).returncode == 0
