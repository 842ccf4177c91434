"""The pages as people use them, in a real browser: with the keyboard, live, without script, for all eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from agency.models import Agency, Role, User
from agency.tenancy import scope
from companies.domain import imports
from companies.models import Company, Import, ImportRow, ImportState
from portal_driver.browser import find_browser
from portal_driver.contract import Outcome, Reason
from renewals.domain import desks
from renewals.models import Desk, PinGrant, Renewal
from tests.cast import YEAR, make_company, make_person, make_renewal, uscc_for
from tests.companies.workbooks import xlsx
from tests.database import OPERATOR, OTHER_AGENCY, OUR_AGENCY
from tests.renewals.papers import keep_picture, keep_policy
from tests.renewals.runs import claim, finish, press

pytestmark = [pytest.mark.journey, pytest.mark.browser]

AXE = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What differs between the themes.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
PHONE = {"width": 390, "height": 844}


@dataclass
class Site:
    """The running site, and whoever opens it in the browser."""

    address: str
    browser: Browser
    people: dict[str, User]
    renewals: list[Renewal]

    def open(self, who: str, path: str, **context: Any) -> Page:
        """A page of somebody who is signed in, in a window of its own."""
        page = self.window(who, **context).new_page()
        page.goto(f"{self.address}{path}")
        return page

    def window(self, who: str, **context: Any) -> BrowserContext:
        window = self.browser.new_context(**{"locale": "zh-CN"} | context)
        cookie = in_background(lambda: session_of(self.people[who]))
        window.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.address}])
        return window


def in_background[T](act: Callable[[], T]) -> T:
    """Touch the database from a thread: Playwright's own runs an event loop."""

    def acted() -> T:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(acted).result()


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def site(committed: None, tmp_path: Path) -> Iterator[Site]:
    """Three companies, the first complete, the others waiting; and Mei, Lin and Chen."""
    people, renewals = stage(tmp_path)
    server = LiveServer("localhost")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(find_browser().executable))
            yield Site(server.url, browser, people, renewals)
            browser.close()
    finally:
        server.stop()


def stage(directory: Path) -> tuple[dict[str, User], list[Renewal]]:
    agency = Agency(pk=OUR_AGENCY, name="岭南外贸服务")
    mei = make_person("mei@lingnan.example", "Mei", agency, Role.STAFF)
    names = ("广州市宏达贸易有限公司", "清远市远航电子有限公司", "韶关市佳禾食品有限公司")
    companies = [make_company(agency, number, name) for number, name in enumerate(names, start=1)]
    people = {
        "mei": mei,
        "lin": make_person("lin@lingnan.example", "Lin", agency, Role.ADMIN),
        "chen": make_person("chen@hongda.example", "Chen", agency, Role.CLIENT, companies[0]),
    }
    renewals = [make_renewal(company, mei) for company in companies]
    complete(renewals[0], directory)
    return people, renewals


def complete(renewal: Renewal, directory: Path) -> None:
    with scope(OUR_AGENCY):
        desk = Desk.objects.create(name="1 号读卡台", code="d1", control="ws://127.0.0.1:1")
        card = renewal.company.cards.get()
    run = claim(card, desk)
    keep_picture(run, directory)
    keep_policy(run, directory)
    press(run)
    with scope(OUR_AGENCY):
        renewal.stages.update(state="done")
        renewal.intents.update(state="confirmed")
    finish(run, Outcome.COMPLETE)


def stop(renewal: Renewal) -> None:
    """A run of this renewal stops for a person."""
    with scope(OUR_AGENCY):
        desk, card = Desk.objects.get(code="d1"), renewal.company.cards.get()
    finish(claim(card, desk), Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)


# --- The board --------------------------------------------------------------------------------


