"""The guide walked by hand in a real browser: what a person sees and presses, from home page to 收悉."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, async_playwright, expect
from pypdf import PdfReader

from portal_driver.browser import find_browser
from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import Settings, beijing_now

from .conftest import NEW_YEAR

pytestmark = pytest.mark.browser

AGREE = "已认真阅读以上内容并同意"


@pytest.fixture(scope="module")
def portal(companies: tuple[Company, ...]) -> Iterator[Simulator]:
    """A simulator with one desk and a short reading, whose clock runs on from New Year."""
    settings = Settings(year=2026, read_seconds=1, approve_after_s=None)
    ahead = beijing_now() - NEW_YEAR
    with Simulator(companies, settings, clock=lambda: beijing_now() - ahead) as running:
        yield running


@pytest.fixture
def sim(portal: Simulator) -> Simulator:
    portal.reset()
    return portal


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_browser().executable)
        yield chromium
        await chromium.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context()
    context.set_default_timeout(10_000)
    yield context
    await context.close()


async def open_sign_in(context: BrowserContext, sim: Simulator) -> Page:
    """Screen 1: the menu opened item by item; 小微投保 opens a new tab."""
    home = await context.new_page()
    await home.goto(sim.portal)
    for item in ("业务应用", "金融服务", "中国出口信用保险公司", "我要投保"):
        await home.get_by_text(item, exact=True).click()
    async with context.expect_page() as opened:
        await home.get_by_text("小微投保", exact=True).click()
    return await opened.value


async def type_pin(page: Page, pin: str) -> FrameLocator:
    """Screen 2: 卡介质, the PIN, 登录; the form's frame."""
    tabs = page.frame_locator("#loginIframe1")
    await tabs.locator("a#ic_card").click()
    form = tabs.frame_locator("#loginIframe2")
    await form.locator("#password").fill(pin)
    await form.locator("#loginbutton").click()
    return form


async def read_and_close_renewal_form(screen: FrameLocator) -> None:
    """Screen 6: tick, read what opens, close it when that is allowed."""
    await screen.get_by_text(AGREE).click()
    paper = screen.frame_locator("iframe[name=renewalForm]")
    await expect(paper.get_by_text("小微信保易续转申请单", exact=True)).to_be_visible()
    close = screen.locator(".layui-layer").get_by_text("关闭", exact=True)
    await expect(close).not_to_have_class("btn btn-off")
    await close.click()
    await expect(screen.locator(".layui-layer")).to_have_count(0)


async def test_a_first_time_company_from_the_home_page_to_receipt(
    context: BrowserContext, sim: Simulator, nanyue: Company, tmp_path: Path
):
    sim.insert(1, nanyue.card.number)
    page = await open_sign_in(context, sim)
    await type_pin(page, nanyue.card.pin)

    work = page.frame_locator("#workframe")
    await expect(work.get_by_text(nanyue.uscc, exact=True)).to_be_visible()  # 3
    await page.get_by_text("信用保险系统", exact=True).click()
    screen = work.frame_locator("#tabframe")
    await expect(screen.get_by_text("您有一份待确认小微信保易保单，请查看保单")).to_be_visible()  # 4
    await screen.get_by_text("查看保单", exact=True).click()

    await screen.locator("#contactName").fill("杨丽娟")  # 5
    await screen.locator("#mobile").fill("13820689555")
    await screen.locator("#email").fill("nan_yue@nanyue.example")
    await read_and_close_renewal_form(screen)  # 6
    await screen.get_by_text("确认投保", exact=True).click()
    await expect(screen.locator(".form-error")).to_have_text(
        "邮箱格式不正确，请不要带中划线或下划线等特殊符号"
    )
    await screen.locator("#email").fill("nanyue@nanyue.example")
    await read_and_close_renewal_form(screen)
    await screen.get_by_text("确认投保", exact=True).click()  # 7

    await screen.get_by_text("保存印章并生成协议", exact=True).click()  # 8
    await screen.get_by_text("我确认协议条款").click()  # 9
    await screen.get_by_text("同意", exact=True).click()
    await screen.get_by_text("同意提供上述数据内容").click()  # 10
    await screen.locator("input[value='授 权']").click()
    await screen.get_by_text("确定", exact=True).click()  # 11
    await expect(screen.locator(".done")).to_have_text("✓投保操作完成")

    await work.get_by_text("投保申请", exact=True).click()  # 12
    await expect(screen.get_by_text("审核中", exact=True)).to_be_visible()
    sim.approve(nanyue.uscc)
    await work.get_by_text("保险单", exact=True).click()  # 13
    await screen.get_by_text("查看", exact=True).click()
    async with page.expect_download() as started:
        await screen.get_by_text("下载电子保单", exact=True).click()
    await (await started.value).save_as(tmp_path / "policy.pdf")
    assert PdfReader(tmp_path / "policy.pdf").pages[0].extract_text().count(nanyue.uscc) == 1
    await screen.get_by_text("收悉", exact=True).click()  # 14
    await expect(screen.locator("#state")).to_have_text("已收悉")

    company = sim.state()["companies"][nanyue.uscc]
    assert company["policy"]["received"] is True
    assert {deed: tally["took_effect"] for deed, tally in company["clicks"].items()} == {
        "confirm": 1, "seal": 1, "sign": 1, "authorize": 1, "receipt": 1,
    }  # fmt: skip
    assert company["clicks"]["confirm"]["received"] == 2  # the first had an e-mail that was refused


