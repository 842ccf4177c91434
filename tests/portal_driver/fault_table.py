"""Every fault at every screen where it can happen, and what must follow.

A story is one company's sittings, one after the other: each cell is a sitting under one fault, which is
gone afterwards, and the last sitting is without any. What a cell left behind is where the next one
begins, so each cell shows too that the one before it did no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal_driver.contract import Outcome, Reason
from portal_driver.simulator.faults import Kind, Screen
from portal_driver.simulator.world import Step

Clicks = Mapping[str, tuple[int, int]]
"""What one sitting caused of each deed: how often it was received and how often it took effect."""


@dataclass(frozen=True)
class Cell:
    """One sitting under one fault. `more`: the fault's other fields; `clicks` holds the deeds that were sent.

    `pins` is how many tries of the PIN it spends. `tried` are deeds that were armed and did not leave.
    """

    kind: Kind
    screen: Screen | None
    outcome: Outcome
    reason: Reason | None = None
    clicks: Clicks = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    pins: int = 0
    tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """A company that stands at `step` (or has its policy), its cells, and how a clean sitting ends.

    `total` is what all its sittings together caused. `skin` is the portal's markup.
    """

    name: str
    step: Step
    cells: tuple[Cell, ...]
    end: Outcome
    total: Clicks
    first_time: bool = False
    approved: bool = False
    skin: str = "frames"
    approve_after_s: float | None = None


DEEDS = ("confirm", "seal", "sign", "authorize", "receipt")
LATER = (Outcome.LATER, Reason.PORTAL_UNAVAILABLE)
SIGN_IN_AGAIN = (Outcome.LATER, Reason.SESSION_LOST)
CHANGED = (Outcome.PERSON_NEEDED, Reason.PAGE_CHANGED)
UNCLEAR = (Outcome.PERSON_NEEDED, Reason.SIGN_IN_UNCLEAR)
UNKNOWN = (Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
OTHER_USCC = (Outcome.PERSON_NEEDED, Reason.USCC_DIFFERS)
OTHER_NAME = (Outcome.PERSON_NEEDED, Reason.COMPANY_DIFFERS)
NO_POLICY = (Outcome.PERSON_NEEDED, Reason.NO_PENDING_POLICY)
BROKEN_FILE = (Outcome.LATER, Reason.POLICY_FILE_BROKEN)
SUBMITTED = (Outcome.SUBMITTED, None)
COMPLETE = (Outcome.COMPLETE, None)

LOST, DONE = (1, 0), (1, 1)
End = tuple[Outcome, Reason | None]
S = Screen


def cell(
    kind: Kind,
    screen: Screen | None,
    end: End,
    clicks: Clicks | None = None,
    *,
    pins: int = 0,
    tried: str = "",
    **more: Any,
) -> Cell:
    """One line of the table."""
    return Cell(kind, screen, *end, clicks or {}, more, pins, (tried,) if tried else ())


# Each page on the way to the first click, in the order of the guide.
ENTRANCE = (S.HOME, S.LOGIN, S.WORKSPACE, S.COMPANY, S.APPLICATIONS, S.SYSTEM, S.PENDING, S.RENEWAL_FORM)
STATUSES = (503, 408, 429)


def _no_page(
    kind: Kind, page: End, *, signing_in: End = UNCLEAR, company: End | None = None
) -> Iterator[Story]:
    """A page that does not come or comes as another: untouched before a click, unknown after one.

    The list of applications proves a confirmation whose page is unknown, but not where it broke down.
    """
    ends = dict.fromkeys(ENTRANCE, page) | {S.WORKSPACE: signing_in, S.COMPANY: company or page}
    if kind is Kind.SESSION_LOST:  # before it begins there is none
        del ends[S.HOME], ends[S.LOGIN]
    by_list = page == CHANGED
    yield Story(
        f"{kind}-entering",
        Step.PENDING,
        (
            *(
                cell(kind, screen, end, **_status(kind, place))
                for place, (screen, end) in enumerate(ends.items())
            ),
            *_at_deed(kind, "confirm"),
            cell(kind, S.SUBMITTED, SUBMITTED if by_list else UNKNOWN, {"confirm": DONE}),
        ),
        Outcome.SUBMITTED,
        {"confirm": (len(_at_deed(kind, "confirm")) + 1, 1)},
    )
    yield Story(
        f"{kind}-authorizing",
        Step.PENDING,
        (
            cell(kind, S.SEALING, UNKNOWN, {"confirm": DONE}),
            cell(kind, S.SEALING, page),
            *_at_deed(kind, "seal"),
            cell(kind, S.SIGNING, UNKNOWN, {"seal": DONE}),
            cell(kind, S.SIGNING, page),
            *_at_deed(kind, "sign"),
            cell(kind, S.AUTHORIZING, UNKNOWN, {"sign": DONE}),
            cell(kind, S.AUTHORIZING, page),
            *_at_deed(kind, "authorize"),
            cell(kind, S.FINISHING, UNKNOWN, {"authorize": DONE}),
            cell(kind, S.FINISHING, page),
            *([] if kind is Kind.SLOW else [cell(kind, S.FINISH, page)]),
            cell(kind, S.SUBMITTED, SUBMITTED if by_list else page),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE}
        | {deed: (len(_at_deed(kind, deed)) + 1, 1) for deed in ("seal", "sign", "authorize")},
        first_time=True,
    )
    yield Story(
        f"{kind}-receiving",
        Step.SUBMITTED,
        (
            cell(kind, S.POLICIES, page),
            cell(kind, S.POLICY, page),
            cell(kind, S.POLICY_FILE, BROKEN_FILE),
            *_at_deed(kind, "receipt"),
        ),
        Outcome.COMPLETE,
        {"receipt": (len(_at_deed(kind, "receipt")) + 1, 1)},
        approved=True,
    )


def _status(kind: Kind, place: int) -> dict[str, Any]:
    return {"status": STATUSES[place % 3]} if kind is Kind.HTTP_5XX else {}


def _at_deed(kind: Kind, deed: str) -> tuple[Cell, ...]:
    """The deed's own request, not done."""
    if kind is Kind.SLOW:  # it is done, only too late: see `_deeds`
        return ()
    places = range(len(STATUSES)) if kind is Kind.HTTP_5XX else range(1)
    return tuple(cell(kind, S(deed), UNKNOWN, {deed: LOST}, **_status(kind, place)) for place in places)


