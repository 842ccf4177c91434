"""Takes the README's picture of the board from a running demo: ./run picture [ADDRESS] [FILE].

Start it while the demo works, so that the picture shows stages in every state.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from portal_driver.browser import find_browser

STAFF = ("mei@demo.example", "xubao-demo-2026")


def take(address: str, file: Path) -> None:
    """Sign in as the demo's staff member and photograph the board."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_browser().executable))
        page = browser.new_page(viewport={"width": 1360, "height": 900}, locale="zh-CN")
        page.goto(address)
        page.fill("input[name=login]", STAFF[0])
        page.fill("input[name=password]", STAFF[1])
        page.press("input[name=password]", "Enter")
        page.wait_for_selector("#selection")
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    take(
        sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/",
        Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("board.png")),
    )
