"""Which acts fit a reason, and whom to call: so that nobody is offered what cannot help.

The domain has the last word (`NotPossibleNow`); this only spares people what makes no sense.
"""

from __future__ import annotations

from enum import StrEnum

from portal_driver.contract import Reason
from renewals.models import Renewal, State
from renewals.reasons import HOTLINE, EngineReason

# Guide, 五.2: the help lines for companies of these three cities.
CITY_LINES = ("020-37198050", "020-37198057", "020-37198165")
CITIES = ("广州", "清远", "韶关")


class Do(StrEnum):
    """What a person can do with what waits for him."""

    RETRY = "retry"
    LIFT = "lift"
    GIVE_BACK = "give_back"
    CORRECT = "correct"
    DONE = "done"
    AGAIN = "again"
    REFUSE = "refuse"
    CLOSE = "close"
    TAKE_OVER = "take_over"
    ASSIGN = "assign"
    COMMENT = "comment"


# The first is what most people will want.
_FITTING: dict[str, tuple[Do, ...]] = {
    Reason.CERTIFICATE_EXPIRED: (Do.RETRY, Do.REFUSE),
    Reason.PIN_MISSING: (Do.RETRY,),
    Reason.PIN_REFUSED: (Do.RETRY, Do.REFUSE),
    Reason.CARD_LOCKED: (Do.RETRY, Do.REFUSE),
    Reason.SIGN_IN_UNCLEAR: (Do.RETRY,),
    EngineReason.CARD_QUARANTINED: (Do.RETRY,),
    Reason.CONTACT_REFUSED: (Do.CORRECT, Do.DONE, Do.REFUSE),
    EngineReason.CONTACT_MISSING: (Do.CORRECT,),
    EngineReason.CONSENT_MISSING: (Do.RETRY, Do.REFUSE),
    Reason.USCC_DIFFERS: (Do.RETRY, Do.REFUSE),
    Reason.COMPANY_DIFFERS: (Do.RETRY, Do.REFUSE),
    Reason.NO_PENDING_POLICY: (Do.RETRY, Do.DONE, Do.REFUSE),
    Reason.APPLICATION_RETURNED: (Do.RETRY, Do.DONE, Do.REFUSE),
    Reason.POLICY_OF_ANOTHER: (Do.RETRY, Do.DONE),
    Reason.OUTCOME_UNKNOWN: (Do.RETRY, Do.DONE, Do.AGAIN),
    EngineReason.LOOK_FIRST: (Do.RETRY, Do.DONE, Do.AGAIN),
    EngineReason.PRESSED_TWICE: (Do.DONE, Do.AGAIN, Do.REFUSE),
    EngineReason.ALREADY_CONFIRMED: (Do.RETRY, Do.DONE),
    EngineReason.TAKEN_OVER: (Do.DONE, Do.GIVE_BACK, Do.REFUSE),
    EngineReason.CLOSED_AS_REFUSED: (Do.RETRY,),
}
# A page that we do not know, a machine that failed: a person can still do it by hand.
_OTHERWISE = (Do.RETRY, Do.DONE, Do.TAKE_OVER, Do.REFUSE)
# A card that cannot be used closes its matter by itself, once it can.
_OF_MATTERS: dict[str, tuple[Do, ...]] = {EngineReason.POLICY_OVERDUE: (Do.CLOSE, Do.TAKE_OVER)}

# Reasons that put the card into quarantine, or come of it.
_OF_THE_CARD = (
    Reason.PIN_REFUSED,
    Reason.CARD_LOCKED,
    Reason.SIGN_IN_UNCLEAR,
    EngineReason.CARD_QUARANTINED,
)

_CALL_THE_PORTAL = (
    Reason.USCC_DIFFERS,
    Reason.COMPANY_DIFFERS,
    Reason.CARD_LOCKED,
    Reason.NO_PENDING_POLICY,
    Reason.POLICY_OF_ANOTHER,
    EngineReason.ALREADY_CONFIRMED,
    EngineReason.PRESSED_TWICE,
    EngineReason.POLICY_OVERDUE,
)


def what_fits(renewal: Renewal, asked: str, *, has_quarantined_card: bool = False) -> tuple[Do, ...]:
    """The acts that fit the reason for which the renewal waits for a person, the usual one first.

    While its company's card is in quarantine a mere retry would stop at the desk: lifting comes with it.
    """
    if renewal.state not in (State.ATTENTION, State.REFUSED):
        return _OF_MATTERS.get(asked, ())
    fitting = _FITTING.get(asked, _OTHERWISE)
    if has_quarantined_card and asked in _OF_THE_CARD:
        fitting = tuple(Do.LIFT if do == Do.RETRY else do for do in fitting)
    # Where every stage is settled there is none to be done by hand, or again.
    return fitting if renewal.stage else tuple(do for do in fitting if do not in (Do.DONE, Do.AGAIN))


def is_of_the_card(reason: str) -> bool:
    """Whether the reason puts the card into quarantine, or comes of it."""
    return reason in _OF_THE_CARD


def may_be_retried_unseen(reason: str) -> bool:
    """Whether many that stopped for this reason may be put back without a look at each of them."""
    return Do.RETRY in _FITTING.get(reason, _OTHERWISE) and reason not in _OF_THE_CARD


# What a person can do of his own accord, before anything has stopped.
_BY_STATE: dict[str, tuple[Do, ...]] = {
    State.WAITING: (Do.TAKE_OVER, Do.DONE),
    State.SUBMITTED: (Do.TAKE_OVER, Do.DONE),
    State.UNKNOWN: (Do.TAKE_OVER, Do.DONE, Do.AGAIN),
    State.RUNNING: (Do.TAKE_OVER,),
}
# These need the inbox's own forms.
_IN_THE_INBOX = (Do.RETRY, Do.LIFT, Do.CORRECT, Do.CLOSE)


def what_fits_by_hand(renewal: Renewal) -> tuple[Do, ...]:
    """What a person can do by hand with a renewal in its state, on the page of the renewal."""
    if renewal.state in (State.ATTENTION, State.REFUSED):
        fitting = tuple(do for do in what_fits(renewal, renewal.reason) if do not in _IN_THE_INBOX)
        return fitting if renewal.taken_by_id or Do.TAKE_OVER in fitting else (*fitting, Do.TAKE_OVER)
    fitting = () if renewal.taken_by_id else _BY_STATE.get(renewal.state, ())
    return fitting if renewal.stage else tuple(do for do in fitting if do == Do.TAKE_OVER)


def phones(asked: str, region: str) -> list[tuple[str, bool]]:
    """The telephone numbers where the guide sends people for this reason; True for the cities' own lines."""
    if asked not in _CALL_THE_PORTAL:
        return []
    own = CITY_LINES if any(city in region for city in CITIES) else ()
    return [(HOTLINE, False), *((line, True) for line in own)]
