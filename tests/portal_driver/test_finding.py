"""Things are found by their visible words, in whatever bears them. Each page here is a small skin."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page

from portal_driver.contract import Reason
from portal_driver.errors import PageChanged
from portal_driver.finding import Region, View, closest, look, scroll_through, take
from portal_driver.gate import Gate
from portal_driver.words import value_after

pytestmark = pytest.mark.browser

CONFIRM = ("确认投保",)


async def shown(page: Page, markup: str) -> View:
    await page.set_content(markup)
    return await look(page, None)


async def pressed(page: Page, view: View, words: tuple[str, ...] = CONFIRM) -> str:
    """The text of the element that would be pressed."""
    press = view.press(words)
    assert press is not None
    element = await take(press)
    assert element is not None
    text: str = await element.evaluate("one => one.id || one.innerText || one.value")
    return text


async def test_a_frame_whose_script_is_busy_holds_up_no_look_for_long(browser: Browser):
    context = await browser.new_context()
    page = await context.new_page()
    await page.set_content("<button>确认投保</button>")
    busy = asyncio.ensure_future(page.evaluate("for (const until = Date.now() + 5000; Date.now() < until;);"))

    async with asyncio.timeout(6):
        view = await look(page, None)

    assert (view.ready, view.text) == (False, "")
    await busy
    assert (await look(page, None)).has_press(CONFIRM)
    await context.close()


async def test_a_frame_whose_document_never_comes_holds_up_no_look(page: Page):
    await page.route("**/never", lambda route: None)
    await page.set_content(
        "<button>确认投保</button><iframe src='http://127.0.0.1:9/never'></iframe>", wait_until="commit"
    )
    await page.wait_for_selector("iframe", state="attached")

    async with asyncio.timeout(5):
        view = await look(page, None)

    assert (view.ready, view.has_press(CONFIRM)) == (False, True)


async def test_a_frame_whose_document_became_a_download_has_loaded(page: Page):
    file = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}
    await page.route("**/file", lambda route: route.fulfill(body=b"%PDF", headers=file))
    async with page.expect_download():
        await page.set_content(
            "<button>确认投保</button><iframe src='http://127.0.0.1:9/file'></iframe>", wait_until="commit"
        )
    await page.wait_for_load_state()

    view = await look(page, None)

    assert (view.ready, view.has_press(CONFIRM)) == (True, True)


@pytest.mark.parametrize(
    "markup",
    [
        "<button id=it>确认投保</button>",
        "<a id=it href='#'>确认投保</a>",
        "<input id=it type=button value='确认投保'>",
        "<form><input id=it type=submit value='确 认 投 保'></form>",
        "<div role=button><b id=it>确认投保</b></div>",
        "<div id=it style='cursor: pointer'>确认投保</div>",
        "<span id=it onclick='1'>确认投保</span>",
        "<li tabindex=0><em id=it>确认投保</em></li>",
        "<div id=it>确认投保</div>",
        "<div id=it style='cursor: pointer'><span>确认</span><span>投保</span></div>",
        "<button id=it>确认投保 <i>›</i></button>",
        "<a id=it>确认投保（3）</a>",
        "<button id=it title='确认投保' style='width: 20px; height: 20px'></button>",
        "<button id=it aria-label='确认投保' style='width: 20px; height: 20px'></button>",
        "<a href='#'><img id=it alt='确认投保' width=20 height=20></a>",
        "<svg width=0></svg><div id=host></div><script>document.querySelector('#host')"
        ".attachShadow({mode: 'open'}).innerHTML = '<div id=it style=cursor:pointer>确认投保</div>'</script>",
        "<button hidden>确认投保</button><button id=it>确认投保</button>",
        "<button style='visibility: hidden'>确认投保</button><button id=it>确认投保</button>",
        "<p>请点击<b>确认投保</b>完成</p><button id=it>确认投保</button>",
        "<h2>确认投保</h2><ol><li>确认投保</li></ol><button id=it>确认投保</button>",
        "<div style='height: 3000px'></div><button id=it>确认投保</button>",
        "<button id=it>\ue640 确认投保</button>",
        "<button id=it>【确认投保】</button>",
        "<button id=it>确\u200b认<i>投</i>\u3000保</button>",
        "<style>#it::after { content: '确认投保' }</style><button id=it></button>",
        "<table><tr><td id=it>确认投保<div hidden>下级菜单</div></td></tr></table>",
        "<div onclick='1' id=it><span>确认投保</span><i>›</i></div>",
        "<b style='position: absolute; left: -9999px'>确认投保</b><button id=it>确认投保</button>",
        "<div style='height: 0; overflow: hidden'><b>确认投保</b></div><button id=it>确认投保</button>",
        "<div style='opacity: 0'><button>确认投保</button></div><button id=it>确认投保</button>",
    ],
)
async def test_the_words_are_found_in_whatever_bears_them(page: Page, markup: str):
    assert await pressed(page, await shown(page, markup)) == "it"


@pytest.mark.parametrize(
    "markup",
    [
        "<p>请点击<b>确认投保</b>完成</p>",
        "<p>确认投保</p>",
        "<h1>确认投保</h1>",
        "<button>不确认投保</button>",
        "<button>确认投保并签约</button>",
        "<button style='cursor: pointer'><b>确认投保</b>须知下载</button>",
        "<button style='display: none'>确认投保</button>",
        "<table><tr><th>确认投保</th></tr></table>",
        "<select><option>确认投保</option></select>",
        "<script>'确认投保'</script>",
        "<iframe style='display: none' srcdoc='<button>确认投保</button>'></iframe>",
    ],
)
async def test_words_that_nobody_could_press_are_not_found(page: Page, markup: str):
    assert (await shown(page, markup)).press(CONFIRM) is None


async def test_frames_of_any_depth_are_searched(page: Page):
    inner = "<iframe srcdoc='<button id=it>确认投保</button>'></iframe>"
    await page.set_content(f'<h1>外</h1><iframe srcdoc="{inner}"></iframe>')
    await page.frames[-1].wait_for_load_state()

    view = await look(page, None)

    assert await pressed(page, view) == "it"
    assert view.text == "外\n确认投保"


async def test_two_that_say_the_same_are_ambiguous(page: Page):
    view = await shown(page, "<button>确认投保</button><button>确认投保</button>")

    with pytest.raises(PageChanged) as ambiguous:
        view.press(CONFIRM)

    assert ambiguous.value.reason is Reason.PAGE_AMBIGUOUS
    assert ambiguous.value.detail == {"expected": "确认投保", "seen": "2 ×: 确认投保 | 确认投保"}


async def test_a_button_and_a_styled_thing_that_say_the_same_are_ambiguous(page: Page):
    view = await shown(page, "<button>确认投保</button><div style='cursor: pointer'>确认投保</div>")

    with pytest.raises(PageChanged):
        view.press(CONFIRM)


async def test_two_links_to_one_address_are_one_way(page: Page):
    view = await shown(
        page, "<a href='http://a.example/x'>投保申请</a><a href='http://a.example/x'>投保申请</a>"
    )

    assert view.press(("投保申请",)) is not None


async def test_of_several_ways_the_menus_comes_first(page: Page):
    view = await shown(
        page,
        "<span role=tab tabindex=0>投保申请</span><nav><a href='#'>投保申请</a></nav><p>投保申请</p>",
    )

    assert [(way.menu, way.sure) for way in view.ways(("投保申请",))] == [(True, 1), (False, 1)]


async def test_the_button_nearest_to_the_field_is_its_own(page: Page):
    view = await shown(
        page,
        "<a href='#'>登录</a><div style='height: 300px'></div>"
        "<form><input type=password placeholder=卡密码><button id=it type=button>登 录</button></form>",
    )

    [field] = view.fields
    button = view.near(("登录",), field)

    assert button is not None
    element = await take(button)
    assert element is not None
    assert await element.get_attribute("id") == "it"


async def test_a_shadow_tree_is_read_also_where_it_is_closed(browser_of_its_own: Browser):
    context = await browser_of_its_own.new_context()
    await Gate({}, answer_s=1, on_fired=lambda click, digest: None).guard(context)
    page = await context.new_page()
    await page.goto("data:text/html,<div id=host></div>")
    await page.evaluate("host.attachShadow({mode: 'closed'}).innerHTML = '<button>确认投保</button>'")

    view = await look(page, None)

    assert view.press(CONFIRM) is not None


async def test_the_one_in_the_top_layer_is_meant(page: Page):
    layer = "position: fixed; inset: 0; z-index: 100; background: white"
    view = await shown(
        page, f"<button>确认投保</button><div style='{layer}'><button id=it>确认投保</button></div>"
    )

    assert await pressed(page, view) == "it"


async def test_the_one_in_an_open_dialog_is_meant(page: Page):
    view = await shown(
        page,
        "<button>确认投保</button><dialog id=d><button id=it>确认投保</button></dialog>"
        "<script>d.showModal()</script>",
    )

    assert await pressed(page, view) == "it"


async def test_the_one_in_its_row_is_meant(page: Page):
    view = await shown(
        page,
        "<table><tr><td>2025</td><td><a>查看</a></td></tr><tr><td>2026</td><td><a>查看</a></td></tr></table>",
    )
    row = next(row for row in view.rows if row.cells[0].text == "2026")

    press = view.press(("查看",), within=Region(row.document, row.rect))

    assert press is not None
    assert press.rect.is_level_with(row.rect)
    assert len(view.saying(("查看",))) == 2


@pytest.mark.parametrize(
    "markup",
    [
        "<button disabled>确认投保</button>",
        "<div role=button aria-disabled=true>确认投保</div>",
        "<a class='layui-btn layui-btn-disabled'>确认投保</a>",
        "<div class='el-button is-disabled' style='cursor: pointer'><span>确认投保</span></div>",
    ],
)
async def test_what_is_disabled_is_seen_to_be(page: Page, markup: str):
    press = (await shown(page, markup)).press(CONFIRM)

    assert press is not None
    assert press.disabled


async def test_an_element_that_changed_meanwhile_is_not_pressed(page: Page):
    press = (await shown(page, "<button>确认投保</button>")).press(CONFIRM)
    await page.set_content("<button>取消</button>")

    assert press is not None
    assert await take(press) is None


@pytest.mark.parametrize(
    "markup",
    [
        "<label for=it>姓名</label><input id=it><input>",
        "<label>姓名：<input id=it></label>",
        "<table><tr><th>* 姓 名</th><td><input id=it></td></tr><tr><th>手机</th><td><input></td></tr>",
        "<div><span>姓名</span><div><input id=it></div></div><div><span>手机</span><div><input></div></div>",
        "<input placeholder='请输入姓名' id=it><input placeholder='请输入手机'>",
        "<input aria-label='姓名' id=it>",
        "<b id=l>姓名</b><p>说明</p><textarea aria-labelledby=l id=it></textarea>",
    ],
)
async def test_a_field_is_found_by_its_label(page: Page, markup: str):
    field = (await shown(page, markup)).field(("姓名",))

    assert field is not None
    element = await take(field)
    assert element is not None
    assert await element.get_attribute("id") == "it"


async def test_a_pin_field_is_noticed_and_its_value_never_read(page: Page):
    view = await shown(page, "<input type=password value=31415926 placeholder=密码>")

    assert view.secret
    assert [(field.secret, field.value) for field in view.fields] == [(True, "")]


@pytest.mark.parametrize(
    "markup",
    [
        "<label><input type=checkbox id=it> 我确认协议条款</label>",
        "<input type=checkbox id=it><label for=it>我确认协议条款</label>",
        "<div><input type=checkbox id=it><span>我确认协议条款《小微信保易线上投保服务协议》</span></div>",
        "<i role=checkbox aria-checked=false id=it style='display: block; width: 9px; height: 9px'></i>"
        "<span>我确认协议条款</span>",
        "<label><input type=checkbox style='display: none'>"
        "<i id=it style='display: inline-block; width: 9px; height: 9px'></i> 我确认协议条款</label>",
        "<div role=checkbox aria-checked=false id=it tabindex=0>我确认协议条款</div>",
        "<div><b id=it style='display: inline-block; width: 14px; height: 14px; border: 1px solid'></b>"
        "<span>我确认协议条款</span></div>",
        "<label><input type=checkbox style='opacity: 0; position: absolute'>"
        "<i id=it style='display: inline-block; width: 9px; height: 9px'></i> 我确认协议条款</label>",
    ],
)
async def test_a_box_is_found_by_the_words_beside_it(page: Page, markup: str):
    box = (await shown(page, markup + "<p><label><input type=checkbox> 记住我</label></p>")).box(
        ("我确认协议条款",)
    )

    assert box is not None
    assert box.ticked is (None if box.drawn else False)
    element = await take(box)
    assert element is not None
    assert await element.get_attribute("id") == "it"


async def test_where_no_box_is_to_be_seen_its_words_are_pressed(page: Page):
    view = await shown(page, "<p>请勾选。</p><div onclick='1'>我确认协议条款《服务协议》</div>")

    assert view.box(("我确认协议条款",)) is None
    assert view.has_box(("我确认协议条款",))
    label = view.label(("我确认协议条款",))
    assert label is not None
    assert label.said == "我确认协议条款《服务协议》"


async def test_a_field_drawn_as_dots_is_secret(page: Page):
    view = await shown(page, "<input style='-webkit-text-security: disc' value=31415926 placeholder=卡密码>")

    assert view.secret
    assert [(field.secret, field.value) for field in view.fields] == [(True, "")]


async def test_a_label_and_its_value_on_one_line_are_kept_apart(page: Page):
    view = await shown(
        page,
        "<style>i::after { content: '：' }</style>"
        "<div><i>企业名称</i><b>宏达 贸易</b></div><div><i>社会</i><i>信用代码</i><b> 9144</b></div>",
    )

    assert value_after(view.text, ("企业名称",)) == "宏达 贸易"


async def test_what_lies_further_down_is_brought_into_sight(page: Page):
    await page.set_content(
        "<div style='height: 3000px'></div><div id=late>…</div><script>"
        "new IntersectionObserver(([seen]) => { if (seen.isIntersecting) late.textContent = '确认投保' })"
        ".observe(late)"
        "</script>"
    )

    assert await scroll_through(page)
    assert (await look(page, None)).mentions(CONFIRM)


async def test_a_ticked_box_is_seen_to_be(page: Page):
    box = (await shown(page, "<label><input type=checkbox checked> 我确认协议条款</label>")).box(
        ("我确认协议条款",)
    )

    assert box is not None
    assert box.ticked is True


async def test_the_closest_things_are_named_for_the_operator(page: Page):
    view = await shown(page, "<button>提交投保信息</button><button>返回首页</button>")

    assert closest(view, CONFIRM).split(" | ")[0] == "提交投保信息"


async def test_the_text_keeps_cells_and_lines_apart(page: Page):
    view = await shown(
        page,
        "<h1>企业信息</h1><table><tr><th>企业名称</th><td>宏达 贸易</td></tr></table><p>一<b>二</b>三</p>",
    )

    assert view.text == "企业信息\n企业名称\t宏达 贸易\n一二三"
