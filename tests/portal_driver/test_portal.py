"""Waiting and acting in a tab: dialogs by rule, fields read back, rest told from slowness."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from playwright.async_api import Page, Route

from portal_driver.contract import Reason
from portal_driver.errors import PageChanged, PortalUnavailable
from portal_driver.finding import Press, View
from portal_driver.portal import Portal
from portal_driver.profile import Profile

pytestmark = pytest.mark.browser

ASKS = "<button onclick=\"document.title = confirm('是否确认投保？') ? 'yes' : 'no'\">确认投保</button>"


@pytest.fixture
def impatient(profile: Profile) -> Profile:
    return replace(profile, limits=replace(profile.limits, settled_s=0.3, page_s=1.0))


@pytest.fixture
async def portal(page: Page, impatient: Profile) -> Portal:
    return Portal(page.context, impatient, lambda waited_s: None)


async def test_a_question_that_no_rule_names_is_answered_with_no(page: Page, portal: Portal):
    await page.set_content(ASKS)

    await portal.press(("确认投保",))

    assert await page.title() == "no"
    assert portal.dialogs == ["是否确认投保？"]


async def test_a_question_that_the_profile_names_is_answered_with_yes(page: Page, impatient: Profile):
    notices = replace(impatient.notices, accept_dialogs=("是否确认投保",))
    portal = Portal(page.context, replace(impatient, notices=notices), lambda waited_s: None)
    await page.set_content(ASKS)

    await portal.press(("确认投保",))

    assert await page.title() == "yes"


async def test_a_declined_question_is_told_with_what_is_missing_then(page: Page, portal: Portal):
    await page.set_content(ASKS)
    await portal.press(("确认投保",))

    with pytest.raises(PageChanged) as changed:
        await portal.find(("保存印章并生成协议",))

    assert changed.value.detail["dialog"] == "是否确认投保？"


async def test_a_field_that_does_not_keep_what_is_written_is_noticed(page: Page, portal: Portal):
    await page.set_content('<label>手机 <input oninput="this.value = this.value.slice(0, 5)"></label>')

    with pytest.raises(PageChanged) as changed:
        await portal.fill({("手机",): "13820000000"})

    assert changed.value.detail["expected"] == "手机 as written"


async def test_a_field_that_another_field_writes_over_is_noticed(page: Page, portal: Portal):
    await page.set_content(
        """<label>姓名 <input id="name"></label>
        <label>手机 <input oninput="document.getElementById('name').value = ''"></label>"""
    )

    with pytest.raises(PageChanged) as changed:
        await portal.fill({("姓名",): "王志强", ("手机",): "13820000000"})

    assert changed.value.detail["expected"] == "姓名 as written"


async def test_what_a_notice_lies_over_is_not_pressed_by_an_older_view(page: Page, portal: Portal):
    await page.set_content(
        """<button onclick="document.title = 'pressed'">同意</button>
        <div style="position: fixed; inset: 0; z-index: 9">系统公告
          <button onclick="this.parentElement.remove()">关闭</button></div>"""
    )
    before = await portal.look()

    button = await portal.find(("同意",), before=before)

    assert (await portal.look()).mentions(("系统公告",)) == ""
    await portal.click(button, says="同意")
    assert await page.title() == "pressed"


async def test_a_button_that_wakes_up_later_is_waited_for(page: Page, portal: Portal):
    await page.set_content(
        "<button disabled onclick=\"document.title = 'pressed'\">同意</button>"
        "<script>setTimeout(() => document.querySelector('button').disabled = false, 150)</script>"
    )

    await portal.press(("同意",))

    assert await page.title() == "pressed"


async def test_a_page_that_calls_home_all_the_time_comes_to_rest_all_the_same(page: Page, portal: Portal):
    await page.route(
        "**/alive", lambda route: route.fulfill(body="1", headers={"Access-Control-Allow-Origin": "*"})
    )
    await page.set_content(
        "<p>时间 <b id=t>0</b></p><script>"
        "setInterval(() => { t.textContent = Date.now(); fetch('http://127.0.0.1:9/alive') }, 40)"
        "</script>"
    )

    with pytest.raises(PageChanged):
        await portal.find(("确认投保",))


async def test_a_button_is_not_pressed_before_its_page_has_loaded(page: Page, portal: Portal):
    async def late(route: Route) -> None:
        await page.evaluate("document.querySelector('button').onclick = () => { document.title = 'pressed' }")
        await route.fulfill(body="", content_type="text/css")

    await page.route("**/late.css", late)
    await page.set_content(
        "<link rel=stylesheet href='http://127.0.0.1:9/late.css'><button>查看保单</button>",
        wait_until="commit",
    )

    await portal.press(("查看保单",))

    assert await page.title() == "pressed"


async def test_what_cannot_be_pressed_is_told_in_words(page: Page, impatient: Profile):
    portal = Portal(
        page.context, replace(impatient, limits=replace(impatient.limits, press_s=0.5)), lambda waited_s: None
    )
    await page.set_content(
        "<button>同意</button><div style='position: fixed; inset: 0; z-index: 9; background: white'></div>"
    )

    with pytest.raises(PageChanged) as covered:
        await portal.press(("同意",))

    assert covered.value.detail == {"expected": "同意, to be pressed", "seen": "something lies over it"}


async def test_the_second_of_two_doors_is_tried_where_the_first_leads_nowhere(page: Page, portal: Portal):
    from portal_driver.pages import SignInPage

    await page.set_content(
        "<nav><a href='#' onclick='return false'>小微投保</a></nav>"
        "<a href='#' onclick=\"b.innerHTML = '<a>卡介质</a>'\">小微投保</a><div id=b></div>"
    )

    await portal.follow([("小微投保",)], SignInPage)

    assert await page.locator("#b").inner_text() == "卡介质"


async def test_a_page_at_rest_without_the_words_has_changed(page: Page, portal: Portal):
    await page.set_content("<h1>企业信息</h1><button>提交投保信息</button>")

    with pytest.raises(PageChanged) as changed:
        await portal.find(("确认投保",))

    assert changed.value.detail == {
        "expected": "确认投保",
        "seen": "企业信息",
        "nearest": "提交投保信息",
    }


async def test_a_page_that_never_rests_is_slow_and_not_changed(page: Page, portal: Portal):
    await page.route("**/unanswered", lambda route: None)
    await page.set_content("<script>fetch('http://127.0.0.1:9/unanswered')</script>")

    with pytest.raises(PortalUnavailable) as slow:
        await portal.find(("确认投保",))

    assert (slow.value.reason, slow.value.detail["seen"]) == (Reason.PORTAL_UNAVAILABLE, "still loading")


async def test_words_in_an_older_tab_are_found_once_the_newest_rests(page: Page, portal: Portal):
    await page.set_content("<button onclick=\"document.title = 'pressed'\">查看保单</button>")
    await page.context.new_page()

    await portal.press(("查看保单",))

    assert await page.title() == "pressed"


@pytest.mark.parametrize(
    ("window", "tabs"),
    [
        ("<h1>用户满意度调查</h1><p>请您对本次服务作出评价。</p><button>关闭</button>", 1),
        ("<h1>优惠活动</h1>", 2),
        ("<h1>用户满意度调查</h1><button>授权</button>", 2),
        ("<footer><a>用户满意度调查</a></footer><h1>查看保单</h1><input type=password>", 2),
        ("<h1>投保操作完成</h1><footer><a href='#'>用户满意度调查</a></footer>", 2),
    ],
    ids=[
        "as listed",
        "not listed",
        "with something to press",
        "with a PIN field",
        "a page that links to one",
    ],
)
async def test_a_window_that_the_profile_lists_is_closed_and_no_other(
    page: Page, portal: Portal, window: str, tabs: int
):
    other = await page.context.new_page()
    await other.set_content(window)

    view = await portal.look()

    assert (len(portal.tabs()), view.page) == (tabs, page if tabs == 1 else other)


async def test_a_menu_is_not_pressed_shut(page: Page, portal: Portal, impatient: Profile):
    """The furthest word in sight is pressed; one that is open already is left alone."""
    from portal_driver.pages import SignInPage

    await page.set_content(
        "<a onclick='m.hidden = !m.hidden'>业务应用</a>"
        "<div id=m><a onclick=\"b.innerHTML = '<a>卡介质</a>'\">小微投保</a></div><div id=b></div>"
    )

    await portal.follow([("业务应用",), ("小微投保",)], SignInPage)

    assert await page.locator("#m").is_visible()


async def test_a_document_on_its_way_is_waited_for_before_the_next_look(
    page: Page, portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal_driver.movement._LOOK_ANYWAY_S", 30.0)

    async def in_a_while(route: Route) -> None:
        await asyncio.sleep(0.2)  # ten times what is calm otherwise
        await route.fulfill(body="<p>已经到达</p>", content_type="text/html; charset=utf-8")

    await page.route("**/next", in_a_while)
    await page.set_content("<a href='http://127.0.0.1:9/next'>下一页</a>")
    await portal.press(("下一页",))

    assert (await portal.glance()).mentions(("已经到达",))


async def test_a_look_serves_until_something_is_done(
    page: Page, portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal_driver.portal._FRESH_S", 30.0)
    await page.set_content("<button>同意</button>")
    view = await portal.look()

    assert await portal.glance() is view

    await portal.press(("同意",), before=view)
    assert await portal.glance() is not view


async def test_a_look_serves_no_longer_than_a_moment(
    page: Page, portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal_driver.portal._FRESH_S", -1.0)
    await page.set_content("<button>同意</button>")

    assert await portal.look() is not await portal.glance()


async def test_a_look_at_everything_does_not_serve_for_the_profiles_words(page: Page, portal: Portal):
    await page.set_content("<button>无关</button>")
    everything = await portal.look(everything=True)

    assert await portal.glance() is not everything


async def test_a_thing_that_is_drawn_anew_is_looked_for_again(page: Page, portal: Portal):
    """Between the look and the press the page put another thing of that name in its place."""
    await page.set_content("<main><button>投保申请</button></main>")
    views: list[View] = []

    def seen_in(view: View) -> Press | None:
        views.append(view)
        return view.press(("投保申请",))

    before = await portal.look()
    both = "<button>关闭</button><button onclick=`document.title = 1`>投保申请</button>".replace("`", '"')
    await page.evaluate(f"document.querySelector('main').innerHTML = '{both}'")
    await portal.press(("投保申请",), seen_in, before=before)

    assert views[0] is before
    assert len(views) > 1
    assert await page.title() == "1"
