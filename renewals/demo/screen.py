"""What the demo shows in the terminal: the five stages filling up."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from django.db.models import Count

from renewals.models import AT_REST, Renewal, Stage, StageName, StageState, State

BAR = 24
PRINT_EVERY_S = 5.0
# As the portal and its users say them.
STAGES = {
    StageName.CONFIRMATION: "确认",
    StageName.SEALING: "制章",
    StageName.SIGNING: "签约",
    StageName.AUTHORIZATION: "授权",
    StageName.RECEIPT: "收悉",
}
STATES = {
    State.WAITING: "待办理",
    State.RUNNING: "办理中",
    State.UNKNOWN: "待核实",
    State.SUBMITTED: "待审批",
    State.ATTENTION: "待人工",
    State.REFUSED: "被退回",
    State.COMPLETE: "完成",
}


class Screen:
    """Draws in place on a terminal; anywhere else prints a line when something has changed."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._drawn = 0
        self._last = ""
        self._next_print = 0.0

    def show(self) -> bool:
        """Show where everybody stands, in the current scope; True when everything has come to rest."""
        states = dict(Renewal.objects.values_list("state").annotate(Count("pk")))
        stages = Stage.objects.values_list("name", "state").annotate(n=Count("pk"))
        counts = {(name, state): n for name, state, n in stages}
        total = sum(states.values())
        if self._out.isatty():
            self._draw([*(_bar(name, counts, total) for name in STAGES), "", _states(states)])
        else:
            self._print(_line(states, counts, total))
        return all(state in AT_REST for state in states)

    def _draw(self, lines: list[str]) -> None:
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._out.write(up + "".join(f"\x1b[2K{line}\n" for line in lines))
        self._out.flush()
        self._drawn = len(lines)

    def _print(self, line: str) -> None:
        if line != self._last and time.monotonic() >= self._next_print:
            self._last, self._next_print = line, time.monotonic() + PRINT_EVERY_S
            print(line, file=self._out, flush=True)


def _settled(name: StageName, counts: dict[tuple[str, str], int]) -> int:
    return counts.get((name, StageState.DONE), 0) + counts.get((name, StageState.SKIPPED), 0)


def _bar(name: StageName, counts: dict[tuple[str, str], int], total: int) -> str:
    settled, skipped = _settled(name, counts), counts.get((name, StageState.SKIPPED), 0)
    filled = BAR * settled // total if total else 0
    note = f"（往年已办 {skipped}）" if skipped else ""
    return f"  {STAGES[name]}  {'█' * filled}{'░' * (BAR - filled)}  {settled:>3}/{total}{note}"


def _states(states: dict[str, int]) -> str:
    return "  " + " · ".join(
        f"{words} {states[state]}" for state, words in STATES.items() if states.get(state)
    )


def _line(states: dict[str, int], counts: dict[tuple[str, str], int], total: int) -> str:
    stages = " ".join(f"{words} {_settled(name, counts)}/{total}" for name, words in STAGES.items())
    return f"{stages} |{_states(states)}"
