"""The story of a renewal in templates: what happens next, and what happened."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agency.templatetags.icons import lucide
from renewals import next_step, sentences
from renewals.models import Event, Evidence

register = template.Library()


register.simple_tag(next_step.next_step, name="next_step")
register.filter("sentence", sentences.sentence)
register.filter("explanation", sentences.explanation)
register.filter("reason_words", sentences.reason_words)
register.filter("reason_title", sentences.reason_title)
register.filter("reason_next", sentences.reason_next)
register.filter("doing", next_step.doing_words)


_SHAPES = {
    "done": "check",
    "skipped": "minus",
    "running": "loader-circle",
    "attention": "triangle-alert",
    "unknown": "circle-question-mark",
}


# A board shows hundreds of them, and of six kinds: too many for a template each.
@register.simple_tag
def mark(state: str, word: str) -> SafeString:
    """A stage's state by shape, word and colour: the same six everywhere."""
    return _mark(str(state), str(word))


@lru_cache(maxsize=64)
def _mark(state: str, word: str) -> SafeString:
    shape = lucide(_SHAPES.get(state, "circle"), size=14, aria_hidden="true")
    return format_html('<span class="mark mark-{}">{}<span class="word">{}</span></span>', state, shape, word)


@register.filter
def screen(evidence: Evidence) -> str:
    """The portal's name for the screen in a picture; ours where it has none."""
    if evidence.page == "unknown":
        return _("a page that we do not know")
    return sentences.SCREENS.get(evidence.page, evidence.page)


@register.filter
def kind(evidence: Evidence) -> str:
    """What a piece of evidence is: picture, text, document or policy."""
    return str(sentences.EVIDENCE.get(evidence.kind, evidence.kind))


@register.filter
def outcome(code: str) -> str:
    """How a run ended; nothing for one that has not."""
    return str(sentences.OUTCOMES.get(code, code))


@register.filter
def button(click: str) -> str:
    """The words on the portal's button."""
    return sentences.BUTTONS.get(click, click)


@register.filter
def weight(event: Event) -> str:
    """How an event's sentence is set: `person`, `act`, `milestone`, or empty for the rest."""
    return sentences.weight(event)
