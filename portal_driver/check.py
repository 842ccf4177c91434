"""Look at the portal before anything is done on it: which of a profile's words and addresses are there.

./run portal check --profile 2024

It reads the public pages. Where a card is in the reader and a person at the terminal types its PIN, it
signs in and reads on, up to the first click that cannot be undone, and ends there. It cannot press one
of the five: `check_portal` does not press them, `check_gate` lets nothing of theirs out, and nothing
here could ask for leave.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Playwright

from portal_driver.browser import control_arguments, find_browser, open_browser
from portal_driver.card_lock import alone_with_card
from portal_driver.check_gate import ReadingGate
from portal_driver.check_mask import Masker
from portal_driver.check_notes import Notes
from portal_driver.check_portal import ReadingPortal
from portal_driver.check_report import Heading, report
from portal_driver.check_walk import Walk, Wishes, looked_for
from portal_driver.contract import BadMessage, CardRead, Channel, Evidence, ExpectedCard, Plan, Reason, decode
from portal_driver.control import CardControl, check_card
from portal_driver.drive import add_browser_options, echo_restored, in_background
from portal_driver.errors import DriverError, PersonNeeded, PortalUnavailable, SignInRefused, StarterGone
from portal_driver.evidence import EvidenceBox
from portal_driver.pages import SignInForm
from portal_driver.process import forget_dumps, readied_playwright, until
from portal_driver.profile import Profile, ProfileError, load_profile, profile_path
from portal_driver.proposal import additions_from, difference, proposed

PORTAL = "https://www.singlewindow.cn/"
_TERMINAL = Path("/dev/tty")
_BEIJING = timezone(timedelta(hours=8))
# What cards are issued with. A card that still has it says so by its holder, not by a try.
_ISSUED_WITH = frozenset({"8" * 8, "0" * 8})


class CheckCode(IntEnum):
    """What a check came to, for a shell."""

    ALL_FOUND = 0  # on the screens that it reached
    USAGE = 2  # the command line, the plan or the profile is wrong; nothing was opened
    INTERRUPTED = 4
    SOMETHING_MISSING = 12  # read the report, mend the profile
    PERSON_NEEDED = 21  # the card, the PIN or the company
    LATER = 22  # the portal, the card control or the browser cannot be had now


@dataclass(frozen=True)
class Order:
    """What the command line asks for."""

    profile: Profile
    profile_text: str
    portal: str
    control: str
    channel: Channel
    headless: bool
    out: Path
    let_through: frozenset[str]
    card: ExpectedCard | None
    wishes: Wishes


class Stopped(Exception):
    """The check ends before its end; the text says what happened and what to do."""

    def __init__(self, code: CheckCode, *said: str) -> None:
        self.code = code
        super().__init__("\n".join(line for line in said if line))


def check(arguments: list[str]) -> int:
    """Check the portal as the command line says. Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        order = _order(options)
    except (OSError, BadMessage, ProfileError) as error:
        parser.exit(CheckCode.USAGE, f"{error}\n")
    forget_dumps()
    return asyncio.run(_check(order))


async def _check(order: Order) -> int:
    masker = Masker(tuple(word for words in looked_for(order.profile).values() for word in words))
    notes = Notes(EvidenceBox(str(order.out / "pages"), masker, _not_told), masker, _say)
    gate = ReadingGate(
        order.profile.irreversible, let_through=order.let_through, answer_s=order.profile.limits.answer_s
    )
    sitting = _Sitting(order, notes, gate)
    code, said = CheckCode.ALL_FOUND, ""
    try:
        with _terminal_restored():
            await sitting.hold()
    except Stopped as stopped:
        code, said = stopped.code, str(stopped)
    except StarterGone:
        code, said = CheckCode.INTERRUPTED, f"Interrupted. {sitting.pin_use}"
    if notes.findings:
        _say(f"\n{_write(order, notes, gate, sitting)}")
    if code is CheckCode.ALL_FOUND and (notes.missing() or notes.troubles):
        code = CheckCode.SOMETHING_MISSING
    if said:
        sys.stderr.write(masker.without_secrets(said) + "\n")
    return code


