"""From an empty agency to the first renewal that is complete: a rehearsal, by what the pages say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect

from agency import engines
from agency.models import Agency, Membership, Role
from agency.tenancy import scope
from renewals.models import Batch, Desk, Rehearsal, Renewal
from tests.cast import make_person
from tests.database import OTHER_AGENCY
from tests.journeys.test_pages_in_a_browser import (
    Site,
    a_worker_comes,
    in_background,
    site,
    their_list,
    violations,
)

__all__ = ["site"]
pytestmark = [pytest.mark.journey, pytest.mark.browser]
# Two companies on a busy machine, each through all five stages.
IN_TIME_MS = 400_000


@contextmanager
def a_player() -> Iterator[subprocess.Popen[bytes]]:
    """`play_rehearsals` as it runs beside the workers, on this test's database."""
    urls, name = engines.urls(), settings.DATABASES["default"]["NAME"]
    addresses = {
        "DATABASE_URL": urls.app,
        "DATABASE_SWEEP_URL": urls.sweep,
        "DATABASE_OWNER_URL": urls.owner,
    }
    env = {key: url.replace("/xubao?", f"/{name}?") for key, url in addresses.items()}
    # The real portal of this installation is nowhere: who goes there gets no answer.
    env |= {"REDIS_URL": urls.redis, "PORTAL_URL": "http://127.0.0.1:9/"}
    player = subprocess.Popen(
        [sys.executable, "manage.py", "play_rehearsals"], cwd=settings.BASE_DIR, env=os.environ | env
    )
    try:
        yield player
    finally:
        player.terminate()
        assert player.wait(60) == 0


def an_empty_agency(site: Site) -> Page:
    site.people["rao"] = in_background(
        lambda: make_person("rao@beijiang.example", "Rao", Agency(pk=OTHER_AGENCY), Role.ADMIN)
    )
    return site.open("rao", "/")


def import_the_workbook(page: Page, directory: Path) -> None:
    page.get_by_role("link", name="导入企业").click()
    page.get_by_label("工作簿").set_input_files(their_list(directory))
    page.get_by_role("button", name="读取").click()
    a_worker_comes(page)
    page.get_by_role("button", name="导入 2 行").click()
    a_worker_comes(page)


def test_a_new_agency_rehearses_before_it_has_a_card_or_a_consent(site: Site, tmp_path: Path) -> None:
    page = an_empty_agency(site)
    import_the_workbook(page, tmp_path)
    page.get_by_role("link", name="下一步：查看办理条件").click()
    page.get_by_label("选择本页").check()
    page.get_by_role("button", name="检查并排队").click()
    page.get_by_role("button", name="演练", exact=True).click()
    expect(page.get_by_role("heading", name="演练", exact=True)).to_be_visible()
    assert violations(page) == []
    with a_player():
        page.get_by_role("button", name="进入演练查看").click(timeout=IN_TIME_MS)
        expect(page).to_have_title("演练 · 演练 · 续保")
        expect(page.get_by_text("任何操作都不会到达真实门户")).to_be_visible()
        expect(page.locator("#tile-complete b")).to_have_text("2", timeout=IN_TIME_MS)
        assert violations(page) == []
        page.get_by_role("button", name="退出演练").click()
        assert in_background(what_is_real) == (0, 0, 0)
        page.get_by_role("button", name="结束演练并清除副本").click()
        expect(page.get_by_role("heading", name="目前没有演练")).to_be_visible(timeout=IN_TIME_MS)
    assert in_background(ended) == [("wiped", 2, 0)]


def what_is_real() -> tuple[int, int, int]:
    with scope(OTHER_AGENCY):
        return Renewal.objects.count(), Batch.objects.count(), Desk.objects.count()


def ended() -> list[tuple[str, int, int]]:
    with scope(OTHER_AGENCY):
        assert Membership.objects.count() == 1
        return list(Rehearsal.objects.values_list("state", "complete", "stopped"))


def test_a_rehearsal_is_begun_watched_and_left_without_script(site: Site) -> None:
    batch = site.renewals[1].batch_id
    page = site.open("mei", reverse("renewals:batch", args=[batch]), java_script_enabled=False)
    page.get_by_role("button", name="演练", exact=True).click()
    expect(page.get_by_text("即将开始")).to_be_visible()
    page.get_by_role("button", name="结束演练并清除副本").click()
    expect(page.get_by_text("正在清除副本，完成后可以再次演练。")).to_be_visible()
