"""The whole engine, and no PIN anywhere: not in the database, the broker, the files or the logs.

What the driver itself says, writes and shows is looked at in tests/portal_driver/test_canary.py.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agency.celery import app
from agency.tenancy import scope
from renewals.domain.doorbell import ring
from renewals.models import Desk, State
from tests.canary import Places, files, leaks, processes
from tests.database import OUR_AGENCY
from tests.renewals.season import PIN, empty, our_side
from tests.renewals.test_driving import season, whole_database

pytestmark = pytest.mark.usefixtures("committed")

WRONG_PIN = "31415926"
# The simulated portal and its control run in this process, and are told the PIN by right.
THE_PORTALS = ("websockets.server", "uvicorn", "python_multipart", "multipart")


@pytest.fixture
def look_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[], Places]:
    """All that the engine has left behind by now."""
    caplog.set_level(logging.DEBUG)

    def look() -> Places:
        written = capfd.readouterr()
        log = "\n".join(
            record.getMessage() for record in caplog.records if not record.name.startswith(THE_PORTALS)
        )
        return (
            {"database": whole_database().encode(), "broker": whole_broker(), "log": log.encode()}
            | {"stderr": written.err.encode(), "stdout": written.out.encode()}
            | files(tmp_path)
            | processes([os.getpid()])
        )

    return look


def whole_broker() -> bytes:
    """Every key of the broker with all that it holds."""
    with app.connection_for_write() as connection:
        broker: Any = connection.default_channel
        client = broker.client
        return b"\n".join(key + b" " + _held(client, key) for key in client.keys("*"))


def _held(client: Any, key: bytes) -> bytes:
    ways: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"hash": lambda: client.hgetall(key),
    }
    return repr(ways[client.type(key)]() if client.type(key) in ways else "").encode()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("vault_pin", "fault", "end"),
    [
        (PIN, "", (State.SUBMITTED, "")),
        (WRONG_PIN, "", (State.ATTENTION, "pin_refused")),
        (PIN, "card_locked", (State.ATTENTION, "card_locked")),
        (PIN, "card_pulled", (State.ATTENTION, "sign_in_unclear")),
    ],
    ids=["success", "wrong-pin", "locked", "pulled"],
)
def test_no_pin_is_left_behind(
    settings: pytest.FixtureRequest,
    tmp_path: Path,
    look_everywhere: Callable[[], Places],
    vault_pin: str,
    fault: str,
    end: tuple[State, str],
) -> None:
    with season(settings, tmp_path, vault_pin=vault_pin) as played:
        if fault:
            played.simulator.fault(fault, played.company.uscc)
        rested = played.insert_card_and_sit()
        _ring(played.desk)
        places = look_everywhere()
        empty(played.desk.queue)
    assert (State(rested.state), rested.reason) == end
    assert played.desk.queue.encode() in places["broker"], "the bell was rung, and looked at"
    assert len(places["log"]) > 0
    assert leaks(places, {"PIN": [PIN, WRONG_PIN]}) == []


def _ring(desk: Desk) -> None:
    with scope(desk.agency_id):
        ring(desk)


# --- the test goes red ----------------------------------------------------------------------------------


def in_a_row(desk: Desk, _directory: Path) -> None:
    with scope(OUR_AGENCY):
        Desk.objects.filter(pk=desk.pk).update(notice=PIN)


def in_a_binary_column(desk: Desk, _directory: Path) -> None:
    with scope(OUR_AGENCY):
        card = type(desk)._meta.apps.get_model("companies", "Card").objects.get()
        card.sealed_pin = PIN.encode()
        card.save()


def in_a_message(desk: Desk, _directory: Path) -> None:
    app.send_task("renewals.tasks.sit", [PIN], queue=desk.queue)


def in_a_log_line(_desk: Desk, _directory: Path) -> None:
    logging.getLogger("renewals").debug("typed %s", PIN)


def in_a_file(_desk: Desk, directory: Path) -> None:
    (directory / "page.txt").write_text(PIN)


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (in_a_row, "database"),
        (in_a_binary_column, "database"),
        (in_a_message, "broker"),
        (in_a_log_line, "log"),
        (in_a_file, "page.txt"),
    ],
)
def test_a_leak_in_the_engine_is_found(
    tmp_path: Path,
    look_everywhere: Callable[[], Places],
    plant: Callable[[Desk, Path], None],
    place: str,
) -> None:
    _company, _card, desk, _renewal, _mei = our_side()
    plant(desk, tmp_path)
    found = leaks(look_everywhere(), {"PIN": [PIN]})
    empty(desk.queue)
    assert place in {leak.removeprefix("PIN in ").split("/")[-1] for leak in found}
