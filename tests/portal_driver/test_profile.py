"""A mistake in a profile is answered with the file, the key and what to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portal_driver.contract import Click
from portal_driver.profile import PROFILES, ProfileError, load_profile

TEXT = (PROFILES / "2024.toml").read_text(encoding="utf-8")


def complaint(tmp_path: Path, text: str) -> str:
    file = tmp_path / "2025.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as refused:
        load_profile(str(file))
    return str(refused.value)


def test_this_years_profile_says_what_the_guide_says():
    profile = load_profile("2024")

    assert profile.menu.to_sign_in == (
        ("业务应用",),
        ("金融服务",),
        ("中国出口信用保险公司",),
        ("我要投保",),
        ("小微投保",),
    )
    assert profile.pending.confirm == ("确认投保",)
    assert profile.authorizing.make_seal == ("保存印章并生成协议",)
    assert profile.limits.reading_s == 10


def test_every_irreversible_click_has_its_list():
    assert set(load_profile("2024").irreversible) == set(Click)


def test_the_digest_is_that_of_the_file(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(TEXT + "\n# a remark\n", encoding="utf-8")

    assert load_profile(str(file)).sha256 != load_profile("2024").sha256


def test_an_unknown_profile_is_answered_with_those_at_hand():
    with pytest.raises(ProfileError, match=r"2099\.toml: cannot be read; profiles at hand: 2024"):
        load_profile("2099")


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            'confirm = "确认投保"',
            'comfirm = "确认投保"',
            "2025.toml: pending.comfirm: is not a key of a profile; did you mean 'confirm'?",
        ),
        ('view = "查看保单"', "view = 3", '2025.toml: pending.view: is 3; write a list: ["…"]'),
        (
            'view = "查看保单"',
            'view = ["查看保单", ""]',
            "2025.toml: pending.view: is ['查看保单', '']; "
            "write the words as the portal shows them, in quotes",
        ),
        (
            "page_s = 60",
            'page_s = "60"',
            "2025.toml: limits.page_s: is '60'; write a number of seconds above 0",
        ),
        ("page_s = 60", "page_s = 0", "2025.toml: limits.page_s: is 0; write a number of seconds above 0"),
        ("page_s = 60", "", "2025.toml: limits.page_s: is missing; write it"),
        ("[limits]", "[limit]", "2025.toml: limit: is not a key of a profile; did you mean 'limits'?"),
        (
            "seal = ['^POST https?://[^/]+/xwby/seal$']",
            "seal = ['POST (']",
            "2025.toml: irreversible.seal: holds a pattern that cannot be read "
            "(missing ), unterminated subpattern at position 5); write 'POST .*/path$'",
        ),
        (
            "seal = ['^POST https?://[^/]+/xwby/seal$']",
            "seals = []",
            "2025.toml: irreversible.seals: is not a key of a profile; did you mean 'seal'?",
        ),
        (
            "seal = ['^POST https?://[^/]+/xwby/seal$']",
            "seal = 'POST'",
            "2025.toml: irreversible.seal: is 'POST'; write a list, empty where the address is not known: []",
        ),
    ],
)
def test_a_typo_names_file_key_and_what_to_write(tmp_path: Path, right: str, wrong: str, says: str):
    assert right in TEXT

    assert complaint(tmp_path, TEXT.replace(right, wrong, 1)) == says


def test_a_file_that_is_not_toml_is_named(tmp_path: Path):
    assert re.match(r".*2025\.toml: not TOML: .*line 1", complaint(tmp_path, "这不是 TOML"))
