"""What happens next with a renewal, who does it, and when: for staff, and in plainer words for the client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from agency.moments import moment_words
from renewals.domain.progress import Row
from renewals.models import Renewal, StageName, State
from renewals.sentences import reason_next, reason_words


@dataclass(frozen=True)
class Step:
    """The next step in words: how it stands, and what to do or expect; `at` is when, where that is known."""

    what: str
    more: str = ""
    at: datetime | None = None
    by_person: bool = False


def next_step(row: Row) -> Step:
    """What happens next with a renewal, who does it, and when."""
    step = _NEXT[State(row.renewal.state)](row)
    if not row.matters or step.by_person or row.renewal.state == State.RUNNING:
        return step
    reason = row.matters[0].reason
    return Step(reason_words(reason), reason_next(reason), step.at, by_person=True)


def _waiting(row: Row) -> Step:
    renewal = row.renewal
    if row.pause:
        return Step(_("On hold"), row.pause)
    if renewal.reason and renewal.look_at and _is_later(renewal.look_at):
        words = _("Tried again by itself %(when)s") % {"when": moment_words(renewal.look_at)}
        return Step(reason_words(renewal.reason), words, renewal.look_at)
    return Step(_("Waiting for its card"), _place(row))


def _running(row: Row) -> Step:
    desk = row.renewal.desk
    doing = _doing(row.run.doing) if row.run else ""
    if row.renewal.taken_by_id:
        doing = _("Stops before its next click that cannot be undone: a colleague takes over")
    return Step(_("Running at %(desk)s") % {"desk": desk}, doing)


def _unknown(row: Row) -> Step:
    moment = row.renewal.look_at
    if moment and _is_later(moment):
        words = _("Nothing is pressed again; the portal is read %(when)s") % {"when": moment_words(moment)}
        return Step(_("Pressed, and not yet verified"), words, moment)
    return Step(_("Pressed, and not yet verified"), _("Insert the card, so that the portal can be read"))


def _submitted(row: Row) -> Step:
    renewal = row.renewal
    if row.pause:
        return Step(_("On hold"), row.pause)
    if renewal.look_at and _is_later(renewal.look_at):
        words = _("Looked at again %(when)s") % {"when": moment_words(renewal.look_at)}
        return Step(_("Awaiting approval by the insurer"), words, renewal.look_at)
    return Step(_("Look whether it is approved: insert the card"), _place(row))


def _stopped(row: Row) -> Step:
    return Step(reason_words(row.renewal.reason), reason_next(row.renewal.reason), by_person=True)


def _complete(row: Row) -> Step:
    policy = getattr(row.renewal, "policy", None)
    number = _("Policy %(number)s") % {"number": policy.number} if policy else ""
    return Step(_("Policy received"), number)


def _cancelled(row: Row) -> Step:
    return Step(_("Cancelled"), _("The company can be queued again"))


_NEXT: dict[State, Callable[[Row], Step]] = {
    State.WAITING: _waiting,
    State.RUNNING: _running,
    State.UNKNOWN: _unknown,
    State.SUBMITTED: _submitted,
    State.ATTENTION: _stopped,
    State.REFUSED: _stopped,
    State.COMPLETE: _complete,
    State.CANCELLED: _cancelled,
}


def _place(row: Row) -> str:
    """Where the card lies."""
    if row.card is None:
        return _("No card is known")
    if not row.card.drawer:
        return _("Card %(card)s") % {"card": row.card}
    return _("Card %(card)s, drawer %(drawer)s") % {"card": row.card, "drawer": row.card.drawer}


def _doing(doing: dict[str, Any]) -> str:
    """What a run is busy with this second; empty when it has not said."""
    what = str(doing.get("what", ""))
    if what.startswith("stage_"):
        return str(StageName(what.removeprefix("stage_")).label)
    passed = {"seconds": round(doing.get("seconds", 0)), "of": round(doing.get("of", 0))}
    if what == "application":
        return _("Reading the renewal application, %(seconds)d of %(of)d s") % passed
    if what == "page":
        return _("Waiting for a page, %(seconds)d s") % passed
    return ""


def _is_later(moment: datetime) -> bool:
    return moment > timezone.now()


# --- For the client ---------------------------------------------------------------------------


def for_the_client(renewal: Renewal) -> Step:
    """Where the company's policy stands, without our words and without our troubles."""
    return _FOR_CLIENT[State(renewal.state)]()


def _in_hand() -> Step:
    return Step(
        _("We are applying for you"),
        _("There is nothing you need to do. The application is next looked at by the insurer."),
    )


def _in_hand_with_question() -> Step:
    return Step(
        _("We are settling a question"),
        _("There is nothing you need to do now. If we need something from you, we call you."),
    )


def _with_the_insurer() -> Step:
    return Step(
        _("The insurer is looking at the application"),
        _("This takes a few days. As soon as the policy is issued, you can download it here."),
    )


def _issued() -> Step:
    return Step(_("Your policy is here"), _("There is nothing you need to do."))


def _declined() -> Step:
    return Step(_("The application was not accepted"), _("We call you to talk about what to do."))


def _given_up() -> Step:
    return Step(_("Nothing is under way"), _("If you expected something, please call us."))


_FOR_CLIENT: dict[State, Callable[[], Step]] = {
    State.WAITING: _in_hand,
    State.RUNNING: _in_hand,
    State.UNKNOWN: _in_hand,
    State.ATTENTION: _in_hand_with_question,
    State.SUBMITTED: _with_the_insurer,
    State.COMPLETE: _issued,
    State.REFUSED: _declined,
    State.CANCELLED: _given_up,
}
