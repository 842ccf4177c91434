"""The check looks at the portal and cannot do anything on it.

What must never happen is tried for each of the five clicks: the hand refuses the button, the gate stops
what a press of it would send, and the check itself ends before it. Without hand and gate the very same
press arrives, so these tests would notice if the two were gone.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

import portal_driver
from portal_driver.browser import control_arguments, find_browser, open_browser, wiped_directory
from portal_driver.check_gate import Fate, ReadingGate, SeenRequest
from portal_driver.check_mask import Masker
from portal_driver.check_notes import PRESS, Finding, Form, Notes, State, Want
from portal_driver.check_portal import ReadingPortal, irreversible_words
from portal_driver.check_report import Heading, report
from portal_driver.check_walk import Walk, Wishes, lasting, looked_for
from portal_driver.contract import Click, Contact, Outcome
from portal_driver.errors import PageChanged
from portal_driver.evidence import EvidenceBox
from portal_driver.finding import take
from portal_driver.lists import PoliciesPage
from portal_driver.pages import BannerPage, CompanyPage, PolicyPage, SignInPage
from portal_driver.portal import Portal
from portal_driver.profile import PROFILES, Profile, load_profile
from portal_driver.proposal import Addition, additions_from, difference, proposed
from portal_driver.reading import STEPS
from portal_driver.sign_in import try_once
from portal_driver.simulator.companies import Company as PortalCompany
from tests.portal_driver.desk import DESK, YEAR, Desk

FIVE = list(Click)
# Each of the five costs a walk through the portal. To the first we walk every day.
EACH = [click if click is Click.CONFIRM else pytest.param(click, marks=pytest.mark.long) for click in FIVE]


# --- nothing that cannot be undone ------------------------------------------------------------


async def bring_to(click: Click, desk: Desk, company: PortalCompany) -> None:
    """Have the company stand before this click, by runs of the driver that stop there."""
    if click is Click.RECEIPT:
        finished, _ = await desk.renew(company)
        desk.portal.approve(company.uscc)
        assert finished.outcome is Outcome.SUBMITTED
    elif click is not Click.CONFIRM:
        await desk.renew(company, stop_before=click)
    else:
        desk.portal.insert(DESK, company.card.number)


@contextlib.asynccontextmanager
async def behind_sign_in(
    desk: Desk, company: PortalCompany, gate: ReadingGate | None
) -> AsyncIterator[Portal]:
    """A portal with the company signed in: with the check's hand and gate, or with neither."""
    with wiped_directory() as directory:
        arguments = control_arguments(desk.portal.controls[DESK - 1], desk.profile.control.page_addresses)
        async with open_browser(
            desk.playwright, find_browser(), headless=True, directory=directory, arguments=arguments
        ) as (_, context):
            if gate:
                await gate.guard(context)
            portal = (
                ReadingPortal(context, desk.profile, gate)
                if gate
                else Portal(context, desk.profile, lambda waited_s: None)
            )
            await portal.open(desk.portal.portal)
            page = await portal.follow(desk.profile.menu.to_sign_in, SignInPage)
            await try_once(portal, await page.choose_card(), company.card.pin, Masker(()))
            if gate:
                gate.shut()
            await portal.follow([desk.profile.company.title], CompanyPage)
            yield portal


async def go_before(click: Click, portal: Portal) -> None:
    """Go to the screen that holds this button."""
    profile = portal.profile
    if click is not Click.RECEIPT:
        await portal.press(profile.company.onward)
        await portal.reach(BannerPage)
        await portal.press(profile.pending.view)
        await portal.reach(*STEPS)
        return
    page = await portal.follow([profile.company.onward, profile.menu.policies], PoliciesPage)
    listing = PoliciesPage.listing(page.view, profile, YEAR)
    assert listing is not None
    assert listing.this_year is not None
    view = page.view.press(profile.lists.view, within=listing.this_year.region)
    assert view is not None
    element = await take(view)
    assert element is not None
    await portal.click(element, says=profile.lists.view[0])
    await portal.reach(PolicyPage)


def company_for(click: Click, hongda: PortalCompany, nanyue: PortalCompany) -> PortalCompany:
    return nanyue if click in (Click.SEAL, Click.SIGN, Click.AUTHORIZE) else hongda


