"""Whoever started the driver, as the flow sees it: somebody to tell, and to ask."""

from __future__ import annotations

from typing import Protocol

from portal_driver.contract import Arm, Armed, Event, NeedPin, NoPin, NotArmed, Pin


class Starter(Protocol):
    """Told of everything that happens; asked for the PIN and before each irreversible click.

    Asking raises `StarterGone` when nobody is there to answer any more.
    """

    def tell(self, event: Event) -> None:
        """Pass an event on; it is out when this returns."""

    async def need_pin(self, question: NeedPin) -> Pin | NoPin:
        """The PIN of the card that was just read, if there is one."""

    async def arm(self, question: Arm) -> Armed | NotArmed:
        """Whether this click may be pressed now."""
