"""Where things are in the checkout, and how the set-up speaks."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / ".tools"
VAR = ROOT / "var"


class Trouble(Exception):
    """The set-up cannot go on; the message says in plain words what is missing and what to do."""


def say(message: str) -> None:
    """One line to the person who waits."""
    print(f"==> {message}", flush=True)
