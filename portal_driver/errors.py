"""Why a run ends early, named by what someone must do next.

Each error carries the `Outcome` and `Reason` that the starter is told, and a `detail` for people.
A detail never holds a secret: it repeats the portal's words, what was expected and what was found.
"""

from __future__ import annotations

from portal_driver.contract import Outcome, Reason


class DriverError(Exception):
    """A run that ends before its goal. Raise one of the kinds below.

    `pin_untouched` is set where a PIN was given and certainly not typed.
    """

    outcome = Outcome.LATER
    pin_untouched = False

    def __init__(self, reason: Reason, /, **detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class PortalUnavailable(DriverError):
    """The portal, the control or the machine cannot do it now: try again later."""

    outcome = Outcome.LATER


class SignInRefused(DriverError):
    """The sign-in failed with a PIN typed: a person decides; never again by itself."""

    outcome = Outcome.PERSON_NEEDED


class PersonNeeded(DriverError):
    """Only a person can mend it: insert the card, correct the USCC, read a notice."""

    outcome = Outcome.PERSON_NEEDED


class RequestRefused(DriverError):
    """The portal or the insurer said no: read the reason in its words."""

    outcome = Outcome.REFUSED


class PageChanged(DriverError):
    """The portal shows something that the profile does not know: mend the profile."""

    outcome = Outcome.PERSON_NEEDED

    def __init__(self, reason: Reason = Reason.PAGE_CHANGED, /, **detail: str) -> None:
        super().__init__(reason, **detail)


class RunStopped(DriverError):
    """The starter said no to a click."""

    outcome = Outcome.STOPPED


class OutcomeUnknown(DriverError):
    """A click was armed and its effect was not read: look first, click never."""

    outcome = Outcome.UNKNOWN

    def __init__(self, **detail: str) -> None:
        super().__init__(Reason.OUTCOME_UNKNOWN, **detail)


class StarterGone(Exception):
    """Standard input ended: close the browser and go. There is nobody left to tell."""