class _Sitting:
    """One browser, from the home page to where the check ends; `reached` and `pin_use` say how far."""

    def __init__(self, order: Order, notes: Notes, gate: ReadingGate) -> None:
        self._order, self._notes, self._gate = order, notes, gate
        self.browser = "no browser"
        self.reached = "nothing"
        self.pin_use = "No PIN was used."

    async def hold(self) -> None:
        """Read what may be read. Raises `Stopped` and `StarterGone`."""
        async with until(asyncio.Event()), readied_playwright() as (playwright, directory):
            try:
                await self._browse(playwright, directory)
            except DriverError as error:
                raise _stopped_by(error, self.pin_use) from None
            except PlaywrightError as error:
                # Its message may quote what was typed: only its kind is told.
                raise Stopped(
                    CheckCode.LATER,
                    f"The browser failed ({type(error).__name__}). {self.pin_use}",
                    "Run the check again; if it fails again, without --headed and --channel.",
                ) from None

    async def _browse(self, playwright: Playwright, directory: Path) -> None:
        order = self._order
        found = find_browser(channel=order.channel, headless=order.headless)
        arguments = control_arguments(order.control, order.profile.control.page_addresses)
        async with open_browser(
            playwright, found, headless=order.headless, directory=directory, arguments=arguments
        ) as (browser, context):
            self.browser = f"{found.name} {browser.version}"
            await self._gate.guard(context)
            portal = ReadingPortal(context, order.profile, self._gate)
            walk = Walk(portal, self._gate, self._notes, order.wishes)
            form = await walk.to_sign_in(order.portal)
            self.reached = "the public pages"
            if form is None:
                self._notes.remarks.append("The sign-in form was not reached, so no PIN was asked for.")
                return
            self.reached = "the public pages, up to the PIN field"
            with alone_with_card(order.control):
                await self._inside(walk, form)

    async def _inside(self, walk: Walk, form: SignInForm) -> None:
        """Sign in with the PIN that a person types now, and read on. Without card or PIN nothing happens."""
        card = await self._read_card()
        if card is None:
            return
        pin = await in_background(lambda: ask_pin(card))
        if not pin:
            self._notes.remarks.append("No PIN was typed, so what lies behind the sign-in was not looked at.")
            return
        self._notes.masker.add(pin)
        # It may have taken a person minutes to type it: the right PIN on another card is a wrong try there.
        if await self._read_card() != card:
            raise Stopped(
                CheckCode.PERSON_NEEDED, "The card was changed meanwhile. No PIN was used.", "Run it again."
            )
        self.pin_use = f"The PIN was typed once, for card {card.number}."
        await walk.sign_in(form, pin)
        self.reached = "behind the sign-in"
        await walk.inside()

    async def _read_card(self) -> CardRead | None:
        """The card in the reader, if it is the plan's and valid; None where there is none to read."""
        order = self._order
        try:
            async with CardControl.at(order.control, timeout_s=order.profile.limits.control_s) as control:
                card = await control.read_card()
        except (PortalUnavailable, PersonNeeded) as error:
            self._notes.remarks.append(_no_card(order.control, error))
            return None
        self._notes.masker.learn(card.number, card.certificate, card.holder, card.company)
        check_card(card, order.card or ExpectedCard(card.number), today=datetime.now(_BEIJING).date())
        return card


def _no_card(control: str, error: DriverError) -> str:
    if error.reason is Reason.CARD_ABSENT:
        return (
            "No card was read, so only the public pages were looked at. "
            "To look behind the sign-in, put the legal-person card (法人卡) in and run it again."
        )
    return (
        f"No card control answers at {control}, so only the public pages were looked at. To look behind "
        "the sign-in, run it on the desk's computer with the control (电子口岸客户端控件) started, or name "
        "its address with --control."
    )


# --- the person at the terminal ---------------------------------------------------------------


def ask_pin(card: CardRead) -> str:
    """The PIN that a person types at the terminal, or nothing. It comes from nowhere else."""
    try:
        with _terminal() as (out, answers):
            valid = f", valid until {card.valid_until}" if card.valid_until else ""
            out.write(
                f"\nIn the reader: card {card.number} of {card.company or card.holder or '?'}{valid}.\n"
            )
            out.write(
                "The PIN is typed into the portal's sign-in page, once. A wrong one costs one of few tries.\n"
            )
            out.flush()
            pin = getpass.getpass("PIN of this card (Enter alone: do not sign in): ")
            if pin in _ISSUED_WITH and not _is_sure(out, answers):
                return ""
            return pin
    except (OSError, EOFError, KeyboardInterrupt):
        return ""


def _is_sure(out: TextIO, answers: TextIO) -> bool:
    out.write("Cards are issued with this PIN. Did the holder say that it is still this card's? [y/N] ")
    out.flush()
    return answers.readline().strip().lower() in ("y", "yes", "是")


@contextlib.contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO]]:
    """The terminal to write to and to read from. Raises `OSError` where nobody sits at one."""
    if sys.platform == "win32":
        if not sys.stdin.isatty():
            raise OSError("no terminal")
        yield sys.stderr, sys.stdin
        return
    with _TERMINAL.open("w", encoding="utf-8") as out, _TERMINAL.open(encoding="utf-8") as answers:
        yield out, answers


