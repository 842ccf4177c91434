"""The simulator in the model portal's place: for chaos with the real driver in a real browser.

It answers to what `ModelPortal` answers to, and counts the same things on its own side.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

from portal_driver.simulator.cards import Card
from portal_driver.simulator.companies import Company
from portal_driver.simulator.faults import Fault
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from portal_driver.simulator.world import Refused, Tally
from tests.faults.portal import Trouble

READ_S = 1  # the portal has 10; nothing here is about them
LATE_S = 3.0  # so long after its answer a late deed is done
# What each trouble of the model portal is called in the simulator, and at which screen it strikes;
# without a screen it is the deed's, whose word is its screen's.
_KINDS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "answer_lost": ("answer_lost_after_deed", None, {}),
    "not_done": ("http_5xx", None, {}),
    "late": ("done_late", None, {"seconds": LATE_S}),
    "down": ("http_5xx", "company", {}),
    "list_lags": ("list_incomplete", "applications", {}),
    "refused_pin": ("wrong_pin", "login", {}),
    "pin_unclear": ("card_pulled", "login", {}),
    "broken_file": ("pdf_broken", "policy_file", {}),
}


class BrowserPortal:
    """A simulator for as long as `with` lasts; its methods may be called from any thread."""

    def __init__(self, companies: Sequence[Company], *, year: int, desks: int) -> None:
        self._simulator = Simulator(
            companies,
            Settings(year=year, desks=desks, approve_after_s=None, pin_tries=9, read_seconds=READ_S),
        )
        self.world = self._simulator._world
        self.repeats = Counter[tuple[str, str]]()
        self.verifies = Counter[str]()
        self.deaths = 0
        self._set: list[tuple[Trouble, Fault]] = []
        self._late_until = 0.0
        for uscc, account in self.world.accounts.items():
            for deed in account.tallies:
                account.tallies[deed] = _Watched(partial(self._repeated, (uscc, deed.value)))
        for card in self.world.cards.values():
            self._count_tries(card)

    def __enter__(self) -> Self:
        self._simulator.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._simulator.stop()

    @property
    def controls(self) -> tuple[str, ...]:
        """The card controls, one a desk."""
        return self._simulator.controls

    def plan_address(self, told: str) -> str:
        """Where a plan sends the driver; a real driver is told nothing else."""
        assert not told, f"the real driver cannot be told {told}"
        return self._simulator.portal

    # --- what a test does to it ------------------------------------------------------------------

    def do[T](self, act: Callable[[], T]) -> T:
        """Act where all requests run."""
        return self._simulator._do(act)

    def insert(self, desk: int, card: str) -> None:
        """Put a card into a desk's reader."""
        self._simulator.insert(desk, card)

    def remove(self, desk: int) -> None:
        """Take the card out."""
        self._simulator.remove(desk)

    def approve(self, uscc: str) -> None:
        """The insurer's yes, where an application is in review."""
        with contextlib.suppress(Refused):
            self._simulator.approve(uscc)

    def let_time_pass(self) -> None:
        """What was to be done late is done now: the one thing here that cannot be hurried."""
        time.sleep(max(0.0, self._late_until - time.monotonic()))

    def trouble(self, trouble: Trouble, uscc: str) -> None:
        """Let this go wrong for the company."""
        kind, screen, more = _KINDS[trouble.kind]
        fault = self._simulator.fault(kind, uscc, screen=screen or trouble.deed, times=trouble.times, **more)
        self._set.append((trouble, fault))

    def end_troubles(self) -> list[Trouble]:
        """Nothing more goes wrong; what did."""
        struck = [trouble for trouble, fault in self._set if fault.times == 0]
        if any(trouble.kind == "late" for trouble in struck):
            self._late_until = time.monotonic() + LATE_S
        self._set.clear()
        self._simulator.clear_faults()
        return struck

    # --- what it counts ----------------------------------------------------------------------------

    def _repeated(self, of: tuple[str, str]) -> None:
        self.repeats[of] += 1

    def _count_tries(self, card: Card) -> None:
        verify = card.verify_pin

        def counted(pin: str) -> None:
            self.verifies[card.number] += 1
            verify(pin)

        vars(card)["verify_pin"] = counted


class _Watched(Tally):
    """A tally that says when a deed was asked for after it had taken effect."""

    def __init__(self, on_repeat: Callable[[], None]) -> None:
        super().__init__()
        self._on_repeat = on_repeat

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "received" and vars(self).get("took_effect"):
            self._on_repeat()
        super().__setattr__(name, value)