def _deeds(kind: Kind, **more: Any) -> Iterator[Story]:
    """The deed is done and its answer is lost: read once, and never done again."""
    yield Story(
        f"{kind}-{more.get('status', 'deeds')}",
        Step.PENDING,
        (
            *(cell(kind, S(deed), UNKNOWN, {deed: DONE}, **more) for deed in DEEDS[:4]),
            cell(kind, S.FINISH, LATER, **more),
        ),
        Outcome.SUBMITTED,
        dict.fromkeys(DEEDS[:4], DONE),
        first_time=True,
    )
    yield Story(
        f"{kind}-{more.get('status', 'deed')}-receipt",
        Step.SUBMITTED,
        (cell(kind, S.RECEIPT, UNKNOWN, {"receipt": DONE}, **more),),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
    )


def _questions() -> Iterator[Story]:
    """A question that the profile does not name is answered with no: nothing leaves, and nobody knows."""
    kind = Kind.CONFIRM_DIALOG
    pages = {"confirm": S.PENDING, "seal": S.SEALING, "sign": S.SIGNING, "authorize": S.AUTHORIZING}
    yield Story(
        f"{kind}",
        Step.PENDING,
        tuple(cell(kind, page, UNKNOWN, tried=deed) for deed, page in pages.items() if deed == "confirm"),
        Outcome.SUBMITTED,
        {"confirm": DONE},
    )
    for step, deed in ((Step.SEALING, "seal"), (Step.SIGNING, "sign"), (Step.AUTHORIZING, "authorize")):
        deeds = DEEDS[DEEDS.index(deed) : 4]
        yield Story(
            f"{kind}-{deed}",
            step,
            (cell(kind, pages[deed], UNKNOWN, tried=deed),),
            Outcome.SUBMITTED,
            dict.fromkeys(deeds, DONE),
            first_time=True,
        )
    yield Story(
        f"{kind}-finish",
        Step.FINISHING,
        (cell(kind, S.FINISHING, CHANGED),),
        Outcome.SUBMITTED,
        {},
        first_time=True,
    )
    yield Story(
        f"{kind}-receipt",
        Step.SUBMITTED,
        (cell(kind, S.POLICY, UNKNOWN, tried="receipt"),),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
    )


