"""The verbs of `./run`."""

from __future__ import annotations

import os
import sys

from bootstrap.places import PYTHON, ROOT, Trouble

HELP = """./run VERB

  demo      the main job from end to end, on this machine; Ctrl-C ends it (--once: ends by itself)
  test      the tests; further words go to pytest
  check     format, lint, types, imports, migrations, translations, deployment, tenancy
  faults    try to break the engine (--seed N --minutes M; --matrix; --mutants)
  simulate  the simulator of the portal alone
  drive     one company through the portal, without the rest
  portal    "portal check": which words of a profile are on the portal; presses nothing irreversible
  manage    Django's commands, with the engines up
  bench     measure: ./run bench NAME runs benchmarks/NAME.py
  sbom      what Xubao is built from, as CycloneDX, on standard output
  picture   the README's picture of the board, taken from a running demo
  screenshots  every page of a running demo, in both themes and three widths, into var/screenshots
  setup     only set this checkout up; the other verbs do so by themselves
  help      this text

Settings of the set-up: XUBAO_PYTHON (a Python 3.12 to 3.14), PLAYWRIGHT_CHROMIUM (a browser),
XUBAO_RUNTIME (where databases, logs and files are kept).
"""
# What each verb becomes; the user's further words follow.
_PROGRAMS = {
    "demo": ["manage.py", "demo"],
    "test": ["-m", "pytest", "-n", str(2 * (os.cpu_count() or 1)), "--dist", "worksteal"],
    "faults": ["-m", "tests.faults"],
    "simulate": ["-m", "portal_driver.simulator"],
    "drive": ["-m", "portal_driver", "drive"],
    "portal": ["-m", "portal_driver"],
    "picture": ["-m", "docs.picture"],
    "screenshots": ["-m", "docs.screenshots"],
    "sbom": ["-m", "bootstrap.sbom"],
    "manage": ["-m", "agency.engines", str(PYTHON), "manage.py"],
}


def main(argv: list[str]) -> int:
    """Set up what is missing and do what was asked; the exit status, where the verb does not take over."""
    verb, words = (argv[0], argv[1:]) if argv else ("help", [])
    if verb in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    if verb not in _PROGRAMS and verb not in ("setup", "check", "bench"):
        print(f'"{verb}" is not a verb of ./run.\n\n{HELP}', end="", file=sys.stderr)
        return 2
    if verb == "portal" and words[:1] != ["check"]:
        print("Write: ./run portal check (with --help for its options).", file=sys.stderr)
        return 2
    try:
        return _do(verb, words)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _do(verb: str, words: list[str]) -> int:
    if sys.platform == "win32":
        raise Trouble(
            "Xubao's engines need Unix: on Windows run this inside WSL2 (wsl --install, then a clone there)."
        )
    from bootstrap.machine import environment, set_up  # fcntl is not there on Windows

    os.chdir(str(ROOT))
    set_up()
    if verb == "setup":
        return 0
    if verb == "check":
        from bootstrap.checks import check_all

        return check_all(environment())
    if verb == "bench":
        _become(_benchmark(words), environment())
    _become(_PROGRAMS[verb] + words, environment())
    raise AssertionError("a process that became another does not return")


def _benchmark(words: list[str]) -> list[str]:
    """The program of the benchmark that was named; says which there are where none was."""
    files = (ROOT / "benchmarks").glob("[a-z]*.py")
    known = sorted(path.stem for path in files if "__main__" in path.read_text(encoding="utf-8"))
    if not words or words[0] not in known:
        raise Trouble("./run bench NAME, where NAME is one of: " + ", ".join(known))
    return ["-m", f"benchmarks.{words[0]}", *words[1:]]


def _become(words: list[str], environment: dict[str, str]) -> None:
    """This process is the program from here on, so that a signal to it meets nobody in between."""
    sys.stdout.flush()
    os.execve(str(PYTHON), [str(PYTHON), *words], environment)
