"""The story of a renewal in sentences, in the reader's language.

What the portal's buttons and screens say stays in Chinese, exactly as the portal writes it.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from portal_driver.contract import Click, Outcome
from renewals.models import Event, StageName
from renewals.reasons import CATALOGUE, is_technical

# The words on the portal's five irreversible buttons (guide, 二.3, 三.1 to 三.3, 四.2).
BUTTONS: dict[str, str] = {
    Click.CONFIRM: "确认投保",
    Click.SEAL: "保存印章并生成协议",
    Click.SIGN: "同意",
    Click.AUTHORIZE: "授权",
    Click.RECEIPT: "收悉",
}
# The portal's screens by the name that the driver gives them; the guide's titles.
SCREENS: dict[str, str] = {
    "sign_in": "登录",
    "company": "企业信息",
    "pending_banner": "待确认保单",
    "pending_policy": "确认投保",
    "application": "续转申请单",
    "sealing": "制章",
    "signing": "协议签署",
    "authorizing": "企业数据授权",
    "finishing": "最后的投保操作",
    "submitted": "投保操作完成",
    "applications": "投保申请",
    "policies": "保险单",
    "policy": "电子保单",
    "policy_acknowledged": "收悉",
}

EVIDENCE: dict[str, str | Promise] = {
    "picture": pgettext_lazy("kind of evidence", "picture"),
    "text": pgettext_lazy("kind of evidence", "text"),
    "document": pgettext_lazy("kind of evidence", "document"),
    "record": pgettext_lazy("kind of evidence", "record"),
    "policy": pgettext_lazy("kind of evidence", "policy"),
}
OUTCOMES: dict[str, str | Promise] = {
    Outcome.SUBMITTED: pgettext_lazy("end of a run", "application in"),
    Outcome.COMPLETE: pgettext_lazy("end of a run", "complete"),
    Outcome.STOPPED: pgettext_lazy("end of a run", "stopped before a click"),
    Outcome.REFUSED: pgettext_lazy("end of a run", "refused"),
    Outcome.PERSON_NEEDED: pgettext_lazy("end of a run", "needs a person"),
    Outcome.LATER: pgettext_lazy("end of a run", "goes on later"),
    Outcome.UNKNOWN: pgettext_lazy("end of a run", "to be verified"),
}


def reason_words(code: str) -> str:
    """Why it stopped; the code itself for one that the catalogue does not know."""
    return str(CATALOGUE[code].what) if code in CATALOGUE else code


def reason_title(code: str) -> str:
    """Why it stopped, in the first sentence of it: for lists, where there is no room for more."""
    return re.split(r"。|\. |\.$", reason_words(code), maxsplit=1)[0]


def reason_next(code: str) -> str:
    """What to do about it; empty for a code that the catalogue does not know."""
    return str(CATALOGUE[code].next) if code in CATALOGUE else ""


def sentence(event: Event) -> str:
    """What happened, in one sentence; the bare kind for an event that has none yet."""
    words = _STORY.get(event.kind)
    if words is None:
        return event.kind
    return str(words) % _facts(event)


def explanation(event: Event) -> str:
    """What the sentence leaves out: the reason, or what the person wrote; empty for most events."""
    reason, why = event.detail.get("reason", ""), event.detail.get("why") or event.detail.get("text", "")
    if event.kind == "done_by_hand":
        return str(event.detail.get("proof", ""))
    if reason and event.kind != "rests_complete":
        return _explained(reason)
    return str(why)


def _explained(reason: str) -> str:
    words = reason_words(reason)
    if reason in CATALOGUE and is_technical(reason):
        return words
    return " ".join(part for part in (words, reason_next(reason)) if part)


def weight(event: Event) -> str:
    """How much an event matters to a reader: `person`, `unknown`, `milestone`, `act`, or empty."""
    return _WEIGHTS.get(event.kind, "")


def findings(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """What was expected and what the portal showed, as labelled pairs."""
    return [
        (str(label), str(detail[key]))
        for key, label in _FINDINGS.items()
        if detail.get(key) and detail[key] not in CATALOGUE
    ]


def _facts(event: Event) -> dict[str, str]:
    detail = event.detail
    return {
        "button": BUTTONS.get(detail.get("click", ""), ""),
        "who": event.actor_name or _("Xubao"),
        "batch": detail.get("batch", ""),
        "desk": detail.get("desk", ""),
        "number": detail.get("number", ""),
        "state": detail.get("state", ""),
        "card": str(detail.get("number", ""))[-4:],
        "proof": _proof(detail),
        "to": detail.get("to") or _("nobody in particular"),
        "stage": str(StageName(detail["stage"]).label) if detail.get("stage") in StageName.values else "",
    }


def _proof(detail: dict[str, Any]) -> str:
    """Where the portal shows it, as the end of a sentence."""
    return (
        pgettext("proof of a click", " (%(proof)s)") % {"proof": detail["proof"]}
        if detail.get("proof")
        else ""
    )


_STORY: dict[str, str | Promise] = {
    "queued": gettext_lazy("%(who)s queued the renewal in batch %(batch)s."),
    "claimed": gettext_lazy("A run began at %(desk)s."),
    "card_read": gettext_lazy(
        "The card in the reader is the company's: …%(card)s. No PIN was used for this."
    ),
    "pin_used": gettext_lazy("The PIN was typed, once."),
    "signed_in": gettext_lazy("The portal let the card in. Company and social credit code agree."),
    "application_seen": gettext_lazy("The portal lists application %(number)s: %(state)s."),
    "armed": gettext_lazy("About to press %(button)s; the intent is written down."),
    "not_armed": gettext_lazy("%(button)s was not pressed."),
    "fired": gettext_lazy("Pressed %(button)s. The request left once."),
    "confirmed": gettext_lazy("The portal shows that %(button)s took effect%(proof)s."),
    "done_elsewhere": gettext_lazy("%(button)s was done already, as the portal shows%(proof)s."),
    "missed_once": gettext_lazy(
        "The portal does not show an effect of %(button)s. We read it a second time, later."
    ),
    "absent": gettext_lazy("Two readings show that %(button)s did not take effect."),
    "policy_downloaded": gettext_lazy("Downloaded policy %(number)s: complete, and this company's."),
    "rests_waiting": gettext_lazy("The run ended early. It goes on later by itself."),
    "rests_unknown": gettext_lazy("The run ended with a click that is still to be verified."),
    "rests_submitted": gettext_lazy("The application is in. The insurer's approval takes days."),
    "rests_attention": gettext_lazy("The run stopped: a person is needed."),
    "rests_complete": gettext_lazy("Complete: the policy is downloaded and received."),
    "rests_refused": gettext_lazy("The portal or the insurer said no."),
    "retried": gettext_lazy("%(who)s put the renewal back in the queue."),
    "stage_retried": gettext_lazy("%(who)s looked at the portal and had this step done again."),
    "cancelled": gettext_lazy("%(who)s cancelled the renewal."),
    "closed_as_refused": gettext_lazy("%(who)s closed the renewal as refused."),
    "take_over_asked": gettext_lazy(
        "%(who)s takes over: the run stops before its next click that cannot be undone."
    ),
    "taken_over": gettext_lazy("%(who)s took over, to do it by hand on the portal."),
    "done_by_hand": gettext_lazy(
        "%(who)s says: done by hand on the portal, up to %(stage)s. The portal is read before anything else."
    ),
    "assigned": gettext_lazy("%(who)s handed it to %(to)s."),
    "commented": gettext_lazy("%(who)s wrote:"),
    "matter_opened": gettext_lazy("A person is asked to see to something."),
    "matter_closed": gettext_lazy("What a person was asked to see to is settled."),
}

_WEIGHTS = {
    "rests_attention": "person",
    "rests_refused": "person",
    "rests_unknown": "unknown",
    "missed_once": "unknown",
    "absent": "unknown",
    "confirmed": "milestone",
    "done_elsewhere": "milestone",
    "policy_downloaded": "milestone",
    "rests_submitted": "milestone",
    "rests_complete": "milestone",
    "fired": "act",
    "queued": "act",
    "retried": "act",
    "stage_retried": "act",
    "matter_opened": "person",
    "cancelled": "act",
    "closed_as_refused": "act",
    "take_over_asked": "act",
    "taken_over": "act",
    "done_by_hand": "act",
    "commented": "act",
}

_FINDINGS: dict[str, str | Promise] = {
    "expected": gettext_lazy("Expected"),
    "seen": gettext_lazy("On the portal"),
    "nearest": gettext_lazy("Most like it"),
    "valid_until": gettext_lazy("Certificate valid until"),
    "state": gettext_lazy("State on the portal"),
    "reason": gettext_lazy("The insurer's words"),
    "error": gettext_lazy("The program's words"),
}
