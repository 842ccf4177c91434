"""Why a renewal stopped, in words: one catalogue, in both languages, with what to do next.

The codes of `portal_driver.contract.Reason` and of `EngineReason` each have one entry here; a
test holds the catalogue complete. Guide, part 五, gives the telephone numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal_driver.contract import Reason


class EngineReason(StrEnum):
    """Reasons that the engine finds by itself, without the driver."""

    PAUSED = "paused"
    HELD_BACK = "held_back"
    ENGINE_FAILED = "engine_failed"
    CONTACT_MISSING = "contact_missing"
    CARD_UNUSABLE = "card_unusable"
    POLICY_OVERDUE = "policy_overdue"
    LOOK_FIRST = "look_first"
    ALREADY_CONFIRMED = "already_confirmed"
    PRESSED_TWICE = "pressed_twice"
    CONSENT_MISSING = "consent_missing"
    CARD_QUARANTINED = "card_quarantined"
    WORKER_LOST = "worker_lost"
    RUN_TOO_LONG = "run_too_long"
    TAKEN_OVER = "taken_over"
    CLOSED_AS_REFUSED = "closed_as_refused"


class Kind(StrEnum):
    """Who mends it: a person at once, time, or a reading of the portal."""

    BUSINESS = "business"
    TECHNICAL = "technical"
    UNKNOWN = "unknown"


class Who(StrEnum):
    """Who can do what is to be done next."""

    NOBODY = "nobody"  # time or the engine mends it
    STAFF = "staff"
    COMPANY = "company"  # through the agency's staff
    OPERATOR = "operator"  # of the installation: machines, browser, portal profile


@dataclass(frozen=True)
class Words:
    """What people read: what happened, and what to do now; who can; how patient the engine is.

    After `patience` setbacks in a row a person is asked, however much time alone might mend it.
    `breaks` marks what is the portal's fault when several companies meet it in a row, not theirs.
    """

    kind: Kind
    what: str | Promise
    next: str | Promise
    who: Who = Who.STAFF
    patience: int = 8
    breaks: bool = False


HOTLINE = "95198"  # guide, 五.1; 0 for a person


def words(code: str) -> Words:
    """The entry of a code. Raises `KeyError` for a code that the catalogue does not know."""
    return CATALOGUE[code]


def asks_nobody(code: str) -> bool:
    """Whether the run only stepped back for a while; it is no setback."""
    return code in (EngineReason.PAUSED, EngineReason.HELD_BACK)


def is_technical(code: str) -> bool:
    """Whether time alone may mend it."""
    return CATALOGUE[code].kind == Kind.TECHNICAL


_PHONE = _(
    "Ask the company to call the Single Window hotline 95198 (0 for a person), or correct it on the portal."
)
_RETRY_BY_ITSELF = _("Nothing to do: it is tried again by itself.")
_LOOK = _("Nothing will be pressed again. We look at the portal when the card is next at a desk.")

CATALOGUE: dict[str, Words] = {
    Reason.CARD_ABSENT: Words(
        Kind.TECHNICAL, _("The card was taken out of the reader."), _("Insert the card again.")
    ),
    Reason.CARD_WRONG: Words(
        Kind.TECHNICAL,
        _("Another company's card is in the reader."),
        _("Insert the card that the desk asks for. No PIN was used."),
    ),
    Reason.CERTIFICATE_EXPIRED: Words(
        Kind.BUSINESS,
        _("The certificate on the card has expired. No PIN was used."),
        _("Ask the company to renew its card, then enter the new date."),
        Who.COMPANY,
    ),
    Reason.CONTROL_UNREACHABLE: Words(
        Kind.TECHNICAL,
        _("The card control of the desk does not answer."),
        _("Start the e-port client control on the desk's computer again, and insert the card anew."),
    ),
    Reason.PIN_MISSING: Words(
        Kind.BUSINESS,
        _("There is no PIN for this card."),
        _("Type the PIN at the desk, or store it in the vault if the company allowed that."),
    ),
    Reason.PIN_REFUSED: Words(
        Kind.BUSINESS,
        _("The portal refused the PIN. One try was spent; nobody tries again by itself."),
        _("Ask the company for the right PIN, then lift the card's quarantine."),
        Who.COMPANY,
    ),
    Reason.CARD_LOCKED: Words(
        Kind.BUSINESS,
        _("The card is locked."),
        _("The company must have it unlocked at the e-port office. This takes days."),
        Who.COMPANY,
    ),
    Reason.SIGN_IN_UNCLEAR: Words(
        Kind.BUSINESS,
        _("The PIN was typed and the portal did not say whether it was right."),
        _("It counts as wrong until a person has looked. Check the card, then lift its quarantine."),
    ),
    Reason.USCC_DIFFERS: Words(
        Kind.BUSINESS,
        _("The portal has another unified social credit code for this company. Nothing was pressed."),
        _PHONE,
        Who.COMPANY,
    ),
    Reason.COMPANY_DIFFERS: Words(
        Kind.BUSINESS,
        _("The portal shows another company name. Nothing was pressed."),
        _("Compare the name on the card, on the portal and here, and correct the wrong one."),
    ),
    Reason.CONTACT_REFUSED: Words(
        Kind.BUSINESS,
        _("The portal does not accept the contact."),
        _("Correct name, mobile or e-mail (no hyphen, no underscore), then retry."),
    ),
    Reason.NO_PENDING_POLICY: Words(
        Kind.BUSINESS,
        _("The portal has no policy waiting for this company's confirmation."),
        _("Ask the insurer whether the company takes part this year; retry when the portal shows it."),
    ),
    Reason.APPLICATION_RETURNED: Words(
        Kind.BUSINESS,
        _("The insurer returned the application."),
        _("Read the reason, settle it with the company, then retry or cancel."),
    ),
    Reason.POLICY_FILE_BROKEN: Words(
        Kind.TECHNICAL,
        _("The policy file from the portal was not complete."),
        _RETRY_BY_ITSELF,
        Who.NOBODY,
        patience=3,
        breaks=True,
    ),
    Reason.POLICY_OF_ANOTHER: Words(
        Kind.BUSINESS,
        _("The portal's policy file names another company. It was not acknowledged."),
        _("Compare the file with the portal, and call the hotline 95198."),
    ),
    Reason.PORTAL_UNAVAILABLE: Words(
        Kind.TECHNICAL, _("The portal did not answer."), _RETRY_BY_ITSELF, Who.NOBODY, breaks=True
    ),
    Reason.SESSION_LOST: Words(
        Kind.TECHNICAL, _("The portal ended the session."), _RETRY_BY_ITSELF, Who.NOBODY, breaks=True
    ),
    Reason.PAGE_CHANGED: Words(
        Kind.BUSINESS,
        _("The portal shows a page that we do not know. Nothing was pressed on it."),
        _("Compare the picture with what was expected; the portal profile may need a new word."),
        Who.OPERATOR,
        breaks=True,
    ),
    Reason.PAGE_AMBIGUOUS: Words(
        Kind.BUSINESS,
        _("The portal shows a word twice where we expect it once. Nothing was pressed."),
        _("Compare the picture with what was expected; the portal profile may need a new word."),
        Who.OPERATOR,
        breaks=True,
    ),
    Reason.OUTCOME_UNKNOWN: Words(
        Kind.UNKNOWN, _("A button was pressed and the portal gave no answer."), _LOOK, Who.NOBODY, breaks=True
    ),
    Reason.NOT_ARMED: Words(
        Kind.TECHNICAL, _("The run stopped before an irreversible click."), _RETRY_BY_ITSELF, Who.NOBODY
    ),
    Reason.BROWSER_MISSING: Words(
        Kind.TECHNICAL,
        _("The desk's computer has no browser."),
        _("Install Chrome or Edge there, or set PLAYWRIGHT_CHROMIUM."),
        Who.OPERATOR,
        patience=3,
    ),
    Reason.BROWSER_GONE: Words(
        Kind.TECHNICAL, _("The browser ended by itself."), _RETRY_BY_ITSELF, Who.NOBODY
    ),
    Reason.EVIDENCE_NOT_WRITABLE: Words(
        Kind.TECHNICAL,
        _("The evidence could not be written, so nothing was pressed."),
        _("Make room on the disk."),
        Who.OPERATOR,
        patience=3,
    ),
    Reason.DRIVER_FAILED: Words(
        Kind.TECHNICAL, _("The driver ended unexpectedly."), _RETRY_BY_ITSELF, Who.NOBODY, breaks=True
    ),
    EngineReason.LOOK_FIRST: Words(
        Kind.UNKNOWN, _("An earlier click is still to be verified."), _LOOK, Who.NOBODY
    ),
    EngineReason.ALREADY_CONFIRMED: Words(
        Kind.BUSINESS,
        _("The portal asks again for a step that it had shown as done. Nothing was pressed."),
        _("Look at the portal, and settle it with the hotline 95198."),
    ),
    EngineReason.PRESSED_TWICE: Words(
        Kind.BUSINESS,
        _("A button was pressed twice, and the portal shows no effect of either."),
        _("Look at the portal, and do this step by hand."),
    ),
    EngineReason.CONSENT_MISSING: Words(
        Kind.BUSINESS,
        _("The company's consent for this year is missing or was revoked. Nothing was pressed."),
        _("Record the consent, then retry."),
    ),
    EngineReason.CARD_QUARANTINED: Words(
        Kind.BUSINESS,
        _("The card is in quarantine: it is not known whether its PIN is right."),
        _("Check the card and its PIN, then lift the quarantine."),
    ),
    EngineReason.WORKER_LOST: Words(
        Kind.TECHNICAL, _("The desk's worker fell silent."), _RETRY_BY_ITSELF, Who.NOBODY
    ),
    EngineReason.RUN_TOO_LONG: Words(
        Kind.TECHNICAL, _("The run took too long and was ended."), _RETRY_BY_ITSELF, Who.NOBODY, breaks=True
    ),
    EngineReason.PAUSED: Words(
        Kind.TECHNICAL,
        _("The work is paused. Nothing was pressed."),
        _("It goes on once the pause ends."),
        Who.STAFF,
    ),
    EngineReason.HELD_BACK: Words(
        Kind.TECHNICAL,
        _("Another company of the batch tries this step first. Nothing was pressed."),
        _("Nothing to do: it follows by itself."),
        Who.NOBODY,
    ),
    EngineReason.ENGINE_FAILED: Words(
        Kind.TECHNICAL,
        _("Xubao itself failed during the run."),
        _("Nothing to do at first: it is tried again. If it stays, the operator reads the log."),
        Who.OPERATOR,
        patience=3,
    ),
    EngineReason.CONTACT_MISSING: Words(
        Kind.BUSINESS,
        _("The company has no primary contact any more. Nothing was pressed."),
        _("Enter the contact, then retry."),
    ),
    EngineReason.CARD_UNUSABLE: Words(
        Kind.BUSINESS,
        _("No card of the company can be used now: in quarantine, expired, or not at the agency."),
        _("Get the card, have it renewed, or check it and lift its quarantine. It then goes on by itself."),
    ),
    EngineReason.POLICY_OVERDUE: Words(
        Kind.BUSINESS,
        _("The present policy ends soon, and the new one is not there yet."),
        _("Ask the insurer how the application stands, and tell the company."),
    ),
    EngineReason.TAKEN_OVER: Words(
        Kind.BUSINESS,
        _("A colleague does it by hand on the portal. No run begins meanwhile."),
        _("When it is done, say what was done and where the portal shows it; or give it back."),
    ),
    EngineReason.CLOSED_AS_REFUSED: Words(
        Kind.BUSINESS,
        _("Closed as refused by a colleague. Nobody tries again this year."),
        _("Nothing to do. Should it be possible after all, retry."),
        Who.NOBODY,
    ),
}
