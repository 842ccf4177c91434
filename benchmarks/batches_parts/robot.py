"""The plainest Playwright script for one renewal: presses what comes next and believes every page.

It compares nothing, writes nothing down, keeps no picture, and would press again what it pressed before.

`python -m benchmarks.batches_parts.robot BROWSER` waits for one job as a line of JSON, and says "received".
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import FrameLocator, Page, expect, sync_playwright

PATIENCE_MS = 60_000  # sixteen browsers on two cores answer slowly


@dataclass(frozen=True)
class Job:
    """One company's renewal, and the desk in whose reader its card goes. All of it may be sent as JSON."""

    portal: str
    api: str
    desk: int
    card: str
    pin: str
    contact: tuple[str, str, str]
    authorized_before: bool
    policy: str  # the file that takes the policy


def renew(job: Job, *, browser: str) -> None:
    """Card in, the whole way from the home page to 收悉 in a browser of its own, card out.

    `browser` is the program's path. Raises Playwright's errors where the portal shows something else.
    """
    httpx.post(f"{job.api}/desks/{job.desk}/insert", json={"card": job.card}).raise_for_status()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser)
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        # By this the simulator knows whose reader the page's own script should ask.
        context.add_cookies([{"name": "sim_desk", "value": str(job.desk), "url": job.portal}])
        page = _sign_in(context.new_page(), job)
        work = page.frame_locator("#workframe")
        screen = work.frame_locator("#tabframe")
        _apply(page, screen, job)
        work.get_by_text("投保申请", exact=True).click()
        expect(screen.get_by_text("已承保", exact=True).first).to_be_visible()
        _receive(page, work, screen, job)
        chromium.close()
    httpx.post(f"{job.api}/desks/{job.desk}/remove").raise_for_status()


def _sign_in(home: Page, job: Job) -> Page:
    home.goto(job.portal)
    for item in ("业务应用", "金融服务", "中国出口信用保险公司", "我要投保"):
        home.get_by_text(item, exact=True).click()
    with home.context.expect_page() as opened:
        home.get_by_text("小微投保", exact=True).click()
    page = opened.value
    tabs = page.frame_locator("#loginIframe1")
    tabs.locator("a#ic_card").click()
    form = tabs.frame_locator("#loginIframe2")
    form.locator("#password").fill(job.pin)
    form.locator("#loginbutton").click()
    return page


def _apply(page: Page, screen: FrameLocator, job: Job) -> None:
    page.get_by_text("信用保险系统", exact=True).click()
    screen.get_by_text("查看保单", exact=True).click()
    for field, value in zip(("contactName", "mobile", "email"), job.contact, strict=True):
        screen.locator(f"#{field}").fill(value)
    screen.get_by_text("已认真阅读以上内容并同意").click()
    layer = screen.locator(".layui-layer")
    close = layer.get_by_text("关闭", exact=True)
    expect(close).not_to_have_class("btn btn-off")  # the form must be read for so long
    close.click()
    screen.get_by_text("确认投保", exact=True).click()
    if not job.authorized_before:
        screen.get_by_text("保存印章并生成协议", exact=True).click()
        screen.get_by_text("我确认协议条款").click()
        screen.get_by_text("同意", exact=True).click()
        screen.get_by_text("同意提供上述数据内容").click()
        screen.locator("input[value='授 权']").click()
        screen.get_by_text("确定", exact=True).click()
    expect(screen.get_by_text("投保操作完成")).to_be_visible()


def _receive(page: Page, work: FrameLocator, screen: FrameLocator, job: Job) -> None:
    work.get_by_text("保险单", exact=True).click()
    screen.locator("tr", has_text="待收悉").get_by_text("查看", exact=True).click()
    with page.expect_download() as started:
        screen.get_by_text("下载电子保单", exact=True).click()
    started.value.save_as(Path(job.policy))
    screen.get_by_text("收悉", exact=True).click()
    expect(screen.locator("#state")).to_have_text("已收悉")


if __name__ == "__main__":
    told = json.loads(sys.stdin.readline())
    renew(Job(**told | {"contact": tuple(told["contact"])}), browser=sys.argv[1])
    print("received", flush=True)