def received(desk: Desk, company: PortalCompany, click: Click) -> int:
    return desk.clicks(company)[str(click)][0]


@pytest.mark.browser
@pytest.mark.parametrize("click", EACH)
async def test_the_hand_refuses_the_button_and_the_gate_stops_what_a_press_sends(
    click: Click, desk: Desk, hongda: PortalCompany, nanyue: PortalCompany
):
    company = company_for(click, hongda, nanyue)
    await bring_to(click, desk, company)
    gate = ReadingGate({})  # not even the addresses are known
    async with behind_sign_in(desk, company, gate) as portal:
        await go_before(click, portal)
        button = irreversible_words(desk.profile)[click]
        with pytest.raises(PageChanged) as refused:
            await portal.press(button)
        assert refused.value.detail["expected"] == "something that can be undone"
        assert [request.fate for request in gate.seen] == [Fate.SENT]  # the sign-in alone

        async with portal.context.expect_event("requestfailed"):
            await (await portal.find(button)).click()  # past the hand

    assert received(desk, company, click) == 0
    assert [request.fate for request in gate.seen] == [Fate.SENT, Fate.STOPPED]


@pytest.mark.browser
@pytest.mark.parametrize("click", EACH)
async def test_without_both_walls_the_same_press_arrives(
    click: Click, desk: Desk, hongda: PortalCompany, nanyue: PortalCompany
):
    company = company_for(click, hongda, nanyue)
    await bring_to(click, desk, company)
    async with behind_sign_in(desk, company, None) as portal:
        await go_before(click, portal)
        async with portal.context.expect_event("response", lambda answer: answer.request.method == "POST"):
            await portal.press(irreversible_words(desk.profile)[click])

    assert received(desk, company, click) == 1


async def walked(desk: Desk, company: PortalCompany, wishes: Wishes) -> tuple[Notes, ReadingGate]:
    """The whole check, with the company's card in the reader and its PIN typed."""
    directory = desk.directory / "pages"
    directory.mkdir()
    masker = Masker(tuple(word for words in looked_for(desk.profile).values() for word in words))
    notes = Notes(EvidenceBox(str(directory), masker, lambda evidence: None), masker, lambda line: None)
    gate = ReadingGate(desk.profile.irreversible)
    with wiped_directory() as temporary:
        arguments = control_arguments(desk.portal.controls[DESK - 1], desk.profile.control.page_addresses)
        async with open_browser(
            desk.playwright, find_browser(), headless=True, directory=temporary, arguments=arguments
        ) as (_, context):
            await gate.guard(context)
            walk = Walk(ReadingPortal(context, desk.profile, gate), gate, notes, wishes)
            page = await walk.to_sign_in(desk.portal.portal)
            assert page is not None
            await walk.sign_in(page, company.card.pin)
            await walk.inside()
    return notes, gate


@pytest.mark.browser
@pytest.mark.parametrize("click", EACH)
async def test_the_check_itself_ends_before_each_of_them(
    click: Click, desk: Desk, hongda: PortalCompany, nanyue: PortalCompany
):
    company = company_for(click, hongda, nanyue)
    await bring_to(click, desk, company)
    before = desk.clicks(company)

    notes, gate = await walked(desk, company, Wishes(open_application=True))

    assert desk.clicks(company) == before
    assert before[str(click)] == (0, 0)
    assert ([finding.want.key for finding in notes.missing()], notes.troubles) == ([], [])
    assert gate.stopped() == []
    seen = {finding.want.key for finding in notes.findings if finding.state is State.FOUND}
    button = {
        Click.CONFIRM: "pending.confirm",
        Click.SEAL: "authorizing.make_seal",
        Click.SIGN: "authorizing.sign",
        Click.AUTHORIZE: "authorizing.authorize",
    }
    assert button.get(click, "lists.policy_number") in seen


