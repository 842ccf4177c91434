"""The word matcher: what counts as the same word, whatever a page does to its spelling."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal_driver.words import (
    begins,
    core,
    mentions,
    nearest,
    normalise,
    says,
    value_after,
    values_after,
    years_in,
)

# Words as the portal uses them; digits and marks at their ends have a meaning of their own.
words = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=12)
spaces = st.text(st.sampled_from(" \t\n\u3000\u00a0\u200b"), max_size=3)
behind = st.sampled_from(["", "（3）", "(12)", " 5", "›", " >", "»", "：", ":", " *", "▼", "…", "(99+)"])


@given(words, st.data())
def test_spaces_between_characters_do_not_matter(word: str, data: st.DataObject):
    spaced = "".join(character + data.draw(spaces) for character in word)

    assert says(spaced, (word,))


@given(words, behind, spaces)
def test_a_count_an_arrow_or_a_colon_behind_does_not_matter(word: str, ending: str, space: str):
    assert says(word + space + ending, (word,))


@given(st.text(st.sampled_from("ABCXYZabcxyz012"), min_size=1, max_size=8))
def test_full_width_forms_are_the_same_letters(word: str):
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in word)

    assert normalise(full_width) == word


@given(words, words)
def test_a_word_with_more_words_around_it_is_another_word(word: str, other: str):
    assert says(word + other, (word,)) == (word + other == word)
    assert not says(f"请点击“{word}”完成", (word,))


@given(words)
def test_any_of_the_spellings_will_do(word: str):
    assert says(word, ("另一个词的写法", word))


@given(st.text(max_size=20))
@example("R\u00b80")  # NFKC writes the cedilla as a space and an accent
def test_the_core_is_found_in_one_go_and_never_empty_for_nothing(text: str):
    assert core(core(text)) == core(text) or core(text) == normalise(text)
    assert bool(core(text)) == bool(normalise(text))


def test_a_trailing_number_of_a_longer_word_is_not_a_count():
    assert says("登录方式2", ("登录方式",))
    assert not says("SQ20264401000001", ("SQ2026440100",))


def test_a_boxs_label_may_go_on_behind_the_words():
    assert begins("已认真阅读以上内容并同意《续转申请单》", ("已认真阅读以上内容并同意",))
    assert not begins("我已认真阅读以上内容并同意", ("已认真阅读以上内容并同意",))


def test_a_mention_names_the_word_that_was_found():
    assert mentions("您有一份待确认小微信保易保单，请查看保单", ("没有", "请查看保单")) == "请查看保单"
    assert mentions("您有一份待确认小微信保易保单", ("查看保单",)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "企业名称\t宏达贸易\n统一社会信用代码\t91440100MAB53RXR8B",
        "统一社会信用代码：91440100MAB53RXR8B",
        "投保人：宏达贸易\n统一社会信用代码: 91440100MAB53RXR8B\n",
        "统一社会 信用代码\n91440100MAB53RXR8B",
        "* 统一社会信用代码：\n91440100MAB53RXR8B",
    ],
)
def test_a_value_stands_behind_its_label(text: str):
    assert value_after(text, ("统一社会信用代码",)) == "91440100MAB53RXR8B"


def test_every_value_behind_such_a_label_is_found():
    text = "统一社会信用代码：91440100MAB53RXR8B\n信用代码\t91440200MA7YP74XLC"

    assert list(values_after(text, ("统一社会信用代码", "信用代码"))) == [
        "91440100MAB53RXR8B",
        "91440200MA7YP74XLC",
    ]


def test_a_label_in_a_sentence_is_no_label():
    assert value_after("请先核查贵司的统一社会信用代码是否正确。\n下一步", ("统一社会信用代码",)) == ""


def test_years_are_policy_years_and_not_any_number():
    assert years_in("小微信保易 2026 年度投保\n申请时间\t2025-01-02\n2027年 度") == {2026, 2027}


def test_the_nearest_texts_come_best_first():
    seen = ["我要理赔", "产品介绍", "在线投保服务", "我要投诉", "123"]

    assert nearest(("我要投保",), seen, limit=2)[0] == "我要投诉"
    assert "123" not in nearest(("我要投保",), seen)
