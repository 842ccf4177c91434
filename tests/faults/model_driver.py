"""A driver without a browser: the contract's lines on one side, the model portal on the other.

It keeps the real driver's promises: it asks before each irreversible request, sends it once, and
ends when its standard input does. Started with `model://host:port/?…`: `die=POINT` kills it and
`stop=POINT` stops it there, once a `click=` is pressed; `mutant=` takes one of its guards out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs, urlsplit

from portal_driver.card_lock import alone_with_card
from portal_driver.contract import (
    Arm,
    Armed,
    CardRead,
    Click,
    Confirmed,
    Event,
    Evidence,
    Finished,
    Fired,
    NeedPin,
    NotArmed,
    Outcome,
    Pin,
    Plan,
    PolicyRead,
    Reading,
    Reason,
    SignedIn,
    StageBegun,
    Standing,
    Started,
    decode,
    encode,
)

STEPS = ("pending", "sealing", "signing", "authorizing", "finishing")
CLICKS = (Click.CONFIRM, Click.SEAL, Click.SIGN, Click.AUTHORIZE)
_lines: SimpleQueue[str] = SimpleQueue()


class Ended(Exception):
    """The run is over: what it came to."""

    def __init__(self, outcome: Outcome, reason: Reason | None = None, /, **detail: str) -> None:
        self.finished = Finished(outcome, reason, detail)
        super().__init__(outcome)


def tell(event: Event) -> None:
    sys.stdout.write(encode(event) + "\n")
    sys.stdout.flush()


def ask(question: Event) -> Any:
    tell(question)
    return decode(_lines.get())


def listen() -> None:
    for line in sys.stdin:
        _lines.put(line)
    os._exit(4)  # the starter is gone


class Driver:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.uscc = plan, plan.company.uscc
        address = urlsplit(plan.portal)
        self.place = (str(address.hostname), int(address.port or 0))
        self.told = {key: values[0] for key, values in parse_qs(address.query).items()}
        self.kept = 0

    # --- the portal ----------------------------------------------------------------------------

    def portal(self, **asked: Any) -> dict[str, Any]:
        """One request and its answer. Raises `ConnectionError` when the connection breaks."""
        with socket.create_connection(self.place, timeout=20) as connection:
            connection.sendall(json.dumps(asked).encode() + b"\n")
            line = connection.makefile("r").readline()
        if not line:
            raise ConnectionError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def look(self, **asked: Any) -> dict[str, Any]:
        try:
            return self.portal(**asked)
        except (ConnectionError, TimeoutError):
            raise Ended(Outcome.LATER, Reason.PORTAL_UNAVAILABLE) from None

    # --- the story -----------------------------------------------------------------------------

    def run(self) -> Finished:
        try:
            self.identify()
            self.sign_in()
            done_here: set[Click] = set()
            while True:
                found = self.read(done_here)
                if found["policy"]:
                    self.receive(found["policy"])
                    return Finished(Outcome.COMPLETE)
                if found["application"]:
                    return self.submitted(found)
                if found["step"] is None or done_here:
                    raise self.nothing_to_do(found, done_here)
                done_here = self.apply(found["step"])
        except Ended as ended:
            return ended.finished

    def identify(self) -> None:
        card = self.look(do="card", control=self.plan.control)
        if card.get("absent"):
            raise Ended(Outcome.PERSON_NEEDED, Reason.CARD_ABSENT)
        tell(CardRead(**card, control_version="model"))
        if card["number"] != self.plan.card.number:
            raise Ended(Outcome.PERSON_NEEDED, Reason.CARD_WRONG, expected=self.plan.card.number)
        # The day in Beijing, as the product has it; no time zones are at hand here.
        if card["valid_until"] < time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600)):
            raise Ended(Outcome.PERSON_NEEDED, Reason.CERTIFICATE_EXPIRED)

    def sign_in(self) -> None:
        answer = ask(NeedPin(self.plan.card.number))
        if not isinstance(answer, Pin):
            raise Ended(Outcome.PERSON_NEEDED, Reason.PIN_MISSING)
        self.at("driver_has_pin")
        try:
            shown = self.portal(do="sign_in", control=self.plan.control, pin=answer.pin)
        except (ConnectionError, TimeoutError):
            raise Ended(Outcome.PERSON_NEEDED, Reason.SIGN_IN_UNCLEAR) from None
        if "problem" in shown:
            raise Ended(Outcome.PERSON_NEEDED, Reason(shown["problem"]))
        tell(SignedIn(shown["company"], shown["uscc"]))
        if shown["uscc"] != self.uscc:
            raise Ended(Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS, expected=self.uscc, seen=shown["uscc"])

    def read(self, done_here: set[Click]) -> dict[str, Any]:
        found = self.look(do="read", uscc=self.uscc)
        application, policy = found["application"] or {}, found["policy"] or {}
        standings = {click: self.standing(click, found, done_here) for click in CLICKS}
        receipt = Standing.NOT_DONE if found["complete"] else Standing.UNREAD
        standings[Click.RECEIPT] = Standing.DONE if policy.get("received") else receipt
        tell(
            Reading(
                standings,
                application.get("number", ""),
                application.get("state", ""),
                policy.get("number", ""),
            )
        )
        return found

    def standing(self, click: Click, found: dict[str, Any], done_here: set[Click]) -> Standing:
        if found["application"] or found["policy"]:
            is_proved = click is Click.CONFIRM or click in done_here
            return Standing.DONE if is_proved else Standing.SKIPPED
        if found["step"]:
            is_past = CLICKS.index(click) < STEPS.index(found["step"])
            return Standing.DONE if is_past else Standing.NOT_DONE
        return Standing.NOT_DONE if found["complete"] and not done_here else Standing.UNREAD

    def submitted(self, found: dict[str, Any]) -> Finished:
        if found["application"]["state"] == "退回":
            raise Ended(Outcome.REFUSED, Reason.APPLICATION_RETURNED, reason=found["reason"])
        return Finished(Outcome.SUBMITTED)

    def nothing_to_do(self, found: dict[str, Any], done_here: set[Click]) -> Ended:
        if done_here or not found["complete"]:
            return Ended(Outcome.LATER, Reason.PORTAL_UNAVAILABLE, seen="the list is incomplete")
        return Ended(Outcome.PERSON_NEEDED, Reason.NO_PENDING_POLICY)

    def apply(self, step: str) -> set[Click]:
        place = STEPS.index(step)
        seen = set(CLICKS[:place])
        while place < len(CLICKS):
            click = CLICKS[place]
            tell(StageBegun(click.stage))
            self.keep(click)
            self.press(click)
            seen.add(click)
            found = self.look(do="read", uscc=self.uscc)
            if found["application"] or found["step"] is None:
                return seen
            place = STEPS.index(found["step"])
        self.look(do="finish", uscc=self.uscc)
        return seen

    def receive(self, policy: dict[str, Any]) -> None:
        tell(StageBegun(Click.RECEIPT.stage))
        content = base64.b64decode(self.look(do="file", uscc=self.uscc)["content"])
        if b"%%EOF" not in content[-1024:]:
            raise Ended(Outcome.LATER, Reason.POLICY_FILE_BROKEN)
        (Path(self.plan.evidence) / "policy.pdf").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        tell(
            PolicyRead(
                policy["number"], policy["from"], policy["to"], "信保", "policy.pdf", digest, len(content)
            )
        )
        if not policy["received"]:
            self.press(Click.RECEIPT)

    def press(self, click: Click) -> None:
        """Send an irreversible request once, if the starter commits to it."""
        answer = ask(Arm(click, self.plan.company.name, self.uscc, "d" * 64))
        if isinstance(answer, NotArmed):
            raise Ended(Outcome.STOPPED, Reason.NOT_ARMED, why=answer.why)
        assert isinstance(answer, Armed)
        given_at = time.monotonic()
        self.at("driver_armed", click)
        if time.monotonic() - given_at > answer.valid_s:
            raise Ended(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, seen="the time to press was over")
        self.at("driver_pressing", click)
        tell(Fired(click, "d" * 64))
        try:
            said = self.send(click)
        except (ConnectionError, TimeoutError):
            raise Ended(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, click=click) from None
        self.at("driver_pressed", click)
        if "refused" in said:
            raise Ended(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, seen=said["refused"])
        tell(Confirmed(click, "model"))

    def send(self, click: Click) -> dict[str, Any]:
        try:
            return self.portal(do="deed", uscc=self.uscc, deed=click)
        except ConnectionError:
            if self.told.get("mutant") != "gate":
                raise
            # What Chromium does by itself when no gate stands before it.
            return self.portal(do="deed", uscc=self.uscc, deed=click)

    def keep(self, click: Click) -> None:
        self.kept += 1
        name, content = f"{self.kept}.txt", f"{click} {self.plan.company.name}".encode()
        (Path(self.plan.evidence) / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        tell(Evidence(click.stage, "text", click, name, digest, len(content)))

    def at(self, point: str, click: Click | None = None) -> None:
        """Die or stop here, if that was asked for."""
        if click is not None and self.told.get("click") not in (None, click):
            return
        if point in (self.told.get("die"), self.told.get("stop")):
            self.portal(do="note_death")
        if self.told.get("die") == point:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.told.get("stop") == point:
            os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    threading.Thread(target=listen, daemon=True).start()
    plan = decode(_lines.get())
    assert isinstance(plan, Plan)
    driver = Driver(plan)
    fence = nullcontext() if driver.told.get("mutant") == "fence" else alone_with_card(plan.control)
    with fence:
        tell(Started("model", plan.profile, "0" * 64, "none"))
        driver.at("driver_began")
        tell(driver.run())


if __name__ == "__main__":
    main()
