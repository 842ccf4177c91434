"""The model portal: the simulator's world and card controls without pages, for runs without a browser.

It counts on its own side, so that no crash of ours can hide what we did: every request that is
irreversible, every one that came after its deed had been done, and every PIN that a card was given.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from websockets.asyncio.server import serve

from portal_driver.simulator.cards import CardLocked, NoCard, PinRefused
from portal_driver.simulator.companies import Company
from portal_driver.simulator.control import Control
from portal_driver.simulator.policy_pdf import policy_file
from portal_driver.simulator.settings import Settings, beijing_now
from portal_driver.simulator.world import Account, Confirmation, Deed, Refused, Step, World


@dataclass
class Trouble:
    """What goes wrong the next `times` times, at one deed or (empty) wherever it fits.

    `answer_lost`: done, and nobody is told. `not_done`: the connection breaks before anything is done.
    `late`: done only once time has passed, and nobody is told. `refused_pin`, `pin_unclear`: at the
    sign-in. `down`: nothing answers. `list_lags`: the lists are incomplete. `broken_file`: half a policy.
    """

    kind: str
    deed: str = ""
    times: int = 1


class ModelPortal:
    """A portal for as long as `with` lasts; its methods may be called from any thread."""

    def __init__(self, companies: Sequence[Company], *, year: int, desks: int) -> None:
        self.world = World(
            companies, Settings(year=year, desks=desks, approve_after_s=None, pin_tries=9), beijing_now
        )
        self.troubles: list[Trouble] = []
        self.repeats = Counter[tuple[str, str]]()
        self.verifies = Counter[str]()
        self.reads = Counter[str]()
        self.deaths = 0
        self.controls: tuple[str, ...] = ()
        self._late: list[tuple[str, Deed]] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._is_up = threading.Event()

    # --- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            addresses = []
            for desk in range(1, len(self.world.readers) + 1):
                control = Control(self.world, desk)
                served = await stack.enter_async_context(
                    serve(control.converse, "127.0.0.1", 0, process_request=control.admit)
                )
                addresses.append(f"ws://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}")
            self.controls = tuple(addresses)
            server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=2**20)
            self.address = f"model://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._is_up.set()
            await self._stopping.wait()
            server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One driver's connection. A `ConnectionError` from within is what the network does to it."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    # --- what a test does to it ----------------------------------------------------------------

    def do[T](self, act: Callable[[], T]) -> T:
        """Act where all requests run, so that it never meets one half way."""

        async def in_loop() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(in_loop(), self._loop).result()

    def insert(self, desk: int, card: str) -> None:
        """Put a card into a desk's reader."""
        self.do(lambda: self.world.insert(desk, card))

    def remove(self, desk: int) -> None:
        """Take the card out."""
        self.do(lambda: self.world.remove(desk))

    def approve(self, uscc: str) -> None:
        """The insurer's yes, where an application is in review."""
        with contextlib.suppress(Refused):
            self.do(lambda: self.world.account(uscc).approve(self.world.clock()))

    def let_time_pass(self) -> None:
        """What was to be done late is done now."""
        self.do(self._do_what_is_late)

    def trouble(self, trouble: Trouble, uscc: str) -> None:
        """Let this go wrong once; here for whoever comes first."""
        # A fault that is tried again is as good as new.
        self.troubles.append(replace(trouble))

    def end_troubles(self) -> list[Trouble]:
        """Nothing more goes wrong; what did."""
        struck = [one for one in self.troubles if one.times == 0]
        self.troubles.clear()
        return struck

    def plan_address(self, told: str) -> str:
        """Where a plan sends the model driver, with what it is told to do to itself."""
        return f"{self.address}/?{told}"

    def _do_what_is_late(self) -> None:
        for uscc, deed in self._late:
            self._deed(self.world.account(uscc), deed)
        self._late.clear()

    # --- what a driver asks ---------------------------------------------------------------------

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._strikes("down"):
            raise ConnectionError
        try:
            answer: dict[str, Any] = getattr(self, f"_on_{asked.pop('do')}")(**asked)
        except Refused as refused:
            return {"refused": str(refused)}
        return answer

    def _on_card(self, control: str) -> dict[str, Any]:
        try:
            card = self._reader(control).card
        except NoCard:
            return {"absent": True}
        return {
            "number": card.number,
            "certificate": card.company.card.certificate,
            "holder": card.company.card.holder,
            "company": card.company.name,
            "valid_until": card.company.card.valid_until.isoformat(),
        }

    def _on_sign_in(self, control: str, pin: str) -> dict[str, Any]:
        card = self._reader(control).card
        self.verifies[card.number] += 1
        try:
            if self._strikes("refused_pin"):
                card.spend_try()
            card.verify_pin(pin)
        except PinRefused:
            return {"problem": "pin_refused"}
        except CardLocked:
            return {"problem": "card_locked"}
        if self._strikes("pin_unclear"):
            raise ConnectionError
        return {"company": card.company.portal_name, "uscc": card.company.portal_uscc}

    def _on_note_death(self) -> dict[str, Any]:
        """A driver is about to die, or to stand still, as it was told to."""
        self.deaths += 1
        return {}

    def _on_read(self, uscc: str) -> dict[str, Any]:
        account = self.world.account(uscc)
        self.reads[uscc] += 1
        if self._strikes("list_lags"):
            return {"complete": False, "application": None, "policy": None, "step": None}
        application, policy = account.application, account.policy
        return {
            "complete": True,
            "application": application and {"number": application.number, "state": application.state},
            "reason": application.reason if application else "",
            "policy": policy
            and {
                "number": policy.number,
                "from": policy.valid_from.isoformat(),
                "to": policy.valid_to.isoformat(),
                "received": policy.received_at is not None,
            },
            "step": None if account.step in (Step.NOTHING, Step.SUBMITTED) else str(account.step),
        }

    def _on_deed(self, uscc: str, deed: str) -> dict[str, Any]:
        account, wanted = self.world.account(uscc), Deed(deed)
        tally = account.tallies[wanted]
        tally.received += 1
        if tally.took_effect or (uscc, wanted) in self._late:
            self.repeats[uscc, deed] += 1
        if self._strikes("not_done", deed):
            raise ConnectionError
        if self._strikes("late", deed):
            self._late.append((uscc, wanted))
            raise ConnectionError
        self._deed(account, wanted)
        if self._strikes("answer_lost", deed):
            raise ConnectionError
        return {}

    def _deed(self, account: Account, deed: Deed) -> None:
        now = self.world.clock()
        if deed is Deed.CONFIRM:
            account.confirm(
                Confirmation("王志强", "13800138000", "a@example.com", has_agreed=True, has_read=True), now
            )
        elif deed is Deed.SEAL:
            account.make_seal()
        elif deed is Deed.SIGN:
            account.sign(has_agreed=True)
        elif deed is Deed.AUTHORIZE:
            account.authorize(has_agreed=True)
        elif account.policy is not None:
            account.acknowledge(account.policy.number, now)

    def _on_finish(self, uscc: str) -> dict[str, Any]:
        self.world.account(uscc).finish(self.world.clock())
        return {}

    def _on_file(self, uscc: str) -> dict[str, Any]:
        account = self.world.account(uscc)
        assert account.policy is not None
        account.policy.viewed_at = self.world.clock()
        content = policy_file(account.policy, account.company)
        if self._strikes("broken_file"):
            content = content[: len(content) // 2]
        return {"content": base64.b64encode(content).decode()}

    def _reader(self, control: str) -> Any:
        return self.world.reader(self.controls.index(control) + 1)

    def _strikes(self, kind: str, deed: str = "") -> bool:
        for trouble in self.troubles:
            if trouble.kind == kind and trouble.times > 0 and trouble.deed in ("", deed):
                trouble.times -= 1
                return True
        return False