@contextlib.contextmanager
def _terminal_restored() -> Iterator[None]:
    """Leave the terminal with its echo, also when the check is interrupted while the PIN is asked for."""
    try:
        terminal = _TERMINAL.open(encoding="utf-8")
    except OSError:
        yield
        return
    with terminal, echo_restored(terminal.fileno()):
        yield


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _not_told(evidence: Evidence) -> None:
    """The pages are listed by their directory."""


# --- how it ends ------------------------------------------------------------------------------


def _stopped_by(error: DriverError, pin_use: str) -> Stopped:
    detail = "; ".join(f"{key}: {said}" for key, said in error.detail.items())
    what, code = _WHAT_TO_DO.get(error.reason, _UNFORESEEN)
    if isinstance(error, SignInRefused):
        code = CheckCode.PERSON_NEEDED
    return Stopped(
        code, f"{what(error)} {pin_use}", f"({error.reason}: {detail})" if detail else f"({error.reason})"
    )


type _Words = Callable[[DriverError], str]
_NEVER_AGAIN = "Do not run the check again with this card before it is clear what happened"
_UNFORESEEN: tuple[_Words, CheckCode] = (
    lambda _: "The check could not go on; read the report.",
    CheckCode.LATER,
)
_WHAT_TO_DO: dict[Reason, tuple[_Words, CheckCode]] = {
    Reason.PORTAL_UNAVAILABLE: (
        lambda error: (
            f"Nothing useful came from {error.detail.get('expected', 'the portal')}. "
            "Open the same address in a browser by hand; if that works, look at --portal and at the proxy."
        ),
        CheckCode.LATER,
    ),
    Reason.SESSION_LOST: (
        lambda _: "The portal asked to sign in again. Run the check again.",
        CheckCode.LATER,
    ),
    Reason.BROWSER_MISSING: (
        lambda error: (
            f"{error.detail.get('error', 'No browser was found.')} {error.detail.get('remedy', '')}"
        ),
        CheckCode.LATER,
    ),
    Reason.BROWSER_GONE: (
        lambda _: (
            "The browser did not start or went away. Run the check again, without --headed and --channel."
        ),
        CheckCode.LATER,
    ),
    Reason.EVIDENCE_NOT_WRITABLE: (
        lambda _: "The pages cannot be written there. Choose another directory with --out.",
        CheckCode.LATER,
    ),
    Reason.CARD_WRONG: (
        lambda _: "The card in the reader is not the plan's. Put the plan's card in, or leave out --plan.",
        CheckCode.PERSON_NEEDED,
    ),
    Reason.CERTIFICATE_EXPIRED: (
        lambda _: "The card's certificate has expired; the client renews it (电子口岸制卡中心) first.",
        CheckCode.PERSON_NEEDED,
    ),
    Reason.PIN_REFUSED: (
        lambda _: (
            f"The portal refused the PIN. {_NEVER_AGAIN}: a few wrong PINs lock it for days. "
            "Ask the card's holder; help: 95198, then 0."
        ),
        CheckCode.PERSON_NEEDED,
    ),
    Reason.CARD_LOCKED: (
        lambda _: "The card is locked. Its holder has it unlocked (电子口岸制卡中心); help: 95198, then 0.",
        CheckCode.PERSON_NEEDED,
    ),
    Reason.SIGN_IN_UNCLEAR: (
        lambda _: (
            f"It is not clear whether the portal took the PIN. {_NEVER_AGAIN}: the try may be spent. "
            "Look at the saved pages; help: 95198, then 0."
        ),
        CheckCode.PERSON_NEEDED,
    ),
    Reason.COMPANY_DIFFERS: (
        lambda _: "The portal shows another company than the plan's. Nothing was looked at behind it.",
        CheckCode.PERSON_NEEDED,
    ),
    Reason.USCC_DIFFERS: (
        lambda _: (
            "The portal has another 统一社会信用代码 than the plan. "
            "The client has it corrected: 95198, then 0."
        ),
        CheckCode.PERSON_NEEDED,
    ),
}


