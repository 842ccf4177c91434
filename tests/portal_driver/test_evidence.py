"""What a run keeps is complete, private to its owner, and free of secrets."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from portal_driver.camera import without_values
from portal_driver.contract import Evidence, Reason, Stage
from portal_driver.errors import PortalUnavailable
from portal_driver.evidence import EvidenceBox, Scrubber


@pytest.fixture
def told() -> list[Evidence]:
    return []


@pytest.fixture
def box(tmp_path: Path, told: list[Evidence]) -> EvidenceBox:
    scrubber = Scrubber()
    scrubber.add("31415926")
    return EvidenceBox(str(tmp_path), scrubber, told.append)


def test_a_text_is_kept_whole_and_told(box: EvidenceBox, told: list[Evidence], tmp_path: Path):
    kept = box.keep_text("协议签署", page="signing", stage=Stage.SIGNING)

    content = (tmp_path / "01-signing.txt").read_bytes()
    assert content.decode() == "协议签署"
    assert told == [kept]
    assert kept == Evidence(
        Stage.SIGNING, "text", "signing", "01-signing.txt", hashlib.sha256(content).hexdigest(), len(content)
    )


def test_files_belong_to_their_owner_alone(box: EvidenceBox, tmp_path: Path):
    box.keep_picture(b"JPEG", page="pending_policy", stage=Stage.CONFIRMATION)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"01-pending-policy.jpg": 0o600}


def test_secrets_are_struck_out_of_texts(box: EvidenceBox, tmp_path: Path):
    box.keep_text("密码 31415926，再说一遍 31415926", page="unknown", stage=None)

    assert (tmp_path / "01-unknown.txt").read_text("utf-8") == "密码 ●●●●，再说一遍 ●●●●"


def test_what_is_too_short_to_be_a_secret_spoils_no_text():
    scrubber = Scrubber()
    scrubber.add("1")

    assert scrubber.clean("2011") == "2011"


def test_a_secret_inside_another_leaves_nothing_of_it():
    scrubber = Scrubber()
    scrubber.add("1234")
    scrubber.add("12345678")

    assert scrubber.clean("12345678") == "●●●●"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, told: list[Evidence]):
    gone = tmp_path / "gone"
    box = EvidenceBox(str(gone), Scrubber(), told.append)

    with pytest.raises(PortalUnavailable) as refused:
        box.check_writable()

    assert refused.value.reason is Reason.EVIDENCE_NOT_WRITABLE
    assert refused.value.detail == {"directory": str(gone), "error": os.strerror(2)}
    assert told == []


def test_a_check_leaves_nothing_behind(box: EvidenceBox, tmp_path: Path):
    box.check_writable()

    assert list(tmp_path.iterdir()) == []


def test_markup_for_the_operator_holds_no_values_scripts_or_parameters():
    markup = (
        '<script>var ticket = "ST-1"</script><input name=lt value="LT-abc"><input value=secret>'
        '<a href="/cas/login?ticket=ST-2&x=1">登录</a>'
    )

    assert without_values(markup) == (
        '<script></script><input name=lt value="●"><input value="●"><a href="/cas/login?●">登录</a>'
    )