def _moved() -> Iterator[Story]:
    """A word that is another one: nothing is pressed in its place."""
    kind = Kind.LAYOUT_MOVED
    yield Story(
        f"{kind}-entering",
        Step.PENDING,
        tuple(cell(kind, screen, CHANGED) for screen in (S.HOME, S.LOGIN, S.SYSTEM, S.PENDING)),
        Outcome.SUBMITTED,
        {"confirm": DONE},
    )
    yield Story(
        f"{kind}-authorizing",
        Step.PENDING,
        (
            cell(kind, S.SEALING, UNKNOWN, {"confirm": DONE}),
            cell(kind, S.SEALING, CHANGED),
            cell(kind, S.SIGNING, UNKNOWN, {"seal": DONE}),
            cell(kind, S.SIGNING, CHANGED),
            cell(kind, S.AUTHORIZING, UNKNOWN, {"sign": DONE}),
            cell(kind, S.AUTHORIZING, CHANGED),
            cell(kind, S.FINISHING, UNKNOWN, {"authorize": DONE}),
            cell(kind, S.FINISHING, CHANGED),
        ),
        Outcome.SUBMITTED,
        dict.fromkeys(DEEDS[:4], DONE),
        first_time=True,
    )
    yield Story(
        f"{kind}-receiving",
        Step.SUBMITTED,
        (cell(kind, S.POLICIES, CHANGED), cell(kind, S.POLICY, CHANGED)),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
    )


def _in_the_way(kind: Kind, skin: str = "frames") -> Iterator[Story]:
    """A notice over each page, or a window that each page opens: closed or passed by."""
    yield Story(
        f"{kind}-applying-{skin}",
        Step.PENDING,
        (cell(kind, None, SUBMITTED, dict.fromkeys(DEEDS[:4], DONE)),),
        Outcome.SUBMITTED,
        dict.fromkeys(DEEDS[:4], DONE),
        first_time=True,
        skin=skin,
    )
    yield Story(
        f"{kind}-receiving-{skin}",
        Step.SUBMITTED,
        (cell(kind, None, COMPLETE, {"receipt": DONE}),),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
        skin=skin,
    )


def _another(kind: Kind, end: End, entering: tuple[Screen, ...], receiving: bool) -> Iterator[Story]:
    """A page that speaks of another company or year: nothing is pressed on it."""
    yield Story(
        f"{kind}-entering",
        Step.PENDING,
        (
            *(cell(kind, screen, end) for screen in entering),
            cell(kind, S.SUBMITTED, SUBMITTED, {"confirm": DONE}),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
    )
    yield Story(
        f"{kind}-authorizing",
        Step.SEALING,
        (
            cell(kind, S.SEALING, end),
            cell(kind, S.SIGNING, end, {"seal": DONE}),
            cell(kind, S.AUTHORIZING, end, {"sign": DONE}),
            cell(kind, S.FINISHING, end, {"authorize": DONE}),
        ),
        Outcome.SUBMITTED,
        dict.fromkeys(DEEDS[1:4], DONE),
        first_time=True,
    )
    if receiving:
        yield Story(
            f"{kind}-receiving",
            Step.SUBMITTED,
            (cell(kind, S.POLICY, end),),
            Outcome.COMPLETE,
            {"receipt": DONE},
            approved=True,
        )


def _rest() -> Iterator[Story]:
    yield Story(
        "card",
        Step.PENDING,
        (
            cell(Kind.CONTROL_MISSING, None, (Outcome.LATER, Reason.CONTROL_UNREACHABLE)),
            cell(Kind.WRONG_PIN, None, (Outcome.PERSON_NEEDED, Reason.PIN_REFUSED), pins=1),
            cell(Kind.CARD_PULLED, None, UNCLEAR),
            cell(Kind.CARD_LOCKED, None, (Outcome.PERSON_NEEDED, Reason.CARD_LOCKED)),
            cell(Kind.NO_PENDING_POLICY, S.SYSTEM, NO_POLICY),
            cell(Kind.NO_PENDING_POLICY, S.PENDING, CHANGED),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, SUBMITTED, {"confirm": DONE}),
            cell(Kind.LIST_INCOMPLETE, S.APPLICATIONS, LATER),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, NO_POLICY),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
    )
    yield Story(
        "policy",
        Step.SUBMITTED,
        (
            cell(Kind.LIST_INCOMPLETE, S.POLICIES, SUBMITTED),
            cell(Kind.LIST_OTHER_YEAR, S.POLICIES, SUBMITTED),
            cell(Kind.PDF_BROKEN, S.POLICY_FILE, BROKEN_FILE, variant="truncated"),
            cell(Kind.PDF_BROKEN, S.POLICY_FILE, BROKEN_FILE, variant="html"),
            cell(
                Kind.PDF_BROKEN,
                S.POLICY_FILE,
                (Outcome.PERSON_NEEDED, Reason.POLICY_OF_ANOTHER),
                variant="other",
            ),
        ),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
    )
    yield Story(
        "approval_late",
        Step.SUBMITTED,
        (cell(Kind.APPROVAL_LATE, None, SUBMITTED),),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approve_after_s=0,
    )
    yield Story(
        "application_refused",
        Step.SUBMITTED,
        (cell(Kind.APPLICATION_REFUSED, None, (Outcome.REFUSED, Reason.APPLICATION_RETURNED)),),
        Outcome.REFUSED,
        {},
        approve_after_s=0,
    )


