"""One click, one request, whatever the network does. Chromium alone would send some of these twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from portal_driver.contract import Armed, Click
from portal_driver.gate import Gate, Token
from tests.agency.engines.worlds import eventually
from tests.portal_driver.raw_server import RawServer

pytestmark = pytest.mark.browser

KNOWN = {Click.CONFIRM: (re.compile(r"^(POST|GET) .*/submit$"),)}
ANSWER_S = 1.0


@pytest.fixture
def serve() -> Iterator[Callable[[str], RawServer]]:
    servers: list[RawServer] = []

    def start(mode: str) -> RawServer:
        servers.append(RawServer(mode))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Guarded:
    """A page behind a gate, and what the gate said."""

    def __init__(self, gate: Gate, page: Page, fired: list[tuple[Click, str]]) -> None:
        self.gate, self.page, self.fired = gate, page, fired

    async def press(self, button: str, *, armed: Armed | None = None) -> Token | None:
        """Press a button, armed or not, and wait until its request is over."""
        token = self.gate.open(armed) if armed else None
        await self.page.click(f"#{button}", no_wait_after=True)
        if token:
            async with asyncio.timeout(10):
                await token.over.wait()
        return token


@pytest.fixture
def guard(browser_of_its_own: Browser) -> Callable:  # type: ignore[type-arg]
    async def open_page(server: RawServer, irreversible: dict | None = None) -> Guarded:  # type: ignore[type-arg]
        fired: list[tuple[Click, str]] = []
        gate = Gate(
            KNOWN if irreversible is None else irreversible,
            answer_s=ANSWER_S,
            on_fired=lambda click, digest: fired.append((click, digest)),
        )
        context = await browser_of_its_own.new_context(service_workers="block")
        await gate.guard(context)
        page = await context.new_page()
        await page.goto(server.address)
        return Guarded(gate, page, fired)

    return open_page


@pytest.mark.parametrize("button", ["form", "fetch"])
@pytest.mark.parametrize("mode", ["closed", "reset", "408", "503", "slow", "ok"])
async def test_an_armed_click_sends_exactly_one_post(serve, guard, mode: str, button: str):
    server = serve(mode)
    guarded = await guard(server)

    token = await guarded.press(button, armed=Armed(Click.CONFIRM))
    await guarded.page.wait_for_function("document.title !== 'page' || document.readyState === 'complete'")

    assert server.posts == 1
    assert guarded.fired == [(Click.CONFIRM, token.fired)]
    assert bool(token.lost) == (mode in ("closed", "reset", "slow"))
    assert token.status == {"408": 408, "503": 503, "ok": 200}.get(mode, 0)


async def test_without_a_token_an_irreversible_request_does_not_leave(serve, guard):
    server = serve("ok")
    guarded = await guard(server)

    await guarded.press("fetch")
    await guarded.page.wait_for_function("document.title === 'failed'")

    assert server.posts == 0
    assert guarded.gate.stopped == [f"POST {server.address}/submit"]


async def test_a_get_that_acts_is_held_back_like_any_other(serve, guard):
    server = serve("ok")
    guarded = await guard(server)

    async with guarded.page.expect_event("requestfailed"):
        await guarded.press("link")

    assert server.counts == {"GET /": 1}


async def test_a_token_is_too_late_after_its_time(serve, guard):
    server = serve("ok")
    guarded = await guard(server)

    token = guarded.gate.open(Armed(Click.CONFIRM, valid_s=0.0))
    await guarded.page.click("#fetch")
    await guarded.page.wait_for_function("document.title === 'failed'")

    assert (server.posts, token.fired) == (0, "")


async def test_a_token_is_for_its_own_click_only(serve, guard):
    server = serve("ok")
    guarded = await guard(server)

    guarded.gate.open(Armed(Click.SEAL))
    await guarded.page.click("#fetch")
    await guarded.page.wait_for_function("document.title === 'failed'")

    assert server.posts == 0


@pytest.mark.parametrize("button", ["twice", "another"])
async def test_one_token_lets_one_request_out(serve, guard, button: str):
    server = serve("ok")
    guarded = await guard(server)

    await guarded.press(button, armed=Armed(Click.CONFIRM))
    await guarded.page.wait_for_function("document.title !== 'page'")

    assert server.posts == 1
    assert len(guarded.fired) == 1


async def test_a_second_press_under_the_same_token_sends_nothing(serve, guard):
    server = serve("503")
    guarded = await guard(server)

    await guarded.press("fetch", armed=Armed(Click.CONFIRM))
    await guarded.page.wait_for_function("document.title === 'answered 503'")
    await guarded.page.click("#fetch")
    await guarded.page.wait_for_function("document.title === 'failed'")

    assert server.posts == 1


async def test_where_no_address_is_known_the_first_request_of_the_click_is_the_one(serve, guard):
    server = serve("ok")
    guarded = await guard(server, {Click.CONFIRM: ()})

    await guarded.press("beacon", armed=Armed(Click.CONFIRM))

    assert await asyncio.to_thread(eventually, lambda: server.counts["POST /report"] == 1)
    assert server.counts["POST /submit"] == 1
    assert len(guarded.fired) == 1


@pytest.mark.parametrize("irreversible", [KNOWN, {}])
@pytest.mark.parametrize("button", ["again", "both", "retry", "twice", "another"])
async def test_the_same_deed_is_not_sent_a_second_time(serve, guard, button: str, irreversible: Any):
    """Not with a number that differs, not as a form and as JSON, not after an answer."""
    server = serve("slow" if button == "both" else "ok")
    guarded = await guard(server, irreversible)

    await guarded.press(button, armed=Armed(Click.CONFIRM))
    if button != "both":  # the form's page goes away
        await guarded.page.wait_for_function("document.title !== 'page'")

    assert server.posts == 1
    assert len(guarded.fired) == 1


async def test_a_deed_stays_done_after_its_token_is_closed(serve, guard):
    server = serve("503")
    guarded = await guard(server, {})

    await guarded.press("fetch", armed=Armed(Click.CONFIRM))
    guarded.gate.close()
    await guarded.page.click("#fetch")
    await guarded.page.wait_for_function("document.title === 'failed'")

    assert server.posts == 1


async def test_once_its_effect_is_proved_the_address_serves_the_next_step(serve, guard):
    server = serve("ok")
    guarded = await guard(server, {})

    await guarded.press("fetch", armed=Armed(Click.CONFIRM))
    guarded.gate.close()
    guarded.gate.proved()
    await guarded.press("fetch", armed=Armed(Click.SEAL))

    assert [click for click, _ in guarded.fired] == [Click.CONFIRM, Click.SEAL]
    assert server.posts == 2


async def test_where_everything_is_a_post_to_one_address_reading_goes_on(serve, guard):
    server = serve("ok")
    guarded = await guard(server, {})
    await guarded.press("ask")
    await guarded.page.wait_for_function("document.title === 'state 1'")

    await guarded.press("gateway", armed=Armed(Click.CONFIRM))
    await guarded.page.wait_for_function("document.title === 'state 4'")

    assert server.counts["POST /gateway"] == 4
    assert len(guarded.fired) == 1


@pytest.mark.parametrize("mode", ["ok", "slow"])
async def test_a_request_that_would_outlive_its_page_is_sent_once(serve, guard, mode: str):
    """Chromium lets a keepalive request go when its page does, also one that the gate holds."""
    server = serve(mode)
    guarded = await guard(server)

    await guarded.press("gone", armed=Armed(Click.CONFIRM))

    assert server.posts == 1


async def test_a_window_that_closes_over_its_request_sends_it_at_most_once(serve, guard):
    server = serve("ok")
    guarded = await guard(server)
    guarded.gate.open(Armed(Click.CONFIRM))

    for _ in range(10):
        async with guarded.page.context.expect_page() as opening:
            await guarded.page.click("#popup")
        window = await opening.value
        if not window.is_closed():
            await window.wait_for_event("close")
    await guarded.page.goto(f"{server.address}/")

    assert server.posts <= 1


async def test_what_a_worker_sends_that_no_page_answers_for_passes_the_same_gate(serve, guard):
    server = serve("ok")
    guarded = await guard(server)

    await guarded.page.click("#worker")
    await guarded.page.wait_for_function("document.title !== 'page'")

    assert (await guarded.page.title(), server.posts) == ("failed", 0)
    assert server.counts["GET /worker.js"] == 1


async def test_a_body_that_the_browser_does_not_tell_does_not_leave(serve, guard, tmp_path: Path):
    server = serve("ok")
    guarded = await guard(server)
    file = tmp_path / "seal.png"
    file.write_bytes(b"of the disk")
    await guarded.page.set_input_files("#upload input", file)

    async with guarded.page.expect_event("requestfailed"):
        await guarded.page.evaluate("upload.submit()")

    assert guarded.gate.stopped == [f"POST {server.address}/upload"]
    assert server.counts == {"GET /": 1}


async def test_how_things_stand_is_asked_anew_and_what_pages_are_made_of_is_not(serve, guard):
    """All of it says that it may be kept for an hour. Another origin is not asked for leave first."""
    server = serve("ok")
    guarded = await guard(server)

    for _ in range(2):
        await guarded.page.goto(f"{server.address}/state")
        await guarded.page.wait_for_function("document.title === 'read'")

    read = dict.fromkeys(("GET /state", "GET /state.json", "GET /elsewhere.json"), 2)
    assert server.counts == {"GET /": 1, "GET /makings.js": 1} | read


async def test_the_page_that_the_portal_redirects_to_is_shown(serve, guard):
    server = serve("303")
    guarded = await guard(server)

    await guarded.press("form", armed=Armed(Click.CONFIRM))
    await guarded.page.wait_for_url("**/done")

    assert server.counts == {"GET /": 1, "POST /submit": 1, "GET /done": 1}
    assert [cookie["name"] for cookie in await guarded.page.context.cookies()] == ["seen"]


async def test_a_request_to_send_it_again_elsewhere_is_not_obeyed(serve, guard):
    server = serve("307")
    guarded = await guard(server)

    token = await guarded.press("form", armed=Armed(Click.CONFIRM))

    assert token.lost == "the portal asks to send it again elsewhere (307)"
    assert server.counts == {"GET /": 1, "POST /submit": 1}