def test_nothing_of_the_check_could_arm_a_click():
    forbidden = {"Arm", "Armed", "Token", "Gate", "press_once", "apply", "receive", "renew", "run"}
    modules = {"clicking", "applying", "receiving", "gate", "run", "flow", "starter"}
    for file in Path(portal_driver.__file__).parent.glob("check*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                named = {alias.name for alias in node.names} | {
                    str(node.module).removeprefix("portal_driver.")
                }
                assert (file.name, named & (forbidden | modules)) == (file.name, set())
    assert [name for name in vars(ReadingGate) if name in ("open", "arm")] == []


# --- what the walk notes ----------------------------------------------------------------------


@pytest.mark.browser
async def test_the_application_is_opened_and_the_contact_written_only_where_asked(
    desk: Desk, hongda: PortalCompany
):
    desk.portal.insert(DESK, hongda.card.number)
    contact = Contact("王志强", "13820000000", "hongda@hongda.example")

    notes, _ = await walked(desk, hongda, Wishes(contact=contact, open_application=True))

    found = {finding.want.key for finding in notes.findings if finding.state is State.FOUND}
    assert {"pending.application", "pending.close_application"} <= found
    assert notes.remarks == ["The plan's contact was written into the three fields and read back."]
    assert [form.line for form in notes.forms if form.buttons == "确认投保"] == [
        f"POST {desk.portal.business}/xwby/confirm"
    ] * 2


@pytest.mark.browser
async def test_saved_pages_name_nobody(desk: Desk, hongda: PortalCompany):
    await desk.renew(hongda)
    desk.portal.approve(hongda.uscc)

    await walked(desk, hongda, Wishes())

    kept = [file for file in (desk.directory / "pages").iterdir() if file.suffix in (".txt", ".html")]
    saying = [
        (file.name, private)
        for file in kept
        for private in (
            hongda.name,
            hongda.uscc,
            hongda.card.number,
            hongda.card.pin,
            "王志强",
            "13820000000",
        )
        if private in file.read_text(encoding="utf-8")
    ]
    assert (saying, len(kept) > 6) == ([], True)


@pytest.mark.browser
async def test_a_word_that_is_another_one_is_named_with_the_nearest(desk: Desk, hongda: PortalCompany):
    desk.portal.insert(DESK, hongda.card.number)
    desk.portal.fault("layout_moved", screen="system")

    notes, _ = await walked(desk, hongda, Wishes())

    missing = {finding.want.key: finding.nearest[0] for finding in notes.missing()}
    assert missing["menu.applications"] == "投保记录"
    assert [trouble.screen for trouble in notes.troubles] == ["applications", "policies", "pending_banner"]


@pytest.mark.browser
@pytest.mark.long  # the driver meets such a company every day: `test_trouble.py`
async def test_a_company_without_a_pending_policy_is_no_trouble(desk: Desk, hongda: PortalCompany):
    desk.portal.insert(DESK, hongda.card.number)
    desk.portal.fault("no_pending_policy")

    notes, _ = await walked(desk, hongda, Wishes())

    assert (notes.missing(), notes.troubles) == ([], [])
    assert [remark.split(".")[0] for remark in notes.remarks] == ["There was no banner with a pending policy"]


def finding(key: str, words: tuple[str, ...], *nearest: str) -> Finding:
    return Finding(Want(key, words, PRESS), "somewhere", State.MISSING, "", nearest)


# --- the gate by itself -----------------------------------------------------------------------

ASKS = "<button id=a onclick=\"fetch('/q?t=1', {method: 'POST'})\">查询</button>"


async def pressed_behind(gate: ReadingGate, desk: Desk, *, shut: bool) -> None:
    with wiped_directory() as directory:
        async with open_browser(
            desk.playwright, find_browser(), headless=True, directory=directory, arguments=[]
        ) as (_, context):
            await gate.guard(context)
            portal = ReadingPortal(context, desk.profile, gate)
            await portal.open(desk.portal.portal)
            page = portal.tabs()[0]
            await page.set_content(ASKS)
            if shut:
                gate.shut()
            gate.screen = "a screen"
            async with context.expect_event("request", lambda request: request.method == "POST"):
                await portal.press(("查询",))
            await page.wait_for_load_state("networkidle")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("shut", "named", "fate"),
    [
        (False, False, Fate.SENT),
        (True, False, Fate.STOPPED),
        (True, True, Fate.LET_THROUGH),
    ],
)
async def test_a_request_is_written_down_without_parameters_and_stopped_once_signed_in(
    desk: Desk, *, shut: bool, named: bool, fate: Fate
):
    line = f"POST {desk.portal.portal.rstrip('/')}/q"
    gate = ReadingGate({}, let_through=frozenset({line} if named else ()))

    await pressed_behind(gate, desk, shut=shut)

    assert gate.seen == [SeenRequest(line, "a screen", "查询", fate)]


