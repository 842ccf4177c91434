"""PIN, cookies, challenge and signature are nowhere: not while a run lives, not after any of its ends.

Mobile and e-mail are the client's: they come in with the plan, and may stand in the text of a page that
shows what was submitted. Nowhere else: no event, no log, no picture, no process, no temporary file.
"""

from __future__ import annotations

import base64
import gzip
import io
import os
import resource
import secrets
import select
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from portal_driver.contract import (
    Arm,
    Armed,
    Contact,
    Finished,
    NeedPin,
    Outcome,
    Pin,
    Reason,
    decode,
    encode,
)
from portal_driver.simulator import cards
from portal_driver.simulator.companies import Company, companies_from
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings
from tests.canary import Places, files, leaks, processes
from tests.portal_driver.conftest import READING_S
from tests.portal_driver.desk import Desk

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PIN, WRONG_PIN = "73519284", "60413975"
MOBILE, EMAIL = "13987612345", "kanarie.vogel@canary.example"
# As `python -m portal_driver`, with every library's log at its most talkative.
LOUD = """
import logging, os, subprocess, sys
from portal_driver.__main__ import _silence_playwright, main
_silence_playwright()
from portal_driver import process
from portal_driver.contract import Waiting
logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
need_pin, WAITS = process.LineStarter.need_pin, [sys.executable, '-c', 'input()']
async def planted(self, question):
    pin = (answer := await need_pin(self, question)).pin
    PLANT
    return answer
process.LineStarter.need_pin = planted
sys.exit(main([]))
"""
# A leak in each place, as a mistake of ours could make it.
PLANTS = {
    "events": "self.tell(Waiting(pin, 0, 0))",
    "stderr": "logging.debug('typed %s', pin)",
    "cmdline": "process.leak = subprocess.Popen([*WAITS, pin], stdin=subprocess.PIPE)",
    "environ": "process.leak = subprocess.Popen(WAITS, stdin=subprocess.PIPE, env={**os.environ, 'P': pin})",
    "tmp": "open(os.path.join(os.environ['TMPDIR'], 'note'), 'w').write(pin)",
    "core": "open('core.17', 'wb').write(bytes(99) + pin.encode('utf-16-le'))",
    "evidence": "open(os.path.join(EVIDENCE, '99-page.txt'), 'w').write(pin)",
}
COMPANY = {
    "name": "广州市金丝雀贸易有限公司",
    "uscc": "91440100MAB53RXR8B",
    "authorized_before": True,
    "card": {
        "number": "C440010000417",
        "certificate": "e37a3bc039",
        "holder": "宋海峰",
        "pin": PIN,
        "valid_for_days": 300,
    },
}


@dataclass
class Told:
    """Everything that one run showed: the last event, and each place with what stood there."""

    finished: Finished | None
    places: Places = field(default_factory=dict)
    evidence: Places = field(default_factory=dict)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the portal draws by lot (cookies, challenges, tickets) and what the card signs, as it happens."""
    said: dict[str, list[str]] = {"session": [], "signature": []}
    token_hex, sign = secrets.token_hex, cards.Card.sign

    def remember_token(size: int | None = None) -> str:
        said["session"].append(token_hex(size))
        return said["session"][-1]

    def remember_signature(card: cards.Card, data: str) -> str:
        said["signature"].append(sign(card, data))
        return said["signature"][-1]

    monkeypatch.setattr("portal_driver.simulator.sign_in.secrets.token_hex", remember_token)
    monkeypatch.setattr(cards.Card, "sign", remember_signature)
    return said


@pytest.fixture
def portal(drawn: dict[str, list[str]]) -> Iterator[Simulator]:
    known = companies_from({"companies": [COMPANY]}, today=date.today())  # noqa: DTZ011
    settings = Settings(year=2026, desks=2, approve_after_s=None, read_seconds=READING_S)
    with Simulator(known, settings) as simulator:
        yield simulator


@pytest.fixture
def canary() -> Company:
    [company] = companies_from({"companies": [COMPANY]}, today=date.today())  # noqa: DTZ011
    return company


@pytest.fixture
def play(
    desk: Desk, portal: Simulator, canary: Company, profile_file: Path, tmp_path: Path
) -> Callable[..., Told]:
    """Run the driver as its starter does, with core dumps allowed; look everywhere at each event."""

    def begin(
        pin: str = PIN,
        *,
        crash: signal.Signals | None = None,
        plant: str = "pass",
        fault: str = "",
        **where: str,
    ) -> Told:
        portal.insert(2, canary.card.number)
        if fault:
            portal.fault(fault, canary.uscc, **where)
        contact = Contact("王志强", MOBILE, EMAIL)
        plan = replace(desk.plan(canary, profile=str(profile_file)), contact=contact)
        script = LOUD.replace("PLANT", plant.replace("EVIDENCE", repr(plan.evidence)))
        return _drive(script, encode(plan), pin, crash, Path(plan.evidence), tmp_path)

    return begin


def _drive(
    script: str, plan: str, pin: str, crash: signal.Signals | None, evidence: Path, directory: Path
) -> Told:
    temporary, cores, log = directory / "tmp", directory / "cwd", directory / "stderr"
    temporary.mkdir()
    cores.mkdir()
    told = Told(None)
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
            cwd=cores,
            env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "DEBUG": "pw:*"},
            start_new_session=True,
            preexec_fn=_allow_core_dumps,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(plan.encode() + b"\n")
    spoken = b""
    while select.select([process.stdout], [], [], 60)[0] and (line := process.stdout.readline()):
        spoken += line
        event = decode(line.decode())
        told.places |= processes([process.pid, *family(process.pid)]) | files(temporary)
        if isinstance(event, NeedPin):
            process.stdin.write(encode(Pin(pin)).encode() + b"\n")
            assert dump_limits(process.pid) == {"0"}
        elif isinstance(event, Arm):
            process.stdin.write(encode(Armed(event.click)).encode() + b"\n")
        elif isinstance(event, Finished):
            told.finished = event
        if crash and event.type == "signed_in":
            process.send_signal(crash)
    process.stdin.close()
    process.stdout.close()
    process.wait(20)
    told.places |= {"events": spoken, "stderr": log.read_bytes()} | files(cores) | files(temporary)
    told.evidence = files(evidence)
    return told


def _allow_core_dumps() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def family(pid: int) -> set[int]:
    """All processes that descend from this one now."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found - {pid}


