"""Lighthouse's scores of the staff's pages: `./run bench lighthouse [--address URL]`, with a demo running.

It signs in as the demo's staff member and looks at each page as a desktop does. The first time Lighthouse is
brought into `var/lighthouse` (about 190 MB, by its lock file). Goal: 95 for performance and accessibility;
exit status 1 where one is missed. Scores vary with whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import sync_playwright

from benchmarks.machine import described
from bootstrap.frontend import npm_ci
from bootstrap.places import ROOT, VAR, Trouble
from portal_driver.browser import find_browser

GOAL = 95
PAGES = ("/board/", "/desks/demo-1/", "/attention/", "/today/")
CATEGORIES = ("performance", "accessibility")
STAFF = ("mei@demo.example", "xubao-demo-2026")
_HOME = VAR / "lighthouse"


def main(words: list[str]) -> int:
    """Measure and print; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="./run bench lighthouse", description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000/")
    chosen = parser.parse_args(words)
    program = _lighthouse()
    print(described())
    print(f"{'page':<24}{'performance':>14}{'accessibility':>16}")
    is_missed = False
    with tempfile.TemporaryDirectory(prefix="xubao-bench-") as directory:
        # In a file: what stands among a program's arguments can be read by everybody on the machine.
        headers = Path(directory, "headers.json")
        headers.write_text(json.dumps({"Cookie": _cookie(chosen.address)}), encoding="utf-8")
        for page in PAGES:
            scores = _scores(program, urljoin(chosen.address, page), headers)
            is_missed |= min(scores) < GOAL
            print(f"{page:<24}{scores[0]:>14}{scores[1]:>16}")
    return 1 if is_missed else 0


def _lighthouse() -> list[str]:
    """The program that measures; brought by its lock file where it is not here yet. Raises `Trouble`."""
    node = shutil.which("node")
    if node is None:
        raise Trouble("Lighthouse needs Node.js 18.20 or newer: install it and try again.")
    program = _HOME / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.is_file():
        print("Bringing Lighthouse")
        shutil.copytree(ROOT / "benchmarks" / "lighthouse_npm", _HOME, dirs_exist_ok=True)
        npm_ci(_HOME)
    return [node, str(program)]


def _cookie(address: str) -> str:
    """The cookies of a browser in which the demo's staff member is signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser().executable)
        context = browser.new_context(locale="zh-CN")
        page = context.new_page()
        page.goto(urljoin(address, "/sign-in/"))
        page.fill("input[name=login]", STAFF[0])
        page.fill("input[name=password]", STAFF[1])
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        cookies = [f"{one['name']}={one['value']}" for one in context.cookies()]
        browser.close()
    return "; ".join(cookies)


def _scores(program: list[str], address: str, headers: Path) -> list[int]:
    """Its scores from 0 to 100, in the order of `CATEGORIES`. Raises `RuntimeError` where it gives none."""
    report = headers.with_name("report.json")
    words = [
        *(address, "--quiet", "--preset=desktop", f"--only-categories={','.join(CATEGORIES)}"),
        *(f"--extra-headers={headers}", "--output=json", f"--output-path={report}"),
        "--chrome-flags=--headless --no-sandbox",
    ]
    where = os.environ | {"CHROME_PATH": str(find_browser().executable)}
    ended = subprocess.run([*program, *words], env=where, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{address}: {ended.stderr.strip().splitlines()[-1:]}")
    found = json.loads(report.read_text(encoding="utf-8"))
    if not found["finalDisplayedUrl"].startswith(address):
        raise RuntimeError(f"{address} led to {found['finalDisplayedUrl']}")
    scores = [found["categories"][name]["score"] for name in CATEGORIES]
    if None in scores:
        raise RuntimeError(f"{address}: {found.get('runtimeError') or 'no score'}")
    return [round(100 * score) for score in scores]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
