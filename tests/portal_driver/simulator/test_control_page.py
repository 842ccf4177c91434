"""A page written for the real control works on the simulated one unchanged, in a real browser.

The page's script follows what public pages do (portal.md, 2): one socket for the page's life, a number
that starts at 0, callbacks kept by method, only frames that begin with a brace, long requests in blocks.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from portal_driver.browser import control_arguments, find_browser
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

pytestmark = pytest.mark.browser

ADDRESS = "ws://127.0.0.1:61232"
PAGE = """<!doctype html><meta charset="utf-8"><title>control</title><script>
const callbacks = {}, blocks = {}, alerts = [];
let number = 0, socket = null;

function connect() {
  if (socket && socket.readyState < 2) return;
  socket = new WebSocket(location.protocol === "http:" ? "ADDRESS" : "wss://wss.singlewindow.cn:61231");
  socket.onmessage = ({ data }) => {
    if (data.charAt(0) !== "{") return void alerts.push(data);
    const answer = JSON.parse(data);
    if (callbacks[answer._method]) callbacks[answer._method](answer._args, answer);
  };
}

function transmit(text, callback, turns = 0) {
  if (socket.readyState === 1) return socket.send(text);
  const Error = ["连接客户端控件服务失败,请重试.", "Err:Base60408"];
  if (turns > 9) return callback({ Result: false, Data: [], Error });
  connect();
  setTimeout(() => transmit(text, callback, turns + 1), 500);
}

// The answer's id is not looked at; a second request of a method takes the first one's place.
function invoke(method, args = {}) {
  return new Promise((resolve) => {
    connect();
    callbacks[method] = (args, whole) =>
      resolve({ ...args, id: whole && whole._id, status: whole && whole._status });
    const text = JSON.stringify({ _method: method, _id: number++, args });
    if (text.length <= 120 * 1024) return transmit(text, callbacks[method]);
    const guid = crypto.randomUUID();
    blocks[guid] = text.match(/[^]{1,122880}/g);
    block(guid, 0, text.length);
  });
}

function block(guid, place, total) {
  const data = blocks[guid][place];
  const count = blocks[guid].length;
  const fields = [["FFFFFFFF", 8], [total, 16], [data.length, 8], [count, 4], [guid, 36], [place, 4]];
  const header = "BLOCKTXT" + fields.map(([value, width]) => String(value).padEnd(width)).join("");
  transmit(header.padEnd(128) + data, () => {});
}

callbacks._nextBlock = (args) => {
  const { guid, next, finish } = args.Data[0];
  if (finish) delete blocks[guid];
  else block(guid, next, 0);
};
connect();
</script>""".replace("ADDRESS", ADDRESS)


class _Served(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The page's own site: http, so that the script takes the control's address for http pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Served) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
async def page(sim: Simulator, site: str) -> AsyncIterator[Page]:
    """The page, in a browser that finds the desk's control where every page looks for it."""
    arguments = control_arguments(sim.controls[0], (ADDRESS,))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable, args=arguments)
        opened = await (await browser.new_context()).new_page()
        await opened.goto(site)
        yield opened
        await browser.close()


async def invoke(page: Page, method: str, **args: str) -> dict[str, Any]:
    return dict(await page.evaluate("([method, args]) => invoke(method, args)", [method, args]))


def refused(*error: str) -> tuple[bool, list[Any], list[str]]:
    return (False, [], list(error))


def told(answer: dict[str, Any]) -> tuple[bool, list[Any], list[str]]:
    return (answer["Result"], answer["Data"], answer["Error"])


async def test_it_reads_the_card_and_signs_a_challenge(page: Page, sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)

    first = await invoke(page, "cus-sec_SpcInitEnvEx")
    card = await invoke(page, "cus-sec_SpcGetCardID")
    validity = await invoke(page, "cus-sec_SpcGetValidTimeFromCert")
    signed = await invoke(page, "cus-sec_SpcSignRandom", random="42", passwd=hongda.card.pin)
    closed = await invoke(page, "cus-sec_SpcClearEnv")

    assert (first["id"], first["status"], told(first)) == (0, "00", (True, [], []))
    assert told(card) == (True, [hongda.card.number], [])
    assert validity["Data"][0]["szEndTime"] == f"{hongda.card.valid_until:%Y%m%d}235959"
    assert signed["Data"][1] == hongda.card.certificate
    assert told(closed) == (True, [], [])


async def test_it_shows_the_tries_that_are_left_and_the_lock(page: Page, sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)

    answers = [told(await invoke(page, "cus-sec_SpcVerifyPIN", passwd="31415926")) for _ in range(3)]

    left = "[读卡器底层库]验证卡密码失败:错误码：50021,剩余次数：{}"
    assert answers == [
        refused(left.format(2), "Err:Custom50021"),
        refused(left.format(1), "Err:Custom50021"),
        refused("[读卡器底层库]卡密码已锁定:错误码：50022", "Err:Custom50022"),
    ]


async def test_an_empty_reader_and_an_unknown_method_are_errors_with_a_code(page: Page):
    assert told(await invoke(page, "cus-sec_SpcGetCardID")) == refused(
        "[读卡器底层库]复位读卡器失败:错误码：50070", "Err:Custom50070"
    )
    assert told(await invoke(page, "base_FileSize", path="C:/x")) == refused("不支持的方法", "Err:Base60404")


async def test_a_long_request_is_refused_and_the_page_goes_on(page: Page, sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)

    long = await invoke(page, "cus-sec_SpcSignDataAsPEM", inData="x" * 300_000)

    assert told(long) == refused("不支持分块传输", "Err:Base60413")
    assert await page.evaluate("[Object.keys(blocks).length, alerts.length]") == [0, 0]
    assert told(await invoke(page, "ver")) == (True, ["1.6.56"], [])


async def test_a_control_that_cannot_be_reached_is_the_scripts_own_error(
    page: Page, sim: Simulator, hongda: Company
):
    sim.insert(1, hongda.card.number)
    sim.fault("control_missing", hongda.uscc)
    await page.reload()

    assert told(await invoke(page, "ver")) == refused("连接客户端控件服务失败,请重试.", "Err:Base60408")


async def test_two_pages_share_the_one_control(page: Page, sim: Simulator, hongda: Company):
    sim.insert(1, hongda.card.number)
    other = await page.context.new_page()
    await other.goto(page.url)

    await invoke(page, "cus-sec_SpcVerifyPIN", passwd=hongda.card.pin)
    signed = await invoke(other, "cus-sec_SpcSignDataAsPEM", inData="x")
    await invoke(page, "cus-sec_SpcClearEnv")

    assert signed["Result"] is True, "what one page opened is open for the other"
    assert (await invoke(other, "cus-sec_SpcSignDataAsPEM", inData="x"))["Result"] is False
