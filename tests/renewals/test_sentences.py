"""Everything that the engine writes down has its sentence, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from portal_driver.contract import Click, Outcome, Reason
from portal_driver.pages import Screen
from renewals import sentences
from renewals.models import Event, State

DOMAIN = Path(settings.BASE_DIR) / "renewals" / "domain"


def kinds_that_are_written() -> set[str]:
    """The kinds of event that the domain's code names, read from its source."""
    kinds = {f"rests_{state}" for state in State if state not in (State.RUNNING, State.CANCELLED)}
    for path in DOMAIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kinds |= _kinds_in(node)
    return kinds


def _kinds_in(call: ast.Call) -> set[str]:
    said = [word.value for word in call.keywords if word.arg == "kind"]
    if isinstance(call.func, ast.Name) and call.func.id in ("tell", "tell_all"):
        said += call.args[1:2]
    return {one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_event_that_the_engine_writes_has_a_sentence() -> None:
    # `tell(renewal, kind, …)` in the intents says one of these two.
    assert kinds_that_are_written() | {"confirmed", "done_elsewhere"} == set(sentences._STORY)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_sentence_can_be_said_of_an_event_without_details(language: str) -> None:
    with translation.override(language):
        told = [sentences.sentence(Event(kind=kind)) for kind in sentences._STORY]
    assert [words for words in told if "%" in words or not words] == []


def test_a_sentence_names_the_button_as_the_portal_writes_it() -> None:
    event = Event(kind="confirmed", detail={"click": "confirm", "proof": "SQ2026"})
    with translation.override("zh-hans"):
        assert sentences.sentence(event) == "门户显示 确认投保 已生效（SQ2026）。"
    with translation.override("en"):
        assert sentences.sentence(event) == "The portal shows that 确认投保 took effect (SQ2026)."


def test_every_button_and_every_screen_has_its_words() -> None:
    assert set(sentences.BUTTONS) == set(Click)
    assert set(sentences.OUTCOMES) == set(Outcome)
    assert {screen.name for screen in Screen.__subclasses__() if hasattr(screen, "name")} <= set(
        sentences.SCREENS
    )


def test_a_technical_setback_is_explained_without_telling_anybody_what_to_do() -> None:
    with translation.override("zh-hans"):
        later = Event(kind="rests_waiting", detail={"reason": Reason.PORTAL_UNAVAILABLE})
        person = Event(kind="rests_attention", detail={"reason": Reason.CARD_LOCKED})
        assert sentences.explanation(later) == "门户没有回应。"
        assert sentences.explanation(person) == "卡已锁定。 企业须到电子口岸办事处解锁，需要几天。"


def test_the_insurers_own_words_are_repeated() -> None:
    assert sentences.explanation(Event(kind="rests_refused", detail={"reason": "资料不全"})) == "资料不全"
