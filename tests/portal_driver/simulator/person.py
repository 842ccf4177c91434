"""A person at the portal: sees words and presses what bears them, on any skin. Knows no driver."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, ElementHandle, Page
from playwright.async_api import Error as PlaywrightError

from portal_driver.simulator.companies import Company

_PATIENCE_S = 15
_UNSEEN = r"[\s\u200b]*"
_IS_PRESSABLE = """el => {
  const box = el.getBoundingClientRect();
  const made = el.closest("button, a, input, [role=menuitem], [role=tab]");
  const looks = made || getComputedStyle(el).cursor === "pointer";
  const sleeps = el.closest("[disabled], .btn-off, .is-disabled") || getComputedStyle(el).opacity === "0.4";
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const mask = hit && hit.closest(".el-loading-mask");
  return Boolean(box.width && box.x >= 0 && looks && !sleeps && !mask);
}"""
# A box that holds no text and is drawn: what is left of a checkbox without its semantics.
_DRAWN_BOX = """() => [...document.querySelectorAll("span")].find((el) => {
  const box = el.getBoundingClientRect();
  return !el.textContent && box.width > 10 && box.width < 20 && box.height > 10 && box.height < 20;
})"""


def spelled(words: str, behind: str = r"[\s\u200b›→▾✕(（)）\d]*") -> re.Pattern[str]:
    """The words however they are torn, with nothing before and nothing of weight behind."""
    return re.compile("^" + _UNSEEN + _UNSEEN.join(map(re.escape, words)) + behind + "$")


_IS_SETTLED = """() => document.readyState === "complete"
  && [...document.querySelectorAll("*")].every((el) => !el.getAnimations().length)
  && ![...document.querySelectorAll("body *")].some((el) => /^(加载中|印章生成中)/.test(el.textContent.trim())
    && el.getClientRects().length)
  && ![...document.querySelectorAll("div > template:not([shadowrootmode])")].length"""


class Person:
    """Sees the newest tab."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context

    @property
    def page(self) -> Page:
        """The newest tab that is open."""
        return [page for page in self.context.pages if not page.is_closed()][-1]

    async def open(self, address: str) -> None:
        await (await self.context.new_page()).goto(address)

    async def press(self, words: str) -> None:
        """Press what bears the words."""
        await self._until(lambda: self._press_now(words), words)

    async def see(self, words: str) -> None:
        """Wait for the words, whatever stands around them."""
        await self._until(lambda: self._seen(words), words)

    async def tick(self, words: str) -> None:
        """Tick the box beside the words."""
        await self._until(lambda: self._tick_now(words), words)

    async def write(self, *values: str) -> None:
        """Write into the fields that are there, in their order."""
        await self._until(lambda: self._write_now(values), f"{len(values)} fields")

    async def settle(self) -> None:
        """Wait until everything has loaded, masks and fading layers are gone, and what is lazy is there."""

        async def settled() -> bool:
            await self.page.evaluate("scrollTo(0, 1e6)")
            return bool(await self.page.evaluate(_IS_SETTLED))

        await self._until(settled, "the page at rest")

    async def close_form(self) -> None:
        """Close the 续转申请单 by whichever of its two words it has, once it may be closed."""
        await self._until(self._close_form_now, "关闭")

    async def _close_form_now(self) -> bool:
        if await self._seen("还需"):
            return False
        return await self._press_now("关闭") or await self._press_now("返回")

    async def _until(self, act: Callable[[], Awaitable[bool]], what: str) -> None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            try:
                if await act():
                    return
                await self.page.evaluate("scrollTo(0, 1e6)")  # some things are only there below
            except PlaywrightError:
                pass  # the page went away under us
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what}: not seen on {self.page.url}")

    async def _found(self, words: str) -> list[ElementHandle]:
        return [
            element
            for frame in self.page.frames
            for element in await frame.get_by_text(spelled(words)).element_handles()
            if await element.is_visible() and await element.evaluate(_IS_PRESSABLE)
        ]

    async def _press_now(self, words: str) -> bool:
        found = await self._found(words)
        if not found:
            return False
        await found[-1].click(timeout=3000)
        return True

    async def _tick_now(self, words: str) -> bool:
        for frame in self.page.frames:
            text = frame.get_by_text(spelled(words, behind=".*"))
            for element in await text.element_handles():
                if not await element.is_visible():
                    continue
                is_labelled = await element.evaluate("el => el.closest('label') !== null")
                box = None if is_labelled else (await frame.evaluate_handle(_DRAWN_BOX)).as_element()
                await (box or element).click(timeout=3000)
                return True
        return False

    async def _seen(self, words: str) -> bool:
        pattern = re.compile(_UNSEEN.join(map(re.escape, words)))
        for frame in self.page.frames:
            for element in await frame.get_by_text(pattern).element_handles():
                if await element.is_visible():
                    return True
        return False

    async def _write_now(self, values: tuple[str, ...]) -> bool:
        for frame in self.page.frames:
            fields = [
                field
                for field in await frame.query_selector_all("input")
                if await field.is_visible() and await field.is_editable()
                and (await field.get_attribute("type") or "text") in ("text", "password")
            ]  # fmt: skip
            if len(fields) == len(values):
                for field, value in zip(fields, values, strict=True):
                    await field.fill(value)
                return True
        return False


