"""What a list says of this year, and when it may be believed that it says nothing."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from portal_driver.finding import look
from portal_driver.lists import ApplicationsPage, Listing, PoliciesPage
from portal_driver.profile import Profile

pytestmark = pytest.mark.browser

HEADING = "<tr><th>序号</th><th>申请编号</th><th>保单年度</th><th>状态</th><th>退回原因</th></tr>"
LAST_YEAR = "<tr><td>2</td><td>SQ2025</td><td>2025</td><td>已承保</td><td></td></tr>"
THIS_YEAR = "<tr><td>1</td><td>SQ2026</td><td>2026 年</td><td>退回</td><td>资料不符</td></tr>"
EMPTY = "<tr><td colspan=5>暂无数据</td></tr>"
LOADING = "<tr><td colspan=5>数据加载中</td></tr>"


async def listing(page: Page, profile: Profile, rows: str, below: str = "") -> Listing:
    await page.set_content(f"<table>{HEADING}{rows}</table><p>{below}</p>")
    read = ApplicationsPage.listing(await look(page, None), profile, 2026)
    assert read is not None
    return read


async def test_this_years_row_is_read_by_its_headings(page: Page, profile: Profile):
    read = await listing(page, profile, THIS_YEAR + LAST_YEAR, "共 2 条")

    assert read.this_year is not None
    assert (read.this_year.number, read.this_year.state, read.this_year.reason) == (
        "SQ2026",
        "退回",
        "资料不符",
    )


@pytest.mark.parametrize(
    ("rows", "below", "is_complete"),
    [
        (LAST_YEAR, "共 1 条　第 1 / 1 页", True),
        (LAST_YEAR, "共 2 条　第 1 / 1 页", False),
        (EMPTY, "共 0 条", True),
        (LOADING, "共 1 条", False),
        (LOADING, "", False),
        (EMPTY, "", True),
        (LAST_YEAR, "", True),
    ],
)
async def test_only_a_complete_list_says_that_there_is_nothing(
    page: Page, profile: Profile, rows: str, below: str, is_complete: bool
):
    read = await listing(page, profile, rows, below)

    assert (read.this_year, read.is_complete) == (None, is_complete)


async def test_two_rows_of_one_year_are_not_simply_believed(page: Page, profile: Profile):
    read = await listing(page, profile, THIS_YEAR + THIS_YEAR, "共 2 条")

    assert read.this_year is not None
    assert not read.is_complete


async def test_a_list_of_applications_is_no_list_of_policies(page: Page, profile: Profile):
    await page.set_content(f"<table>{HEADING}{THIS_YEAR}</table>")
    view = await look(page, None)

    assert ApplicationsPage.shown_in(view, profile)
    assert not PoliciesPage.shown_in(view, profile)
    assert PoliciesPage.listing(view, profile, 2026) is None


GRID = "display: grid; grid-template-columns: 60px 200px 100px 100px"


def boxes(*cells: str) -> str:
    """A line of a grid that nothing but its look makes one."""
    return f"<div style='{GRID}'>" + "".join(f"<div><span>{cell}</span></div>" for cell in cells) + "</div>"


async def test_a_grid_of_boxes_is_read_by_where_they_stand(page: Page, profile: Profile):
    await page.set_content(
        boxes("序号", "申请编号", "保单年度", "状态")
        + boxes("1", "SQ20264401", "2026", "审核中")
        + boxes("2", "SQ20254401", "2025", "已承保")
        + "<p>共 2 条</p>"
    )
    read = ApplicationsPage.listing(await look(page, None), profile, 2026)

    assert read is not None
    assert read.this_year is not None
    assert (read.this_year.number, read.this_year.state, read.is_complete) == ("SQ20264401", "审核中", True)


async def test_cards_are_told_apart_by_their_numbers(page: Page, profile: Profile):
    def card(year: int, state: str) -> str:
        period = f"{year}-12-02 ~ {year + 1}-12-01"
        return (
            f"<div><div>保险单号：XB{year}4401</div><div>保险期间：{period}</div><div>保单状态：{state}</div>"
            f"<a href='#{year}'>查看</a></div>"
        )

    await page.set_content(card(2026, "待收悉") + card(2025, "已收悉"))
    view = await look(page, None)
    read = PoliciesPage.listing(view, profile, 2026)

    assert read is not None
    assert read.this_year is not None
    assert (read.this_year.number, read.this_year.state) == ("XB20264401", "待收悉")
    assert len(view.saying(("查看",), within=read.this_year.region)) == 1
    assert not PoliciesPage.is_acknowledged(view, profile, "XB20264401")
    assert PoliciesPage.is_acknowledged(view, profile, "XB20254401")


async def test_a_form_to_search_the_list_is_not_its_heading(page: Page, profile: Profile):
    form = "<table><tr><td>申请编号</td><td><input></td><td>年度</td><td><select></select></td></tr></table>"
    await page.set_content(f"{form}<table>{HEADING}{THIS_YEAR.replace('SQ2026', 'SQ20264401')}</table>")
    read = ApplicationsPage.listing(await look(page, None), profile, 2026)

    assert read is not None
    assert read.this_year is not None
    assert read.this_year.number == "SQ20264401"


async def test_an_entry_without_a_year_that_can_be_told_proves_nothing(page: Page, profile: Profile):
    heading = "<tr><th>申请编号</th><th>申请时间</th><th>状态</th></tr>"
    await page.set_content(
        f"<table>{heading}<tr><td>SQ0001</td><td>2025-11-20</td><td>已提交</td></tr></table>"
    )
    read = ApplicationsPage.listing(await look(page, None), profile, 2026)

    assert read is not None
    assert not read.is_complete
    assert read.unclear == "SQ0001\t2025-11-20\t已提交"


async def test_a_table_of_roles_is_a_table_too(page: Page, profile: Profile):
    def row(role: str, *cells: str) -> str:
        return "<div role=row>" + "".join(f"<div role={role}>{cell}</div>" for cell in cells) + "</div>"

    await page.set_content(
        "<div role=table>"
        + row("columnheader", "申请编号", "保单年度", "状态")
        + row("cell", "SQ2026", "2026", "审核中")
        + "</div>"
    )
    read = ApplicationsPage.listing(await look(page, None), profile, 2026)

    assert read is not None
    assert read.this_year is not None
    assert read.this_year.number == "SQ2026"