@pytest.mark.browser
async def test_what_the_profile_calls_irreversible_never_passes(desk: Desk):
    line = f"POST {desk.portal.portal.rstrip('/')}/q"
    gate = ReadingGate({Click.SEAL: (re.compile("/q"),)}, let_through=frozenset({line}))

    await pressed_behind(gate, desk, shut=False)

    assert [request.fate for request in gate.seen] == [Fate.IRREVERSIBLE]


@pytest.mark.browser
async def test_a_question_that_a_run_would_answer_with_yes_gets_a_no(desk: Desk, profile: Profile):
    eager = replace(profile, notices=replace(profile.notices, accept_dialogs=("确定",)))
    with wiped_directory() as directory:
        async with open_browser(
            desk.playwright, find_browser(), headless=True, directory=directory, arguments=[]
        ) as (_, context):
            portal = ReadingPortal(context, eager, ReadingGate({}))
            page = await context.new_page()
            await page.set_content(
                "<button onclick=\"document.title = confirm('确定？') ? 'yes' : 'no'\">去</button>"
            )
            await portal.press(("去",))

            assert await page.title() == "no"


# --- the proposal -----------------------------------------------------------------------------


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    masker = Masker(())
    return Notes(EvidenceBox(str(tmp_path), masker, lambda evidence: None), masker, lambda line: None)


def test_a_proposal_adds_to_its_lines_and_leaves_all_else_as_it_was():
    before = (PROFILES / "2024.toml").read_text(encoding="utf-8")
    additions = [
        Addition("menu.to_sign_in[3]", "我要网上投保"),
        Addition("menu.applications", "我的投保申请"),
        Addition("sign_in.sign_in", "立即登录"),
        Addition("addresses.sign_in", "https://app.example/cas/login?_swCardF=1"),
        Addition("control.page_addresses", "ws://127.0.0.1:61299"),
    ]

    after = proposed(before, additions, day="2026-11-24")

    lines = [line for line in difference(before, after, "2024.toml").splitlines() if line.startswith("+")]
    assert lines == [
        "+++ 2024.toml (proposed)",
        '+page_addresses = ["ws://127.0.0.1:61232", "wss://wss.singlewindow.cn:61231", "ws://127.0.0.1:61299"]'
        "  # check 2026-11-24: ws://127.0.0.1:61299",
        '+sign_in = "https://app.example/cas/login?_swCardF=1"  # check 2026-11-24',
        '+to_sign_in = ["业务应用", "金融服务", "中国出口信用保险公司", ["我要投保", "我要网上投保"], '
        '"小微投保"]  # [guide] 一.1; check 2026-11-24: 我要网上投保',
        '+applications = ["投保申请", "我的投保申请"]  # [guide] 四.1; check 2026-11-24: 我的投保申请',
        '+sign_in = ["登录", "登陆", "立即登录"]  # check 2026-11-24: 立即登录',
    ]


def test_a_proposal_can_be_loaded(tmp_path: Path):
    file = tmp_path / "2024-proposed.toml"
    before = (PROFILES / "2024.toml").read_text(encoding="utf-8")
    file.write_text(
        proposed(before, [Addition("menu.to_sign_in[4]", "小微企业投保")], day="2026-11-24"), encoding="utf-8"
    )

    assert load_profile(str(file)).menu.to_sign_in[4] == ("小微投保", "小微企业投保")