def dump_limits(pid: int) -> set[str]:
    """How large a core dump of each of these processes may become."""
    limits = set()
    for one in [pid, *family(pid)]:
        with suppress(OSError):
            lines = Path(f"/proc/{one}/limits").read_text().splitlines()
            limits |= {line.split()[4] for line in lines if line.startswith("Max core file size")}
    return limits


SUBMITTED, PERSON = Outcome.SUBMITTED, Outcome.PERSON_NEEDED


@pytest.mark.parametrize(
    ("run", "end"),
    [
        ({}, (SUBMITTED, None)),
        ({"pin": WRONG_PIN}, (PERSON, Reason.PIN_REFUSED)),
        ({"fault": "card_locked"}, (PERSON, Reason.CARD_LOCKED)),
        ({"fault": "card_pulled"}, (PERSON, Reason.SIGN_IN_UNCLEAR)),
        ({"fault": "layout_moved", "screen": "pending"}, (PERSON, Reason.PAGE_CHANGED)),
        ({"crash": signal.SIGSEGV}, None),
        ({"crash": signal.SIGABRT}, None),
    ],
    ids=["success", "wrong-pin", "locked", "pulled", "unknown-page", "segv", "abort"],
)
def test_no_secret_is_anywhere(
    play: Callable[..., Told],
    drawn: dict[str, list[str]],
    run: dict[str, object],
    end: tuple[Outcome, Reason | None] | None,
):
    told = play(**run)

    assert (told.finished and (told.finished.outcome, told.finished.reason)) == end
    assert len(drawn["session"]) > 0
    assert sum(place.startswith("cmdline") for place in told.places) > 3, "the browser was looked at, too"
    everywhere = told.places | told.evidence
    assert leaks(everywhere, {"PIN": [PIN, WRONG_PIN], **drawn}) == []
    pictures = {place: content for place, content in told.evidence.items() if not place.endswith(".txt")}
    assert leaks(told.places | pictures, {"mobile": [MOBILE], "e-mail": [EMAIL]}) == []


# --- the test goes red ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLANTS)
def test_a_leak_in_the_driver_is_found(play: Callable[..., Told], place: str):
    told = play(pin=WRONG_PIN, plant=PLANTS[place])
    found = leaks(told.places | told.evidence, {"PIN": [WRONG_PIN]})
    marks = {"tmp": "/note", "core": "cwd/core.17", "evidence": "99-page.txt"}
    assert {marks.get(place, place) in leak for leak in found} == {True}


def packed(name: str) -> bytes:
    """A file of this kind with the PIN in it, as a program would have written it."""
    inside = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(inside, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("page.txt", f"PIN {PIN} " * 50)
    elif name.endswith(".pdf"):
        canvas = Canvas(inside, pageCompression=1)
        canvas.drawString(72, 720, f"PIN {PIN}")
        canvas.save()
    elif name.endswith(".gz"):
        inside.write(gzip.compress(f"PIN {PIN}".encode()))
    elif name.endswith(".jpg"):
        inside.write(b"\xff\xd8\xff\xfe" + PIN.encode() + b"\xff\xd9")
    elif name.startswith("core"):
        inside.write(b"\x7fELF" + b"\0" * 999 + PIN.encode("utf-16-le") + b"\0" * 999)
    else:
        inside.write(f"what was typed: {PIN}\n".encode())
    return inside.getvalue()


@pytest.mark.parametrize(
    "name",
    ["events", "stderr", "page.txt", "page.html", "page.jpg", "policy.pdf", "page.zip", "log.gz", "core.17"],
)
def test_a_pin_in_a_file_is_found(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(packed(name))
    assert leaks(files(tmp_path), {"PIN": [PIN]}) == [f"PIN in {tmp_path / name}"]


@pytest.mark.parametrize("place", ["cmdline", "environ"])
def test_a_pin_that_a_process_carries_is_found(place: str):
    carried = {"cmdline": ([PIN], {}), "environ": ([], {"CARD": PIN})}[place]
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", *carried[0]],
        env={**os.environ, **carried[1]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    found = leaks(processes([process.pid]), {"PIN": [PIN]})
    process.communicate(b"\n")
    assert found == [f"PIN in {place} of {process.pid}"]


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_pin_in_base64_is_found_wherever_it_stands(before: str):
    encoded = base64.b64encode(f"{before}{PIN}, and more".encode())
    assert leaks({"message": encoded}, {"PIN": [PIN]}) == ["PIN in message"]