Saw = Callable[[str], Awaitable[None]]


async def sign_in(person: Person, portal: str, company: Company, saw: Saw) -> None:
    """Screens 1 to 3."""
    await person.open(portal)
    for words in ("业务应用", "金融服务", "中国出口信用保险公司", "我要投保"):
        await person.press(words)
    await person.see("小微投保")
    await saw("home")
    await person.press("小微投保")
    await person.see("账号登录")
    await saw("sign_in")
    await person.press("卡介质")
    await person.see("卡密码")
    await saw("pin")
    await person.write(company.card.pin)
    await person.press("登录")
    await person.press("企业信息")
    await person.see(company.uscc)
    await saw("company")


async def apply(person: Person, company: Company, saw: Saw) -> None:
    """Screens 4 to 12."""
    await person.press("信用保险系统")
    await person.see("您有一份待确认小微信保易保单")
    await saw("pending_banner")
    await person.press("查看保单")
    await person.write("杨丽娟", "13820689555", "nanyue@nanyue.example")
    await person.see("已认真阅读以上内容并同意")
    await saw("pending_policy")
    await person.tick("已认真阅读以上内容并同意")
    await person.see("小微信保易续转申请单")
    await saw("application")
    await person.close_form()
    await person.press("确认投保")
    if not company.authorized_before:
        await _authorize(person, saw)
    await person.see("投保操作完成")
    await saw("submitted")
    await person.press("投保申请")
    await person.see("审核中")
    await saw("applications")


async def _authorize(person: Person, saw: Saw) -> None:
    await person.see("保存印章并生成协议")
    await saw("sealing")
    await person.press("保存印章并生成协议")
    await person.see("我确认协议条款")
    await saw("signing")
    await person.tick("我确认协议条款")
    await person.press("同意")
    await person.see("同意提供上述数据内容")
    await saw("authorizing")
    await person.tick("同意提供上述数据内容")
    await person.press("授权")
    await person.see("数据授权已完成")
    await saw("finishing")
    await person.press("确定")


async def receive(person: Person, saw: Saw) -> None:
    """Screens 13 and 14."""
    await person.press("保险单")
    await person.see("待收悉")
    await saw("policies")
    await person.press("查看")
    await person.see("中国出口信用保险公司")
    await saw("policy")
    async with person.page.expect_download() as started:
        await person.press("下载电子保单")
    await (await started.value).path()
    await person.press("收悉")
    await person.see("已收悉")
    await saw("policy_acknowledged")
