"""What the desk's page tells the person at the reader: what is going on, and what to do with the hands."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from renewals.domain.at_desk import AtDesk, Situation
from renewals.models import State
from renewals.sentences import reason_next, reason_words

# The three sounds of the page.
TAKE_OUT, INSERT, PERSON = "take_out", "insert", "person"


@dataclass(frozen=True)
class Instruction:
    """One sentence of what is, one of what to do, and its sound.

    `look` is how it looks: `go`, `done`, `wait`, `person`, or `quiet`.
    """

    what: str
    do: str
    look: str
    cue: str = ""


def instruction(at: AtDesk) -> Instruction:
    """What the person at the reader reads first."""
    stopped = _stopped(at)
    if stopped and at.situation in (Situation.TAKE_OUT, Situation.NOTHING_WAITS):
        return Instruction(stopped, _join(_what_to_do(at), _then(at)), "person", PERSON)
    words = _WORDS[at.situation]
    what, do = str(words.what) % _facts(at), str(words.do) % _facts(at)
    if at.situation in _CARD_COMES_OUT:
        do = _join(do, _then(at))
    return Instruction(what, do, words.look, words.cue)


def situation_words(situation: Situation) -> str:
    """A situation in a few words, for the list of desks."""
    return str(_SHORT[situation])


@dataclass(frozen=True)
class _Words:
    what: str | Promise
    do: str | Promise
    look: str
    cue: str = ""


_CARD_COMES_OUT = (
    Situation.TAKE_OUT,
    Situation.NOTHING_WAITS,
    Situation.WORK_PAUSED,
    Situation.UNKNOWN_CARD,
    Situation.WRONG_KIND,
    Situation.QUARANTINED,
    Situation.EXPIRED,
)

_WORDS: dict[Situation, _Words] = {
    Situation.PAUSED: _Words(gettext_lazy("This desk is paused"), gettext_lazy("Why: %(why)s"), "wait"),
    Situation.RUNNING: _Words(
        gettext_lazy("Leave the card in"),
        gettext_lazy("%(company)s is being done. The desk says when to take the card out."),
        "go",
    ),
    Situation.SILENT: _Words(
        gettext_lazy("Nothing is heard from this desk"),
        gettext_lazy(
            "See that its computer is switched on and connected, and that the desk's watcher runs. "
            "Nothing is lost: the work goes on where it stood."
        ),
        "person",
        PERSON,
    ),
    Situation.CONTROL_UNREACHABLE: _Words(
        gettext_lazy("The card control of the desk does not answer."),
        gettext_lazy(
            "Start the e-port client control on the desk's computer again, and insert the card anew."
        ),
        "person",
        PERSON,
    ),
    Situation.UNKNOWN_CARD: _Words(
        gettext_lazy("Nobody knows this card: %(number)s"),
        gettext_lazy(
            "Take it out and lay it aside. If it is one of your companies' cards, "
            "import a workbook with its number."
        ),
        "person",
        PERSON,
    ),
    Situation.WRONG_KIND: _Words(
        gettext_lazy("This is an operator card, not a legal-person card"),
        gettext_lazy("Take it out and insert the company's legal-person card. No PIN was used."),
        "person",
        PERSON,
    ),
    Situation.QUARANTINED: _Words(
        gettext_lazy("This card is in quarantine"),
        gettext_lazy(
            "Take it out and lay it aside: it is used again once somebody has checked it "
            "and lifted the quarantine."
        ),
        "person",
        PERSON,
    ),
    Situation.EXPIRED: _Words(
        gettext_lazy("The certificate on this card has expired"),
        gettext_lazy("Take it out and ask the company to have it renewed. No PIN was used."),
        "person",
        PERSON,
    ),
    Situation.PIN_NEEDED: _Words(
        gettext_lazy("Type the PIN of this card"), gettext_lazy("Leave the card in."), "person", PERSON
    ),
    Situation.STARTING: _Words(
        gettext_lazy("The card is read, and work begins"),
        gettext_lazy(
            "Leave the card in. If nothing begins within a minute, the desk's worker is not running."
        ),
        "go",
    ),
    Situation.TAKE_OUT: _Words(
        gettext_lazy("Done: take the card out"),
        "%(back)s",
        "done",
        TAKE_OUT,
    ),
    Situation.NOTHING_WAITS: _Words(
        gettext_lazy("Nothing waits for this card: take it out"), "%(back)s", "done", TAKE_OUT
    ),
    Situation.HELD_BACK: _Words(
        gettext_lazy("Wait: another company of the batch goes first"),
        gettext_lazy("Leave the card in, it follows by itself. Or take it out: nothing was pressed."),
        "wait",
    ),
    Situation.WORK_PAUSED: _Words(
        gettext_lazy("What waits for this card is paused"),
        gettext_lazy("Take the card out. Nothing was pressed."),
        "wait",
        TAKE_OUT,
    ),
    Situation.SAY_WHICH: _Words(
        gettext_lazy("Insert a card, and say which it is"),
        gettext_lazy("This reader cannot tell which card is in it."),
        "go",
        INSERT,
    ),
    Situation.INSERT: _Words(gettext_lazy("Insert the card of %(next)s"), "%(place)s", "go", INSERT),
    Situation.IDLE: _Words(
        gettext_lazy("No card is asked for now"),
        gettext_lazy("Nothing waits for a card that is here. The page says so when something does."),
        "quiet",
    ),
}

_SHORT: dict[Situation, str | Promise] = {
    Situation.PAUSED: pgettext_lazy("desk", "Paused"),
    Situation.RUNNING: pgettext_lazy("desk", "At work"),
    Situation.SILENT: pgettext_lazy("desk", "Silent"),
    Situation.CONTROL_UNREACHABLE: pgettext_lazy("desk", "Card control does not answer"),
    Situation.UNKNOWN_CARD: pgettext_lazy("desk", "Unknown card"),
    Situation.WRONG_KIND: pgettext_lazy("desk", "Operator card"),
    Situation.QUARANTINED: pgettext_lazy("desk", "Card in quarantine"),
    Situation.EXPIRED: pgettext_lazy("desk", "Card has expired"),
    Situation.PIN_NEEDED: pgettext_lazy("desk", "PIN needed"),
    Situation.STARTING: pgettext_lazy("desk", "About to begin"),
    Situation.TAKE_OUT: pgettext_lazy("desk", "Card may come out"),
    Situation.NOTHING_WAITS: pgettext_lazy("desk", "Nothing waits for this card"),
    Situation.HELD_BACK: pgettext_lazy("desk", "Waits for another company"),
    Situation.WORK_PAUSED: pgettext_lazy("desk", "Work is paused"),
    Situation.SAY_WHICH: pgettext_lazy("desk", "Waits to be told the card"),
    Situation.INSERT: pgettext_lazy("desk", "No card in the reader"),
    Situation.IDLE: pgettext_lazy("desk", "No card in the reader"),
}


def _facts(at: AtDesk) -> dict[str, str]:
    running = at.run.renewal.company.name if at.run else ""
    return {
        "why": at.why,
        "company": running,
        "number": at.desk.card_number,
        "next": at.next.card.company.name if at.next else "",
        "place": _place(at.next.card.drawer if at.next else ""),
        "back": _back(at.card.drawer if at.card else ""),
    }


def _stopped(at: AtDesk) -> str:
    """Why what ran last for this card waits for a person; empty where it does not."""
    if at.last is None or at.last.renewal.state not in (State.ATTENTION, State.REFUSED):
        return ""
    return reason_words(at.last.renewal.reason)


def _what_to_do(at: AtDesk) -> str:
    return reason_next(at.last.renewal.reason) if at.last else ""


def _then(at: AtDesk) -> str:
    """Which card comes next, and where it lies."""
    if at.next is None:
        return _("No other card is asked for now.")
    facts = {"next": at.next.card.company.name, "place": _place(at.next.card.drawer)}
    return _("Then insert the card of %(next)s. %(place)s") % facts


def _place(drawer: str) -> str:
    return (
        _("It lies in drawer %(drawer)s.") % {"drawer": drawer} if drawer else _("Its drawer is not known.")
    )


def _back(drawer: str) -> str:
    return _("Back into drawer %(drawer)s.") % {"drawer": drawer} if drawer else ""


def _join(*sentences: str) -> str:
    """One after another; Chinese full stops bring their own space."""
    return "".join(one if one.endswith("。") else f"{one} " for one in sentences if one).strip()
