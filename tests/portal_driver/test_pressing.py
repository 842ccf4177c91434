"""The mouse presses what lies open and at rest, once; everything else is left to Playwright's own press."""

from __future__ import annotations

import asyncio
from html import escape

import pytest
from playwright.async_api import Page

from portal_driver.finding import Press, View, aim, look
from portal_driver.portal import Portal
from portal_driver.pressing import press_if_open
from portal_driver.profile import Profile

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORD = "投保申请"
# Each document counts the presses that reach it, in the name of its window.
COUNTS = "<script>addEventListener('click', event => { name += event.isTrusted ? '|' : '?' }, true)</script>"
BUTTON = f"{COUNTS}<button>{WORD}</button>"


def framed(inside: str, look: str = "") -> str:
    """A document with a frame of its own site, whose border and padding move what is inside."""
    style = f"width: 600px; height: 300px; border: 5px solid; padding: 11px 7px; {look}"
    return f'{COUNTS}<p>上面</p><iframe style="{style}" srcdoc="{escape(inside)}"></iframe>'


async def seen(page: Page) -> Press:
    press = (await look(page, None)).press((WORD,))
    assert press is not None
    return press


async def presses(page: Page) -> str:
    """What all documents counted: a bar for each press of a person's kind."""
    return "".join([await frame.evaluate("name") for frame in page.frames])


@pytest.mark.parametrize(
    "html",
    [
        BUTTON,
        framed(BUTTON),
        framed(framed(BUTTON)),
        "<div style='height: 3000px'></div>" + framed("<div style='height: 2000px'></div>" + BUTTON),
        f"{COUNTS}<a href='#'><span>{WORD[:2]}</span><b>{WORD[2:]}</b></a>",
        f"{COUNTS}<div id=host></div><script>host.attachShadow({{mode: 'open'}}).innerHTML = "
        f"'<button>{WORD}</button>'</script>",
    ],
    ids=["plain", "in a frame", "two frames deep", "far below", "split over elements", "shadow"],
)
async def test_what_lies_open_is_pressed_once(page: Page, html: str):
    await page.set_content(html)

    assert await press_if_open(await seen(page))

    target = (await seen(page)).document.frame
    assert await target.evaluate("name") == "|"
    assert await presses(page) == "|"


COVER = "<div style='position: fixed; inset: 0; background: #fffe'></div>"
MOVES = "<style>@keyframes go { to { margin-left: 600px } } button { animation: go 4s linear infinite }"
COMES_WITH_THE_MOUSE = (
    f"<script>onmousemove = () => document.body.insertAdjacentHTML('beforeend', `{COVER}`)</script>"
)
NOT_DRAWN = "<script>requestAnimationFrame = () => 0</script>"  # as a tab behind others may be
OTHER_SITE = f'<iframe style="width: 600px" src="data:text/html;charset=utf-8,{escape(BUTTON)}"></iframe>'


@pytest.mark.parametrize(
    "html",
    [
        BUTTON + COVER,
        framed(BUTTON) + COVER,
        BUTTON + MOVES,
        BUTTON + COMES_WITH_THE_MOUSE,
        f"{COUNTS}<fieldset disabled><button>{WORD}</button></fieldset>",
        f"{COUNTS}<div aria-disabled=true><button>{WORD}</button></div>",
        framed(BUTTON, "transform: scale(0.5)"),
        OTHER_SITE,
        BUTTON + NOT_DRAWN,
    ],
    ids=[
        *("covered", "frame covered", "moving", "hinted at", "asleep", "said asleep", "scaled"),
        *("of another site", "not drawn"),
    ],
)
async def test_what_may_be_missed_is_not_pressed(page: Page, html: str):
    await page.set_content(html)

    assert not await press_if_open(await seen(page))

    assert await presses(page) == ""


async def test_a_page_that_is_busy_with_the_press_is_not_waited_for(
    page: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal_driver.pressing._TAKEN_WITHIN_S", 0.2)
    await page.set_content(f'<button onmouseup="while (true);">{WORD}</button>')

    async with asyncio.timeout(20):
        assert await press_if_open(await seen(page))


async def test_what_has_gone_is_not_pressed(page: Page):
    await page.set_content(BUTTON)
    press = await seen(page)
    await page.evaluate("document.querySelector('button').textContent = '收悉'")

    assert not await press_if_open(press)

    assert await presses(page) == ""


async def test_what_moved_since_it_was_aimed_at_is_not_hit(page: Page):
    await page.set_content(BUTTON)
    press = await seen(page)
    point = await aim(press)
    await page.evaluate("document.body.style.paddingTop = '40px'")

    assert point is not None
    assert await aim(press, at=point) is None
    assert await aim(press) == (point.x, point.y + 40)


@pytest.mark.parametrize("html", [OTHER_SITE, framed(BUTTON, "transform: scale(0.5)")])
async def test_the_portal_presses_it_all_the_same(page: Page, profile: Profile, html: str):
    await page.set_content(html)

    await Portal(page.context, profile, lambda waited_s: None).press((WORD,))

    assert await presses(page) == "|"


async def test_a_thing_that_is_drawn_anew_is_looked_for_again(page: Page, profile: Profile):
    """Between the look and the press the page put another thing of that name in its place."""
    await page.set_content(COUNTS + f"<main><button>{WORD}</button></main>")
    portal = Portal(page.context, profile, lambda waited_s: None)
    views: list[View] = []

    def first_then_moved_on(view: View) -> Press | None:
        views.append(view)
        return view.press((WORD,))

    before = await portal.look()
    both = f"<button>关闭</button><button>{WORD}</button>"
    await page.evaluate(f"document.querySelector('main').innerHTML = '{both}'")
    await portal.press((WORD,), first_then_moved_on, before=before)

    assert views[0] is before
    assert len(views) > 1
    assert await presses(page) == "|"