def test_a_row_changes_by_itself_and_selection_and_focus_stay(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"))
    renewal = site.renewals[1]
    row = page.locator(f"#r-{renewal.pk}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(row.get_by_role("checkbox")).to_be_checked()
    in_background(lambda: stop(renewal))
    expect(row.locator(".mark-attention")).to_have_count(1)
    expect(page.locator(".tile-attention b")).to_have_text("1")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(row.get_by_role("link")).to_be_focused()


def test_the_board_is_worked_with_the_keyboard_alone(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("远航")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("o")
    beside = page.get_by_role("complementary", name="列表旁的办理详情")
    expect(beside.get_by_role("heading", name="办理经过")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(beside).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("清远市远航电子有限公司")


def test_a_key_right_after_the_help_was_closed_is_not_lost(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"))
    page.evaluate(
        """() => {
          const help = document.getElementById("help");
          help.showModal();
          const focused = document.activeElement;
          help.close();
          focused.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
        }"""
    )
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_choosing_a_filter_acts_at_once_and_stands_in_the_address(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"))
    page.get_by_role("combobox", name="环节").select_option("receipt")
    expect(page.get_by_text("没有符合条件的续保。")).to_be_visible()
    assert page.url == f"{site.address}{reverse('renewals:board')}?year={YEAR}&stage=receipt"


def test_filters_are_folded_on_a_phone_and_those_that_are_set_are_told(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"), viewport=PHONE)
    first = page.locator("tbody tr").first.bounding_box()
    assert first is not None
    assert first["y"] + first["height"] < PHONE["height"] * 2 / 3
    page.keyboard.press("/")
    page.keyboard.press("Tab")
    expect(page.locator(".fold > summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="保单年度")).to_be_focused()
    assert violations(page) == []
    page.get_by_role("combobox", name="环节").select_option("confirmation")
    page.get_by_role("combobox", name="负责同事").select_option(label="Lin")
    page.get_by_role("button", name="显示").click()
    expect(page.get_by_text("没有符合条件的续保。")).to_be_visible()
    expect(page.locator(".fold > summary")).to_have_text("筛选 · 2 项")
    expect(page.get_by_role("combobox", name="环节")).to_be_hidden()
    assert violations(page) == []
    page.get_by_role("link", name="去掉此筛选： Lin").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.url == f"{site.address}{reverse('renewals:board')}?year={YEAR}&stage=confirmation"


@pytest.mark.parametrize("name", ["renewals:board", "companies:list", "readiness:list", "trail"])
def test_filters_unfold_without_script_on_a_phone_and_stand_open_elsewhere(site: Site, name: str) -> None:
    page = site.open("lin", reverse(name), viewport=PHONE, java_script_enabled=False)
    field = page.locator(".fold select").last
    expect(field).to_be_hidden()
    page.locator(".fold > summary").click()
    expect(field).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="显示").click()
    wide = site.open("lin", reverse(name))
    expect(wide.locator(".fold select").last).to_be_visible()
    expect(wide.locator(".fold > summary")).to_be_hidden()


def as_an_older_browser(route: Route) -> None:
    """Gives out the style sheet as one reads it that knows no `::details-content`, such as Firefox 140."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("::details-content", "::nobody-knows-this"))


def place(shown: Locator) -> tuple[float, float]:
    """Where something stands on the page: its left upper corner."""
    box = shown.bounding_box()
    assert box is not None
    return box["x"], box["y"]


@pytest.mark.parametrize(("width", "beside"), [(1280, True), (390, False)])
def test_an_older_browser_folds_filters_everywhere_and_unfolds_them_on_lines_of_their_own(
    site: Site, width: int, beside: bool
) -> None:
    window = site.window("mei", viewport={"width": width, "height": 844})
    window.route("**/*.css", as_an_older_browser)
    page = window.new_page()
    page.goto(f"{site.address}{reverse('companies:list')}?owner=null")
    fields = page.locator(".fold select")
    expect(fields.first).to_be_hidden()
    expect(page.get_by_role("link", name="去掉此筛选： 负责同事：未指定")).to_be_visible()
    page.locator(".fold > summary").click()
    search, first, second = map(place, (page.get_by_role("searchbox"), *fields.all()[:2]))
    assert first[0] == search[0]
    assert first[1] > search[1]
    assert (first[1] == second[1]) == beside
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []
    fields.first.focus()
    page.get_by_role("combobox", name="负责同事").select_option(label="负责同事：全部")
    page.get_by_role("button", name="显示").click()
    expect(page.locator(".fold > summary")).to_have_text("筛选")


# --- What waits for a person ------------------------------------------------------------------


def test_what_waits_is_opened_and_settled_with_the_keyboard_alone(site: Site) -> None:
    in_background(lambda: stop_each(site.renewals[1:]))
    page = site.open("mei", reverse("renewals:attention"))
    title = page.locator("#detail-title")
    expect(title).to_have_text("清远市远航电子有限公司")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(title).to_have_text("韶关市佳禾食品有限公司")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(title).to_have_text("清远市远航电子有限公司")
    page.get_by_role("button", name="重试").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".notices")).to_contain_text("清远市远航电子有限公司已重新排队。")
    expect(title).to_have_text("韶关市佳禾食品有限公司")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def stop_each(renewals: list[Renewal]) -> None:
    for renewal in renewals:
        stop(renewal)


def test_an_item_is_closed_without_script_and_only_after_the_person_was_told(site: Site) -> None:
    in_background(lambda: stop(site.renewals[1]))
    page = site.open("mei", reverse("renewals:attention"), java_script_enabled=False)
    page.get_by_text("按未通过结案").first.click()
    expect(page.get_by_text("本年度不再办理")).to_be_visible()
    page.get_by_role("textbox", name="原因").fill("企业今年不参加")
    page.locator("#do-refuse button").click()
    expect(page.get_by_role("heading", name="没有待人工的事项")).to_be_visible()
    assert in_background(lambda: states_of(site.renewals[1].company)) == ["refused"]


def test_what_somebody_writes_on_a_renewal_stays_while_the_page_moves(site: Site) -> None:
    renewal = site.renewals[1]
    page = site.open("mei", reverse("renewals:renewal", args=[renewal.pk]))
    page.get_by_label("写给同事的备注").fill("周五再打电话")
    in_background(lambda: stop(renewal))
    expect(page.locator("#live .chip-attention")).to_be_visible()
    expect(page.locator("#do-refuse")).to_be_visible()
    expect(page.get_by_label("写给同事的备注")).to_have_value("周五再打电话")


def test_the_technical_details_come_when_they_are_opened(site: Site) -> None:
    page = site.open("mei", reverse("renewals:renewal", args=[site.renewals[0].pk]))
    page.get_by_text("技术细节").click()
    expect(page.get_by_role("heading", name="不可撤销的点击")).to_be_visible()


def test_rows_are_selected_and_handed_to_a_colleague_with_the_keyboard_alone(site: Site) -> None:
    page = site.open("mei", reverse("renewals:board"))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    tab_to(page, page.get_by_role("button", name="指派"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("交给谁？"))
    page.keyboard.type("Lin")
    tab_to(page, page.get_by_role("button", name="指派"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("指派：1 家。")).to_be_visible()
    expect(page.locator(f"#r-{site.renewals[1].pk} .person")).to_have_text("Lin")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus."""
    for _step in range(150):
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_a_view_keeps_filters_grouping_and_columns_for_all_colleagues(site: Site) -> None:
    page = site.open("mei", f"{reverse('renewals:board')}?state=waiting")
    page.get_by_role("combobox", name="分组").select_option("stage")
    expect(page.locator("tr.group")).to_have_text("确认")
    page.locator("summary", has_text="视图").click()
    page.get_by_label("存为视图").fill("等插卡的")
    page.get_by_role("button", name="保存").click()
    other = site.open("lin", reverse("renewals:board"))
    other.locator("summary", has_text="视图").click()
    other.get_by_role("link", name="等插卡的").click()
    expect(other.locator("tr.group")).to_have_text("确认")
    expect(other.locator("tbody tr:not(.group)")).to_have_count(2)


# --- The desk ---------------------------------------------------------------------------------


def at_the_reader(renewal: Renewal | None) -> None:
    """The watcher of the first desk sees this renewal's card in the reader, or none."""
    with scope(OUR_AGENCY):
        desk = Desk.objects.get(code="d1")
        desks.card_seen(desk, renewal.company.cards.get().number if renewal else "")


def granted() -> list[str]:
    """The companies for whose cards somebody typed a PIN."""
    with scope(OUR_AGENCY):
        return list(PinGrant.objects.values_list("card__company__name", flat=True))


DESK = "/desks/d1/"


def test_a_desk_is_worked_with_the_keyboard_alone(site: Site) -> None:
    in_background(lambda: at_the_reader(site.renewals[1]))
    page = site.open("mei", DESK)
    expect(page.get_by_label("卡密码")).to_be_focused()
    page.keyboard.type("31415926")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("密码已加密，只在本台用一次。请不要取卡。")).to_be_visible()
    assert in_background(granted) == ["清远市远航电子有限公司"]
    page.keyboard.press("p")
    page.keyboard.type("午休")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="本台已暂停", exact=True)).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="声音")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", level=1)).to_contain_text("读卡清单")


def test_a_desk_says_by_itself_what_to_do_and_what_is_being_written_stays(site: Site) -> None:
    in_background(lambda: at_the_reader(None))
    page = site.open("mei", DESK)
    expect(page.get_by_role("heading", name="请插卡：清远市远航电子有限公司")).to_be_visible()
    page.keyboard.press("p")
    page.keyboard.type("午")
    in_background(lambda: at_the_reader(site.renewals[1]))
    expect(page.get_by_role("heading", name="请输入这张卡的密码")).to_be_visible()
    expect(page.locator("#pause-why")).to_be_focused()
    expect(page.locator("#pause-why")).to_have_value("午")
    expect(page.get_by_role("status").filter(has_text="请输入这张卡的密码")).to_have_count(1)


def test_a_pin_is_typed_and_a_desk_is_paused_without_script(site: Site) -> None:
    in_background(lambda: at_the_reader(site.renewals[1]))
    page = site.open("mei", DESK, java_script_enabled=False)
    page.get_by_label("卡密码").fill("31415926")
    page.get_by_role("button", name="开始").click()
    assert in_background(granted) == ["清远市远航电子有限公司"]
    page.get_by_label("暂停本台的原因").fill("午休")
    page.get_by_role("button", name="暂停").click()
    expect(page.get_by_role("heading", name="本台已暂停", exact=True)).to_be_visible()


# --- The first hour ---------------------------------------------------------------------------


def test_a_new_agency_comes_from_its_workbook_to_a_card_by_what_the_pages_say(
    site: Site, tmp_path: Path
) -> None:
    site.people["rao"] = in_background(
        lambda: make_person("rao@beijiang.example", "Rao", Agency(pk=OTHER_AGENCY), Role.ADMIN)
    )
    page = site.open("rao", "/")
    page.get_by_role("link", name="导入企业").click()
    page.get_by_label("工作簿").set_input_files(their_list(tmp_path))
    page.get_by_role("button", name="读取").click()
    a_worker_comes(page)
    page.get_by_role("button", name="导入 2 行").click()
    a_worker_comes(page)
    page.get_by_role("link", name="下一步：查看办理条件").click()
    page.get_by_role("link", name="韶关市佳禾食品有限公司").click()
    page.get_by_label("签署人").fill("何倩仪")
    page.get_by_role("button", name="授权书").click()
    page.get_by_role("button", name="检查并排队").click()
    page.get_by_role("button", name="1 家加入排队").click()
    page.get_by_role("link", name="先插哪张卡？").click()
    expect(page.get_by_role("row").filter(has_text="韶关市佳禾食品有限公司")).to_contain_text("C-03")
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_role("heading", name="下一步：插入法人卡")).to_be_visible()
    expect(page.get_by_role("link", name="去读卡台")).to_be_visible()


def their_list(directory: Path) -> Path:
    """The workbook of an agency with two companies."""
    file = directory / "客户名单.xlsx"
    headings = ("企业名称", "统一社会信用代码", "联系人", "手机", "邮箱", "法人卡号", "存放位置")
    person = ("何倩仪", "13800138000", "office@jiahe.example")
    rows = [
        (name, uscc_for(number), *person, f"C44{number:010d}", f"C-{number:02d}")
        for number, name in ((3, "韶关市佳禾食品有限公司"), (4, "佛山市明珠灯饰有限公司"))
    ]
    file.write_bytes(xlsx(headings, *rows).getvalue())
    return file


def a_worker_comes(page: Page) -> None:
    """A worker goes on with the workbook on the page, which shows what came of it by itself."""
    expect(page.get_by_role("progressbar")).to_be_visible()
    workbook = UUID(page.url.rstrip("/").split("/")[-1])
    in_background(lambda: imports.work(OTHER_AGENCY, workbook))


# --- Without script ---------------------------------------------------------------------------


def test_a_company_is_queued_retried_and_cancelled_without_script(site: Site) -> None:
    company = in_background(new_company)
    page = site.open("mei", f"{reverse('companies:list')}?year={YEAR}", java_script_enabled=False)
    page.get_by_label(f"选择{company.name}").check()
    page.get_by_role("button", name="检查并排队").click()
    page.get_by_role("button", name="1 家加入排队").click()
    page.get_by_label(f"选择{company.name}").check()
    page.get_by_role("button", name="取消续保").click()
    page.get_by_label("原因").fill("客户退出")
    page.get_by_role("button", name="取消续保").click()
    assert in_background(lambda: states_of(company)) == ["cancelled"]


def new_company() -> Company:
    return make_company(Agency(pk=OUR_AGENCY), 9, "深圳市新来贸易有限公司")


def states_of(company: Company) -> list[str]:
    with scope(OUR_AGENCY):
        return list(company.renewals.values_list("state", flat=True))


# --- The renewal and the client ---------------------------------------------------------------


def test_a_picture_opens_over_the_page_and_closes_with_escape(site: Site) -> None:
    page = site.open("mei", reverse("renewals:renewal", args=[site.renewals[0].pk]))
    page.get_by_role("link", name="门户截图：确认投保").click()
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


def test_a_client_downloads_its_policy_on_a_phone(site: Site) -> None:
    page = site.open("chen", "/", viewport=PHONE, has_touch=True)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载保单").click()
    assert download.value.suggested_filename == f"广州市宏达贸易有限公司 {YEAR}年小微信保易保单.pdf"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert too_small(page) == []


def too_small(page: Page) -> list[str]:
    """Links and buttons of the page's own content that a thumb would miss (less than 44 px high)."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("main a, main button")]
            .filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.textContent.trim())"""
    )
    return found


# --- For all eyes -----------------------------------------------------------------------------


def paths(site: Site) -> dict[str, str]:
    """Every page that is opened with an address, and who opens it."""
    renewal, company, batch = site.renewals[0], site.renewals[0].company_id, site.renewals[0].batch_id
    return {
        reverse("renewals:today"): "mei",
        reverse("renewals:attention"): "mei",
        reverse("renewals:board"): "mei",
        reverse("renewals:renewal", args=[renewal.pk]): "mei",
        reverse("renewals:proof", args=[renewal.pk]): "mei",
        reverse("renewals:batches"): "mei",
        reverse("renewals:batch", args=[batch]): "mei",
        reverse("renewals:rehearsal"): "mei",
        reverse("renewals:desks"): "mei",
        reverse("renewals:desk_new"): "lin",
        reverse("renewals:desk_edit", args=["d1"]): "lin",
        DESK: "mei",
        reverse("renewals:run_sheet"): "mei",
        reverse("companies:list"): "mei",
        reverse("companies:company", args=[company]): "mei",
        reverse("companies:new"): "mei",
        reverse("companies:edit", args=[company]): "mei",
        reverse("companies:import"): "mei",
        **dict.fromkeys(in_background(lambda: workbooks(site.people["mei"])), "mei"),
        reverse("readiness:list"): "mei",
        reverse("renewals:report"): "lin",
        reverse("people:people"): "lin",
        reverse("trail"): "lin",
        reverse("mfa_index"): "lin",
        reverse("mfa_activate_totp"): "mei",
        reverse("mfa_add_webauthn"): "mei",
        reverse("usersessions_list"): "mei",
        reverse("account_set_password"): "mei",
        reverse("renewals:mine"): "chen",
        reverse("account_logout"): "mei",
        "/nowhere/": "mei",
    }


# Pages that answer a choice: the button, and the list on which it stands.
ANSWERS = {
    "检查并排队": "readiness:list",
    "通知企业补办": "readiness:list",
    "负责同事和标签": "companies:list",
    "指派": "renewals:board",
}


def workbooks(mei: User) -> list[str]:
    """The pages of two workbooks: one was read, of the other somebody must say what stands where."""
    changes = [["name", "", "深圳市新来贸易有限公司"], ["contact", "", "何倩仪"], ["drawer", "A-1", "A-2"]]
    headings = [{"text": heading, "samples": ["91440101"], "column": ""} for heading in ("甲", "乙")]
    with scope(OUR_AGENCY):
        read, unread = (
            Import.objects.create(
                filename=name, file=uuid4(), made_by=mei, state=state, headings=headings, hidden=1
            )
            for name, state in (("客户.xlsx", ImportState.READY), ("名单.csv", ImportState.COLUMNS))
        )
        rows = [
            ("new", [], changes),
            ("changed", [], changes),
            ("wrong", [["uscc_wrong", "uscc", "9", None]], []),
        ]
        for number, (verdict, mistakes, what) in enumerate(rows, start=2):
            ImportRow.objects.create(
                workbook=read,
                number=number,
                name="深圳市新来贸易有限公司",
                verdict=verdict,
                mistakes=mistakes,
                changes=what,
            )
    return [
        reverse("companies:workbook", args=[read.pk]),
        reverse("companies:workbook_columns", args=[unread.pk]),
    ]


def each_page(
    site: Site, *, before: Callable[[Page], None] = lambda _page: None, **context: Any
) -> Iterator[tuple[str, Page]]:
    """Every page: those with an address, and those that answer a choice; `before` gets it still blank."""
    in_background(lambda: make_company(Agency(pk=OUR_AGENCY), 9, "深圳市新来贸易有限公司", ready=False))
    windows = {who: site.window(who, **context) for who in site.people}
    for path, who in paths(site).items():
        page = windows[who].new_page()
        before(page)
        page.goto(f"{site.address}{path}")
        yield path, page
        page.close()
    for button, name in ANSWERS.items():
        page = windows["mei"].new_page()
        before(page)
        page.goto(f"{site.address}{reverse(name)}")
        page.get_by_role("row").get_by_role("checkbox").nth(1).check()
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()
        yield f"{name}: {button}", page
        page.close()


def test_no_page_shuts_anybody_out_in_either_theme(site: Site) -> None:
    in_background(lambda: stop(site.renewals[1]))
    found = {path: violations(page) for path, page in each_page(site)}
    window = site.browser.new_context()
    for name in ("account_login", "account_request_login_code"):
        page = window.new_page()
        page.goto(f"{site.address}{reverse(name)}")
        found[name] = violations(page)
    assert {path: faults for path, faults in found.items() if faults} == {}


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, with the elements: all in light, and the colours again in dark."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for theme, only in (
        ("light", {"type": "tag", "values": WCAG}),
        ("dark", {"type": "rule", "values": OF_COLOURS}),
    ):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of the two
        # What stands outside every landmark is skipped by who goes from one to the next.
        also = {"region": {"enabled": theme == "light"}}
        result = page.evaluate(
            "([only, also]) => axe.run(document, {runOnly: only, rules: also})", [only, also]
        )
        found += [
            f"{theme}: {one['id']}: {node['html'][:120]}"
            for one in result["violations"]
            for node in one["nodes"]
        ]
    return found


def test_no_page_is_wider_than_a_phone_or_breaks_its_own_content_policy(site: Site) -> None:
    said: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))

    widths = {
        path: page.evaluate("document.documentElement.scrollWidth")
        for path, page in each_page(site, before=listen, viewport=PHONE)
    }
    assert {path: width for path, width in widths.items() if width > PHONE["width"]} == {}
    # The browser itself reports the page that is not there.
    assert said == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]


def test_the_operator_reads_what_he_writes_on_a_phone(site: Site) -> None:
    site.people["tang"] = in_background(lambda: User.objects.get(pk=OPERATOR))
    page = site.open("tang", reverse("operator:agencies"), viewport=PHONE)
    reason = page.locator("input[name=reason]").first
    reason.scroll_into_view_if_needed()
    box, frame = reason.bounding_box(), page.locator(".table-frame").bounding_box()
    assert box is not None
    assert frame is not None
    assert box["width"] >= 200
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
