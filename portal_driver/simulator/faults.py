"""How the simulator can be told to misbehave, and for whom."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

EVERYBODY = "*"


class Screen(StrEnum):
    """The places where a fault can strike. Numbers are those of the guide's screens."""

    HOME = "home"  # 1
    LOGIN = "login"  # 2, with the card and its control
    WORKSPACE = "workspace"  # the frame with the left menu, around 3 to 14
    COMPANY = "company"  # 3
    SYSTEM = "system"  # 4
    PENDING = "pending"  # 5, 6
    RENEWAL_FORM = "renewal_form"  # 6
    SEALING = "sealing"  # 8
    SIGNING = "signing"  # 9
    AUTHORIZING = "authorizing"  # 10
    FINISHING = "finishing"  # 11
    SUBMITTED = "submitted"  # after 7 or 11
    APPLICATIONS = "applications"  # 12
    POLICIES = "policies"  # 13
    POLICY = "policy"  # 13, 14
    POLICY_FILE = "policy_file"  # 13
    # requests that do something
    CONFIRM = "confirm"  # 7
    SEAL = "seal"  # 8
    SIGN = "sign"  # 9
    AUTHORIZE = "authorize"  # 10
    FINISH = "finish"  # 11
    RECEIPT = "receipt"  # 14


class Kind(StrEnum):
    """What goes wrong."""

    SLOW = "slow"  # `seconds` before anything is done, or until the fault is cleared
    HTTP_5XX = "http_5xx"  # `status`, nothing is done
    SESSION_LOST = "session_lost"  # the login page, with status 200
    ANSWER_LOST_AFTER_DEED = "answer_lost_after_deed"  # done, and the connection closed without an answer
    NOTICE_ON_TOP = "notice_on_top"  # a layer covers the page until it is closed
    LIST_INCOMPLETE = "list_incomplete"  # this year's row is missing; the count under the list is right
    WRONG_PIN = "wrong_pin"  # the right PIN is refused and spends a try
    CARD_LOCKED = "card_locked"
    CARD_PULLED = "card_pulled"  # out of the reader at the moment the PIN is used
    CONTROL_MISSING = "control_missing"
    USCC_DIFFERS = "uscc_differs"  # `uscc` is shown instead
    NO_PENDING_POLICY = "no_pending_policy"
    APPLICATION_REFUSED = "application_refused"  # 退回 with `reason` when a decision is due
    APPROVAL_LATE = "approval_late"  # no decision by itself while this holds
    PDF_BROKEN = "pdf_broken"  # `variant`: truncated, html (an error page), other (another company's)
    LAYOUT_MOVED = "layout_moved"  # the screen's word is another one
    CONNECTION_RESET = "connection_reset"  # done, and the connection reset without an answer
    ERROR_AFTER_DEED = "error_after_deed"  # done, and answered with `status`
    DONE_LATE = "done_late"  # answered with `status` at once, done after `seconds`
    CONFIRM_DIALOG = "confirm_dialog"  # the page asks with confirm() before its deed
    UNKNOWN_PAGE = "unknown_page"  # a captcha in place of the screen; nothing is done
    POPUP = "popup"  # the page opens a window of its own accord
    LIST_OTHER_YEAR = "list_other_year"  # only last year's row, and a count that agrees with it
    NAME_DIFFERS = "name_differs"  # `name` is shown instead of the company's
    YEAR_DIFFERS = "year_differs"  # the screen speaks of last year


class BadFault(ValueError):
    """The fault cannot be set; the text says why."""


@dataclass
class Fault:
    """One kind of trouble, for one company or everybody, on one screen or all.

    `times` counts down as it strikes; None is "until cleared". `struck` are the screens where it did.
    """

    kind: Kind
    company: str = EVERYBODY
    screen: Screen | None = None
    times: int | None = None
    seconds: float = 5
    status: int = 503
    reason: str = "投保信息与海关登记不一致，请核实后重新提交"
    uscc: str = "91440300MA5DA6XK3C"
    variant: str = "truncated"
    name: str = "广州市弘达贸易有限公司"
    struck: set[Screen] = field(default_factory=set, init=False)
    over: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False, compare=False)

    def strikes(self, kind: Kind, company: str | None, screen: Screen | None) -> bool:
        """Whether this fault is meant for this moment."""
        return (
            self.kind is kind
            and self.company in (EVERYBODY, company)
            and self.screen in (None, screen)
            and self.times != 0
        )


class Faults:
    """The faults in force, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def set(self, raw: Mapping[str, Any]) -> Fault:
        """Add a fault written as `Fault`'s fields. Raises `BadFault`."""
        try:
            fault = Fault(**{**raw, "kind": Kind(raw["kind"])})
            fault.screen = Screen(raw["screen"]) if raw.get("screen") else None
        except (KeyError, TypeError, ValueError) as error:
            raise BadFault(f"not a fault: {error}") from error
        self._faults.append(fault)
        return fault

    def clear(self, *, kind: str | None = None, company: str | None = None) -> None:
        """Remove the faults of that kind and company; without either, all of that or all there are.

        What waits because of one of them is answered at once.
        """
        for fault in [*self._faults]:
            if kind in (None, fault.kind) and company in (None, fault.company):
                self._faults.remove(fault)
                fault.over.set()

    def take(self, kind: Kind, company: str | None, screen: Screen) -> Fault | None:
        """The fault that strikes now, if any; one of its times is used up."""
        fault = self.hold(kind, company, screen)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault

    def hold(self, kind: Kind, company: str | None, screen: Screen) -> Fault | None:
        """As `take`, for a fault that lasts: none of its times is used up."""
        fault = self.peek(kind, company, screen)
        if fault is not None:
            fault.struck.add(screen)
        return fault

    async def wait(self, fault: Fault) -> None:
        """Return after the fault's seconds, or when it is cleared."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.seconds):
                await fault.over.wait()

    def peek(self, kind: Kind, company: str | None, screen: Screen) -> Fault | None:
        """The fault that would strike now."""
        return next((fault for fault in self._faults if fault.strikes(kind, company, screen)), None)

    def as_json(self) -> list[dict[str, Any]]:
        """The faults that can still strike, as they were set."""
        written = [one.name for one in fields(Fault) if one.init]
        return [
            {name: getattr(fault, name) for name in written} for fault in self._faults if fault.times != 0
        ]
