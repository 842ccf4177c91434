"""The proxies' files against the code: what a view lets through is sent from where the view says.

Both were tried with the real programs (docs/security.md); no proxy runs here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agency import sending
from agency.sending import send_stored
from tests.deploy.compose import ROOT

CADDY = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
NGINX = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
# nginx hands these on by itself; the rest of a page's headers it drops when it sends a file.
HANDED_ON = {
    *("Cache-Control", "Content-Disposition", "Content-Language", "Content-Length", "Content-Type"),
    *("Expires", "Vary", "X-Accel-Redirect"),
}
# Only over HTTPS; production's test is in tests/agency/test_hardening.py.
OVER_TLS = {"Strict-Transport-Security"}


def test_both_look_for_files_where_the_view_points() -> None:
    place = sending._PROXY_PLACE
    assert f"header X-Accel-Redirect {place}*" in CADDY
    assert f"uri strip_prefix {place.rstrip('/')}" in CADDY
    assert f"location {place} {{\n\t\tinternal;" in NGINX


def test_nginx_says_every_header_of_ours_again(
    client: Client, db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT, settings.FILES_BY_PROXY = tmp_path, True
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    file = send_stored("a.pdf", content_type="application/pdf", save_as="a.pdf")
    headers = set(client.get("/sign-in/").headers) | set(file.headers) | OVER_TLS
    again = dict(re.findall(r"add_header (\S+) \$upstream_http_(\w+) always;", NGINX))
    assert {name: name.lower().replace("-", "_") for name in again} == again
    assert set(again) == headers - HANDED_ON


@pytest.mark.parametrize(("proxy", "size"), [(CADDY, "12MB"), (NGINX, "12m")])
def test_a_workbook_of_ten_megabytes_passes(proxy: str, size: str) -> None:
    assert re.search(rf"(max_size|client_max_body_size) {size}", proxy)
