"""The story of a renewal in templates: what happens next, and what happened."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

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


# A board shows hundreds of them, and of six states in two languages there are only twelve.
@register.simple_tag
@lru_cache(maxsize=64)
def mark(state: str, word: str) -> SafeString:
    """A stage's state by shape, word and colour: the same six everywhere."""
    return render_to_string("renewals/_mark.html", {"state": state, "word": word})


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
