"""Everything a browser can ask the simulator for, whatever a skin calls it and wherever it puts it."""

from __future__ import annotations

from enum import StrEnum

from .faults import Screen
from .world import Deed, Step


class Place(StrEnum):
    """A page or a request. A skin gives each that it has an address; a page's template bears its name."""

    HOME = "home"
    LOGIN = "login"
    LOGIN_TABS = "login_tabs"  # only where the tabs are a document of their own
    LOGIN_CARD = "login_card"  # the form of 卡介质, with a fresh challenge
    SIGN_IN = "sign_in"
    ENTER = "enter"  # where a ticket is turned into a session
    WORKSPACE = "workspace"
    COMPANY = "company"
    SYSTEM = "system"
    SYSTEM_HOME = "system_home"  # only where the tabs around it are a document of their own
    PENDING = "pending"
    RENEWAL_FORM = "renewal_form"
    CLOSE_FORM = "close_form"
    CONFIRM = "confirm"
    SEALING = "sealing"
    SEAL = "seal"
    SIGNING = "signing"
    SIGN = "sign"
    AUTHORIZING = "authorizing"
    AUTHORIZE = "authorize"
    FINISHING = "finishing"
    FINISH = "finish"
    SUBMITTED = "submitted"
    APPLICATIONS = "applications"
    POLICIES = "policies"
    POLICY = "policy"
    POLICY_FILE = "policy_file"
    RECEIPT = "receipt"


_ELSEWHERE = {
    Place.LOGIN_TABS: Screen.LOGIN,
    Place.LOGIN_CARD: Screen.LOGIN,
    Place.SIGN_IN: Screen.LOGIN,
    Place.ENTER: Screen.LOGIN,
    Place.SYSTEM_HOME: Screen.SYSTEM,
    Place.CLOSE_FORM: Screen.RENEWAL_FORM,
}

# Where a company stands, as the place that it is led to.
STEP_PLACES = {
    Step.NOTHING: Place.SYSTEM_HOME,
    Step.PENDING: Place.PENDING,
    Step.SEALING: Place.SEALING,
    Step.SIGNING: Place.SIGNING,
    Step.AUTHORIZING: Place.AUTHORIZING,
    Step.FINISHING: Place.FINISHING,
    Step.SUBMITTED: Place.SUBMITTED,
}
DEEDS = {Place(deed.value): deed for deed in Deed}

LOGIN_PLACES = (Place.LOGIN, Place.LOGIN_TABS, Place.LOGIN_CARD, Place.SIGN_IN)


def screen_of(place: Place) -> Screen:
    """The screen whose faults strike at this place."""
    return _ELSEWHERE.get(place) or Screen(place.value)