def _write(order: Order, notes: Notes, gate: ReadingGate, sitting: _Sitting) -> str:
    """Write report and proposal; returns what to tell of them."""
    now = datetime.now(_BEIJING)
    known = looked_for(order.profile)
    additions = additions_from(notes, known, order.profile.control.page_addresses)
    proposal = "Nothing to propose."
    if additions:
        file = order.out / f"{order.profile.name}-proposed.toml"
        text = proposed(order.profile_text, additions, day=now.date().isoformat())
        file.write_text(text, encoding="utf-8")
        load_profile(str(file))
        diff = difference(order.profile_text, text, f"{order.profile.name}.toml")
        proposal = f"Review each line; then check again with --profile {file}\n\n{diff}"
    seen = {finding.want.key for finding in notes.findings}
    heading = Heading(
        order.profile.name,
        order.portal,
        sitting.browser,
        now.strftime("%Y-%m-%d %H:%M Beijing time"),
        sitting.reached,
    )
    unseen = [key for key in known if key not in seen]
    text = report(heading, notes, gate.seen, order.profile, unseen, proposal)
    (order.out / "report.txt").write_text(text, encoding="utf-8")
    return f"{text}\nKept in {order.out}: report.txt, pages/" + (
        " and the proposed profile." if additions else "."
    )


# --- the command line -------------------------------------------------------------------------


def _order(options: argparse.Namespace) -> Order:
    profile = load_profile(options.profile)
    plan = _plan(options)
    control = options.control or (plan and plan.control) or profile.control.page_addresses[0]
    return Order(
        profile=profile,
        profile_text=profile_path(options.profile).read_text(encoding="utf-8"),
        portal=_address(options.portal or (plan and plan.portal) or PORTAL, "--portal", ("https", "http")),
        control=_address(control, "--control", ("ws", "wss")),
        channel=Channel(options.channel or ""),
        headless=not options.headed,
        let_through=frozenset(_named(line, profile) for line in options.let_through),
        out=_directory(options.out),
        card=plan.card if plan else None,
        wishes=Wishes(
            plan.company if plan else None, plan.contact if plan else None, options.open_application
        ),
    )


def _address(address: str, option: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(address)
    if parts.scheme not in schemes or not parts.hostname:
        raise BadMessage(f'{option} is "{address}"; write an address such as {schemes[0]}://host/')
    return address


def _named(line: str, profile: Profile) -> str:
    """A request that may pass behind the sign-in: all of it is written out, and it is none of the five."""
    if not re.fullmatch(r"[A-Z]+ https?://[^\s?#;*]+", line):
        raise BadMessage(
            f'--let-through is "{line}"; write a line of the report, such as "POST https://host/path"'
        )
    if any(pattern.search(line) for patterns in profile.irreversible.values() for pattern in patterns):
        raise BadMessage(
            f"--let-through {line}: the profile calls this request irreversible; it never passes"
        )
    return line


def _plan(options: argparse.Namespace) -> Plan | None:
    """The plan file, for its card, company and contact. Raises `BadMessage`, `OSError`."""
    if options.plan is None:
        return None
    try:
        raw = json.loads(Path(options.plan).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadMessage(f"{options.plan} is not JSON: {error}") from None
    plan = decode(json.dumps({**raw, "type": "plan"}))
    if not isinstance(plan, Plan):
        raise BadMessage(f"{options.plan} is not a plan")
    return plan


def _directory(asked_for: str | None) -> Path:
    """A new private directory, or an empty one that is there."""
    stamp = datetime.now(UTC).astimezone(_BEIJING).strftime("%Y-%m-%dT%H-%M-%S")
    out = Path(asked_for) if asked_for else Path("var") / "check" / stamp
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadMessage(f'--out is "{out}", and something is there; name a directory that is new or empty')
    (out / "pages").mkdir(parents=True)
    for directory in (out, out / "pages"):
        directory.chmod(0o700)
    return out


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code.value:>2}  {code.name.lower()}" for code in CheckCode)
    parser = argparse.ArgumentParser(
        prog="./run portal check",
        description="Look which words and addresses of a profile are on the portal, up to the first click "
        "that cannot be undone. It presses none of those. The PIN is asked for on the terminal, and only "
        "if a card is in the reader. Pause the desk first: a run that uses the card is ended.",
        epilog=f"exit codes:\n{codes}\n\ndocs/portal-first-day.md tells how to use it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--profile", default="2024", metavar="NAME", help="a profile's name, or a .toml file (2024)"
    )
    parser.add_argument("--portal", metavar="URL", help=f"the portal's home page ({PORTAL})")
    parser.add_argument(
        "--control", metavar="URL", help="the card control (the first that the profile names)"
    )
    add_browser_options(parser)
    parser.add_argument("--out", metavar="DIR", help="where report and pages are kept (var/check/<now>)")
    parser.add_argument(
        "--plan", metavar="FILE", help="a plan: its card and company are compared, its contact is written in"
    )
    parser.add_argument(
        "--open-application",
        action="store_true",
        help="tick the box on the pending policy, which opens this year's application; it can be undone",
    )
    parser.add_argument(
        "--let-through",
        action="append",
        default=[],
        metavar='"POST https://…"',
        help="a request of the last report that only asks; it may then leave behind the sign-in",
    )
    return parser