async def test_the_sign_in_page_says_what_is_wrong(context: BrowserContext, sim: Simulator, hongda: Company):
    page = await open_sign_in(context, sim)
    form = await type_pin(page, hongda.card.pin)
    error = form.locator("#msg")
    await expect(error).to_contain_text("未检测到卡，请插入法人卡。")
    sim.insert(1, hongda.card.number)
    for words in ("您还可以输入 2 次", "您还可以输入 1 次", "卡密码已锁定"):
        await form.locator("#password").fill("11111111")
        await form.locator("#loginbutton").click()
        await expect(error).to_contain_text(words)
    sim.fault("control_missing")
    await form.locator("#password").fill("11111111")
    await form.locator("#loginbutton").click()
    await expect(error).to_contain_text("Err:Base60408")


async def test_a_notice_covers_the_screen_until_it_is_closed(
    context: BrowserContext, sim: Simulator, hongda: Company
):
    sim.insert(1, hongda.card.number)
    sim.fault("notice_on_top", screen="company")
    page = await open_sign_in(context, sim)
    await type_pin(page, hongda.card.pin)
    work = page.frame_locator("#workframe")
    await work.locator(".layui-layer-close").click()
    await expect(work.locator(".layui-layer, .layui-layer-shade")).to_have_count(0)


async def test_on_the_control_page_a_card_is_inserted_with_a_click(
    context: BrowserContext, sim: Simulator, hongda: Company
):
    page = await context.new_page()
    await page.goto(f"{sim.portal}/_sim/")
    await page.locator(f"[data-card={hongda.card.number}]").click()
    await expect(page.locator(".desk").get_by_text(hongda.name)).to_be_visible()
    assert [desk["card"] for desk in sim.state()["desks"]] == [hongda.card.number]
    await page.get_by_text("拔卡", exact=True).click()
    await expect(page.locator(".desk").get_by_text("没有卡", exact=True)).to_be_visible()


async def test_on_the_control_page_a_fault_is_set_and_cleared(context: BrowserContext, sim: Simulator):
    page = await context.new_page()
    await page.goto(f"{sim.portal}/_sim/")
    await page.locator("select[name=kind]").select_option("wrong_pin")
    await page.locator("input[name=times]").fill("2")
    await page.get_by_role("button", name="设置").click()
    await expect(page.get_by_text("次数 2", exact=False)).to_be_visible()
    assert [(fault["kind"], fault["times"]) for fault in sim.state()["faults"]] == [("wrong_pin", 2)]
    await page.get_by_text("全部解除", exact=True).click()
    await expect(page.get_by_text("没有故障", exact=True)).to_be_visible()
    assert sim.state()["faults"] == []
