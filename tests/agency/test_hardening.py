"""What every answer carries, what production is like, and what never reaches a log or a spreadsheet."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from io import BytesIO, TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings as project
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agency import logs
from agency.models import User
from agency.sending import send_stored
from agency.spreadsheets import begins_formula, harmless, write_csv, write_xlsx
from bootstrap import sbom
from renewals.models import Renewal

HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}
PAGES = ["/sign-in/", "/board/", "/companies/", "/people/", "/audit/", "/account/", "/nowhere/", "/health"]


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_carries_the_headers(lin: User, page: str) -> None:
    client = Client()
    client.force_login(lin)
    response = client.get(page)
    assert HEADERS - set(response.headers) == set()
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_content_policy_lets_nothing_in_that_is_not_ours(client: Client, db: None) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in client.get("/sign-in/")["Content-Security-Policy"].split(";")
    )
    assert re.findall("unsafe-(?:inline|eval)", str(policy)) == []
    nothing = ("object-src", "base-uri", "frame-ancestors")
    assert {name: policy[name] for name in nothing} == dict.fromkeys(nothing, "'none'")


def test_what_somebody_sees_who_is_signed_in_is_kept_by_no_cache(lin: User) -> None:
    client = Client()
    client.force_login(lin)
    kept = {page: client.get(page).get("Cache-Control") for page in PAGES if page != "/health"}
    assert {page: control for page, control in kept.items() if "no-store" not in str(control)} == {}


def test_signing_out_clears_the_browser(lin: User) -> None:
    client = Client()
    client.force_login(lin)
    assert client.post(reverse("account_logout"))["Clear-Site-Data"] == '"cache", "storage"'


ASK = """
import json, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
from django.conf import settings as s
print(json.dumps({name: getattr(s, name) for name in (
    "DEBUG", "DEMO", "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH", "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "LANGUAGE_COOKIE_SECURE", "DEVICE_COOKIE_NAME",
    "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_SSL_REDIRECT", "SIMULATION")}))
"""


def in_production(**more: str) -> subprocess.CompletedProcess[str]:
    env = (
        os.environ
        | {"XUBAO_MODE": "production", "SECRET_KEY": token_hex(32), "VAULT_KEY": token_hex(32)}
        | more
    )
    return subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True)


def test_production_has_host_cookies_hsts_and_no_demo() -> None:
    said: dict[str, Any] = json.loads(in_production(XUBAO_DEMO="true").stdout)
    assert said == {
        "DEBUG": False,
        "DEMO": False,
        "SESSION_COOKIE_NAME": "__Host-xubao",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": "/",
        "CSRF_COOKIE_NAME": "__Host-xubao-csrf",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_SECURE": True,
        "DEVICE_COOKIE_NAME": "__Host-xubao-device",
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_SSL_REDIRECT": True,
        "SIMULATION": False,
    }


@pytest.mark.parametrize("missing", ["SECRET_KEY", "VAULT_KEY"])
def test_production_does_not_start_without_a_secret(missing: str) -> None:
    start = in_production(**{missing: ""})
    assert (start.returncode, f"{missing} is missing" in start.stderr) == (1, True)


def test_a_mistake_of_ours_shows_nothing_of_the_inside(
    lin: User, renewal: Renewal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("canary-0417 in /srv/xubao")

    monkeypatch.setattr("renewals.domain.progress.rows", fail)
    client = Client(raise_request_exception=False)
    client.force_login(lin)
    response = client.get(reverse("renewals:board"))
    assert response.status_code == 500
    assert re.findall(r"canary|Traceback|RuntimeError|/srv/|\.py", response.text) == []


def test_without_a_database_the_page_for_our_mistakes_still_comes(
    lin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(lin)

    def gone(*_args: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", gone)
    response = client.get(reverse("renewals:board"))
    assert (response.status_code, "<h1>系统出错了</h1>" in response.text) == (500, True)


# --- Files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "missing.pdf"])
def test_no_file_leaves_from_outside_its_folder(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "secret").write_text("secret")
    settings.MEDIA_ROOT = tmp_path / "files"
    with pytest.raises(Http404):
        send_stored(name, content_type="text/plain")


def test_behind_a_proxy_the_proxy_sends_what_the_view_allowed(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.FILES_BY_PROXY = tmp_path, True
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "保单.pdf").write_bytes(b"%PDF")
    response = send_stored("a/保单.pdf", content_type="application/pdf", save_as="保单.pdf")
    assert (response.content, response["X-Accel-Redirect"]) == (b"", "/_files/a/%E4%BF%9D%E5%8D%95.pdf")
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''%E4%BF%9D%E5%8D%95.pdf"


# --- Spreadsheets -----------------------------------------------------------------------------

FORMULAS = [
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "　=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "|calc",
    "%0A=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_or_workbook_is_run(text: str) -> None:
    assert begins_formula(text)
    table, book = BytesIO(), BytesIO()
    write_csv([text], [[text]], table)
    write_xlsx([text], [[text]], book, name="a")
    table.seek(0)
    assert list(csv.reader(TextIOWrapper(table, "utf-8-sig", newline=""))) == [[f"'{text}"], [f"'{text}"]]
    with zipfile.ZipFile(book) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314  # our own
        styles = archive.read("xl/styles.xml").decode()
    names = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    cells = sheet.findall(".//m:c", names)
    assert [cell.find("m:f", names) for cell in cells] == [None, None]
    assert {cell.get("t") for cell in cells} <= {"s", "inlineStr"}
    assert 'quotePrefix="1"' in styles


@pytest.mark.parametrize("text", ["广州市宏达贸易有限公司", "2026-11-24", "a=b", "", "1"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


# --- Logs and supply --------------------------------------------------------------------------


def test_a_log_line_holds_no_secret() -> None:
    event = {
        "event": "pin_was_typed",
        "pin": "27182818",
        "user_password": "x",
        "Cookie": "a=b",
        "authorization": "Bearer t",
        "csrf_token": "c",
        "desk": "d1",
    }
    assert logs.strike_out_secrets(None, "info", dict(event)) == {
        key: value if key in ("event", "desk") else "***" for key, value in event.items()
    }


def test_a_secret_deep_in_a_log_line_is_struck_out_too() -> None:
    event = {"event": "plan", "plan": {"card": "…0417", "cards": [{"pin": "27182818"}]}}
    assert logs.strike_out_secrets(None, "info", event) == {
        "event": "plan",
        "plan": {"card": "…0417", "cards": [{"pin": "***"}]},
    }


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes() -> None:
    components = sbom.bill()["components"]
    lock = (Path(project.BASE_DIR) / "requirements.lock").read_text()
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)
    python = [one for one in components if one["purl"].startswith("pkg:pypi/")]
    assert [one["name"] for one in python] == pinned
    assert [one["name"] for one in components if not one.get("hashes")] == []


def test_a_text_that_no_database_stores_is_refused_before_anything_is_asked(
    client: Client, mei: User
) -> None:
    client.force_login(mei)
    assert client.get(reverse("renewals:attention"), {"reason": "\0"}).status_code == 400
    assert client.post(reverse("renewals:act"), {"act": "cancel", "why": "a\0b"}).status_code == 400
