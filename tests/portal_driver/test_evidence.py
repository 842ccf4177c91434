"""What a run keeps is complete, private to its owner, and free of secrets."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from portal_driver.camera import without_values
from portal_driver.contract import Evidence, Reason, Stage
from portal_driver.errors import PortalUnavailable
from portal_driver.evidence import LONGEST_TEXT, ROOM_FOR_PICTURES, EvidenceBox, Scrubber, chained


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
    assert replace(kept, at="", chain="") == Evidence(
        Stage.SIGNING, "text", "signing", "01-signing.txt", hashlib.sha256(content).hexdigest(), len(content)
    )


def test_each_file_is_chained_to_the_one_before_it(box: EvidenceBox, told: list[Evidence]):
    box.keep_text("协议签署", page="signing", stage=Stage.SIGNING)
    box.keep_picture(b"JPEG", page="signing", stage=Stage.SIGNING)

    assert [event.chain for event in told] == [chained("", told[0]), chained(told[0].chain, told[1])]
    exchanged = replace(told[0], sha256="0" * 64)
    assert chained(chained("", exchanged), told[1]) != told[1].chain


def test_a_record_names_the_files_of_its_stage(box: EvidenceBox, tmp_path: Path):
    text = box.keep_text("协议签署", page="signing", stage=Stage.SIGNING)
    box.keep_text("企业信息", page="company", stage=None)

    kept = box.keep_record({"click": "sign"}, page="signing", stage=Stage.SIGNING)

    assert json.loads((tmp_path / kept.file).read_text("utf-8")) == {
        "click": "sign",
        "files": [{"file": text.file, "sha256": text.sha256}],
    }


def test_a_run_keeps_no_more_than_its_share(box: EvidenceBox, told: list[Evidence]):
    box.keep_text("长" * LONGEST_TEXT, page="unknown", stage=None)
    for _ in range(40):
        box.keep_picture(b"J" * 100_000, page="unknown", stage=None)

    assert [event.size for event in told if event.kind == "text"] == [
        LONGEST_TEXT - 2 + len("\n[…]".encode())
    ]
    assert sum(event.size for event in told if event.kind == "picture") == ROOM_FOR_PICTURES


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
