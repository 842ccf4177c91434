"""The story of a renewal in templates: what happens next, and what happened."""

from __future__ import annotations

from django import template

from renewals import next_step, sentences
from renewals.models import Event, Evidence

register = template.Library()


register.simple_tag(next_step.next_step, name="next_step")
register.filter("sentence", sentences.sentence)
register.filter("explanation", sentences.explanation)
register.filter("reason_words", sentences.reason_words)
register.filter("reason_title", sentences.reason_title)
register.filter("reason_next", sentences.reason_next)


@register.filter
def screen(evidence: Evidence) -> str:
    """The portal's name for the screen in a picture; ours where it has none."""
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