def _on_other_skins() -> Iterator[Story]:
    """One line of each kind, on the markups that the table above does not wear."""
    yield Story(
        "slice-plain",
        Step.PENDING,
        (
            cell(Kind.SLOW, S.PENDING, LATER),
            cell(Kind.HTTP_5XX, S.PENDING, LATER),
            cell(Kind.USCC_DIFFERS, S.PENDING, OTHER_USCC),
            cell(Kind.CARD_PULLED, None, UNCLEAR),
            cell(Kind.CONNECTION_RESET, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
            cell(Kind.LIST_INCOMPLETE, S.APPLICATIONS, LATER),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="plain",
    )
    yield Story(
        "slice-element",
        Step.PENDING,
        (
            cell(Kind.SESSION_LOST, S.PENDING, SIGN_IN_AGAIN),
            cell(Kind.LAYOUT_MOVED, S.PENDING, CHANGED),
            cell(Kind.WRONG_PIN, None, (Outcome.PERSON_NEEDED, Reason.PIN_REFUSED), pins=1),
            cell(Kind.NO_PENDING_POLICY, S.SYSTEM, NO_POLICY),
            cell(Kind.ANSWER_LOST_AFTER_DEED, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, NO_POLICY),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="element",
    )
    yield Story(
        "slice-hostile",
        Step.PENDING,
        (
            cell(Kind.UNKNOWN_PAGE, S.PENDING, CHANGED),
            cell(Kind.CARD_LOCKED, None, (Outcome.PERSON_NEEDED, Reason.CARD_LOCKED)),
            cell(Kind.YEAR_DIFFERS, S.PENDING, CHANGED),
            cell(Kind.DONE_LATE, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="hostile",
    )


STORIES: tuple[Story, ...] = (
    *_no_page(Kind.SLOW, LATER),
    *_no_page(Kind.HTTP_5XX, LATER),
    *_no_page(Kind.SESSION_LOST, SIGN_IN_AGAIN),
    *_no_page(Kind.UNKNOWN_PAGE, CHANGED),
    *_deeds(Kind.SLOW),
    *_deeds(Kind.ANSWER_LOST_AFTER_DEED),
    *_deeds(Kind.CONNECTION_RESET),
    *_deeds(Kind.ERROR_AFTER_DEED, status=503),
    *_deeds(Kind.DONE_LATE),
    *_questions(),
    *_moved(),
    *_in_the_way(Kind.NOTICE_ON_TOP),
    *_in_the_way(Kind.POPUP),
    *_another(Kind.USCC_DIFFERS, OTHER_USCC, (S.COMPANY, S.PENDING, S.RENEWAL_FORM), receiving=True),
    *_another(Kind.NAME_DIFFERS, OTHER_NAME, (S.COMPANY, S.PENDING, S.RENEWAL_FORM), receiving=True),
    *_another(Kind.YEAR_DIFFERS, CHANGED, (S.PENDING, S.RENEWAL_FORM), receiving=False),
    *_rest(),
    *_on_other_skins(),
)
