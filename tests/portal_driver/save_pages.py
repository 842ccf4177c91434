"""`python -m tests.portal_driver.save_pages` saves each screen of each skin as it is rendered.

`test_pages.py` reads them. A saved page needs no script and no server: frames stand in it as `srcdoc`,
shadow roots as templates, style sheets as styles. `pages/expected.json` is written by hand.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from portal_driver.browser import find_browser
from portal_driver.simulator.companies import read_companies
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.settings import BEIJING, Settings, beijing_now
from portal_driver.simulator.skin import skin_names

from .simulator.person import Person, apply, receive, sign_in

PAGES = Path(__file__).parent / "pages"
_SAMPLE = Path(__file__).parents[2] / "samples" / "season.json"
_NEW_YEAR = datetime(2026, 3, 1, 9, 0, tzinfo=BEIJING)

_DUMP = """() => {
  const rootsIn = (root) => [...root.querySelectorAll("*")].flatMap((el) =>
    el.shadowRoot ? [el.shadowRoot, ...rootsIn(el.shadowRoot)] : []);
  const dump = (page) => {
    for (const field of page.querySelectorAll("input")) {
      if (field.type === "checkbox") field.toggleAttribute("checked", field.checked);
      else if (field.type !== "password") field.setAttribute("value", field.value);
    }
    for (const frame of page.querySelectorAll("iframe"))
      if (frame.contentDocument) frame.setAttribute("data-saved", dump(frame.contentDocument));
    const rules = [...page.styleSheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText));
    const text = page.documentElement.getHTML({ shadowRoots: rootsIn(page) });
    const copy = new DOMParser().parseFromString(text, "text/html");
    for (const gone of copy.querySelectorAll("script, style, link")) gone.remove();
    copy.head.append(Object.assign(copy.createElement("style"), { textContent: rules.join("\\n") }));
    for (const frame of copy.querySelectorAll("iframe")) {
      frame.removeAttribute("src");
      frame.setAttribute("srcdoc", frame.dataset.saved || "");
      frame.removeAttribute("data-saved");
    }
    copy.documentElement.className = page.documentElement.className;
    return "<!doctype html>\\n" + copy.documentElement.outerHTML + "\\n";
  };
  return dump(document);
}"""


async def save_skin(browser: Browser, skin: str) -> None:
    """Walk the skin as a first-time company and save what is seen on the way."""
    ahead = beijing_now() - _NEW_YEAR
    companies = read_companies(_SAMPLE, today=_NEW_YEAR.date())
    company = next(one for one in companies if one.name == "广州市南粤纺织有限公司")
    settings = Settings(year=2026, skin=skin, read_seconds=1, approve_after_s=None)
    folder = PAGES / skin
    folder.mkdir(parents=True, exist_ok=True)
    with Simulator(companies, settings, clock=lambda: beijing_now() - ahead) as simulator:
        context = await browser.new_context()
        person = Person(context)

        async def save(screen: str) -> None:
            await person.settle()
            text = re.sub(r"127\.0\.0\.1:\d+", "portal.example", await person.page.evaluate(_DUMP))
            (folder / f"{screen}.html").write_text(text, encoding="utf-8")

        simulator.insert(1, company.card.number)
        await sign_in(person, simulator.portal, company, save)
        await apply(person, company, save)
        simulator.approve(company.uscc)
        await receive(person, save)
        await context.close()


async def main() -> None:
    """Save all skins."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable)
        for skin in skin_names():
            await save_skin(browser, skin)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