@pytest.mark.parametrize(
    ("key", "words", "nearest", "said"),
    [
        ("sign_in.sign_in", ("登录",), ("立即登录", "忘记密码"), "立即登录"),
        ("company.title", ("企业信息",), ("企业信息(2)",), "企业信息"),
        # the contrary, and what is only half alike
        ("sign_in.sign_in", ("登录",), ("退出登录",), ""),
        ("menu.to_sign_in[3]", ("我要投保",), ("我要理赔",), ""),
        # two that may be meant
        ("sign_in.sign_in", ("登录",), ("账号登录", "扫码登录"), ""),
        # another key's word
        ("lists.policy_number", ("保险单",), ("保险单列表", "查看保单"), "保险单列表"),
        ("pending.view", ("查看",), ("查看保单",), ""),
        # the irreversible buttons and their boxes are written by hand
        ("pending.confirm", ("确认投保",), ("立即确认投保",), ""),
        ("authorizing.sign", ("同意",), ("同意并继续",), ""),
        ("pending.box", ("已认真阅读",), ("本人已认真阅读",), ""),
    ],
)
def test_only_what_is_surely_another_spelling_is_proposed(
    notes: Notes, key: str, words: tuple[str, ...], nearest: tuple[str, ...], said: str
):
    notes.findings = [finding(key, words, *nearest)]

    additions = additions_from(notes, {"pending.view_policy": ("查看保单",)}, ())

    assert additions == ([Addition(key, said)] if said else [])


def test_what_names_a_company_is_not_proposed(notes: Notes):
    notes.masker.learn("宏达贸易")
    notes.findings = [finding("company.title", ("企业信息",), "宏达贸易企业信息")]

    assert additions_from(notes, {}, ()) == []


def test_a_control_that_the_profile_does_not_know_is_proposed(notes: Notes):
    notes.controls = ["ws://127.0.0.1:61232/", "ws://127.0.0.1:61299/"]

    assert additions_from(notes, {}, ("ws://127.0.0.1:61232",)) == [
        Addition("control.page_addresses", "ws://127.0.0.1:61299")
    ]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (
            "https://a.example/cas/login;jsessionid=0F3A9B?service=https%3A%2F%2Fb.example%2F&_swCardF=1",
            "https://a.example/cas/login?service=https%3A%2F%2Fb.example%2F&_swCardF=1",
        ),
        ("https://a.example/login?ticket=ST-83612-abcdef#top", "https://a.example/login"),
    ],
)
def test_an_address_is_proposed_without_what_is_made_anew_each_time(address: str, kept: str):
    assert lasting(address) == kept


# --- masking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("统一社会信用代码 91440100MAB53RXR8B", "统一社会信用代码 ●●●●"),
        ("手机 13820000000，或 +86 138-2000-0000", "手机 ●●●●，或 ●●●●"),
        ("邮箱 hong.da@hongda.example", "邮箱 ●●●●"),
        ("申请编号 SQ2026000123", "申请编号 ●●●●"),
        ("证件 44010119800101123X", "证件 ●●●●"),
        ("欢迎您，宏达贸易", "欢迎您，●●●●"),
        ("热线 95198，2026-11-24，共 1 条", "热线 95198，2026-11-24，共 1 条"),
    ],
)
def test_people_companies_and_their_numbers_are_masked(text: str, masked: str):
    masker = Masker(("企业名称",))
    masker.learn("宏达贸易", "企业名称", "X")

    assert masker.clean(text) == masked


# --- the report -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        ((), "NOT named by the profile"),
        ((re.compile("^POST https://[^/]+/go$"),), "named by the profile"),
    ],
)
def test_the_report_says_whether_the_irreversible_list_names_the_forms(
    notes: Notes, profile: Profile, patterns: tuple[re.Pattern[str], ...], says: str
):
    notes.forms = [Form("pending_policy", "POST https://a.example/go", "返回 | 确认投保")]
    lists: dict[Click, tuple[re.Pattern[str], ...]] = dict.fromkeys(Click, ())
    heading = Heading("2024", "https://a.example/", "a browser", "now", "the end")
    known = replace(profile, irreversible={**lists, Click.CONFIRM: patterns})

    lines = report(heading, notes, [], known, [], "Nothing to propose.").splitlines()

    begin = lines.index(
        "IRREVERSIBLE REQUESTS (what the five buttons would have sent, as far as a form tells)"
    )
    assert lines[begin + 1 : begin + 3] == [
        f"  confirm: POST https://a.example/go  {says}",
        "  seal: not seen; the profile's list is empty, so the first request of the armed click counts",
    ]
