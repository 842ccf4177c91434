"""Photographs every page of a running demo: ./run screenshots [--address URL] [--into DIRECTORY].

A page is found as people find it, by the links from where they come in. Each is taken once for each kind of
person who reaches it, in both themes and three widths. At the end it says which pages have no link that leads
to them. Nothing is pressed but the sign-in.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import django
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from portal_driver.browser import find_browser

PASSWORD = "xubao-demo-2026"  # noqa: S105  # of the demo alone
PEOPLE = ("lin", "mei", "chen")
WIDTHS = (390, 1280, 1920)
THEMES = ("light", "dark")
# Addresses that answer with a file or end the session: nothing to see, or the end of seeing.
_NO_PAGE = {"account_logout", "health", "trail_export", "language"}


def main(words: list[str]) -> int:
    """Take them; 1 where a page did not answer as a page."""
    parser = argparse.ArgumentParser(prog="./run screenshots", description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000/")
    parser.add_argument("--into", type=Path, default=Path("var/screenshots"))
    parser.add_argument("--language", choices=("zh-CN", "en"), default="zh-CN")
    chosen = parser.parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
    django.setup()
    chosen.into.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser().executable)
        nobody = _context(browser, chosen.language)
        seen |= _photograph(
            nobody, "nobody", {"account_login": urljoin(chosen.address, "/sign-in/")}, chosen.into
        )
        for person in PEOPLE:
            context = _context(browser, chosen.language)
            home = _sign_in(context, chosen.address, f"{person}@demo.example")
            seen |= _photograph(context, person, {_name(home): home}, chosen.into)
            context.close()
        browser.close()
    unseen = sorted(set(_names(get_resolver())) - seen)
    print(f"{len(list(chosen.into.glob('*.png')))} pictures of {len(seen)} pages in {chosen.into}")
    print(f"no link led to: {', '.join(unseen)}")
    return 0


def _context(browser: Browser, language: str) -> BrowserContext:
    return browser.new_context(locale=language, viewport={"width": WIDTHS[1], "height": 900})


def _sign_in(context: BrowserContext, address: str, email: str) -> str:
    """Sign in as one of the demo's people; returns the page that they come to."""
    page = context.new_page()
    page.goto(urljoin(address, "/sign-in/"))
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.close()
    return page.url


def _photograph(context: BrowserContext, person: str, known: dict[str, str], into: Path) -> set[str]:
    """Every page that links lead to from the known ones; the names of their addresses."""
    page = context.new_page()
    waiting, seen = dict(known), set()
    while waiting:
        name, address = waiting.popitem()
        seen.add(name)
        answer = _answer(page, address)
        if answer is None:
            continue
        if not answer.ok:
            print(f"{person}: {address} answered {answer.status}", file=sys.stderr)
            continue
        waiting |= {found: at for found, at in _links(page) if found not in seen}
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its two words
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                file = f"{name.replace(':', '.')}-{person}-{theme}-{width}.png"
                page.screenshot(path=into / file, full_page=True)
    page.close()
    return seen


def _answer(page: Page, address: str) -> Response | None:
    """The page at this address; None where it gives a file instead."""
    try:
        return page.goto(address)
    except PlaywrightError as error:
        if "Download is starting" in error.message:
            return None
        raise


def _links(page: Page) -> Iterator[tuple[str, str]]:
    """The pages that this one links to, by the names of their addresses."""
    links = page.locator("a[href]:not([download])").evaluate_all("all => all.map(one => one.href)")
    for address in links:
        name = _name(address)
        if urlsplit(address).netloc == urlsplit(page.url).netloc and name and name not in _NO_PAGE:
            yield name, address


def _name(address: str) -> str:
    """The name of an address of ours; nothing for one that is none or gives a file."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def _names(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    """The names of all addresses of the site."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            inner = [namespace, one.namespace] if one.namespace else [namespace]
            yield from _names(one, ":".join(part for part in inner if part))
        elif isinstance(one, URLPattern) and one.name:
            yield f"{namespace}:{one.name}" if namespace else one.name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
