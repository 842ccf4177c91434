"""Every fault at every screen where it can happen, and what must follow.

A story is one company's sittings, one after the other: each cell is a sitting under one fault, which is
gone afterwards, and the last sitting is without any. What a cell left behind is where the next one
begins, so each cell shows too that the one before it did no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from portal_driver.contract import Outcome, Reason
from portal_driver.simulator.faults import Kind, Screen
from portal_driver.simulator.world import Step

Clicks = Mapping[str, tuple[int, int]]
"""What one sitting caused of each deed: how often it was received and how often it took effect."""


@dataclass(frozen=True)
class Cell:
    """One sitting under one fault. `more`: the fault's other fields; `clicks` holds the deeds that were sent.

    `strikes` are the screens where the fault does strike: its own, or, where it has none, all on the way.
    `pins` is how many tries of the PIN it spends. `tried` are deeds that were armed and did not leave.
    """

    kind: Kind
    screen: Screen | None
    strikes: frozenset[Screen]
    outcome: Outcome
    reason: Reason | None = None
    clicks: Clicks = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    pins: int = 0
    tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """A company that stands at `step` (or has its policy), its cells, and how a clean sitting ends.

    `total` is what all its sittings together caused. `skin` is the portal's markup. `is_daily` is
    whether it is told with the tests of every day.
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
    is_daily: bool = False


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
    strikes: Iterable[Screen] = (),
    **more: Any,
) -> Cell:
    """One line of the table."""
    at = frozenset([screen] if screen else strikes)
    return Cell(kind, screen, at, *end, clicks or {}, more, pins, (tried,) if tried else ())


# Each page on the way to the first click, in the order of the guide.
ENTRANCE = (S.HOME, S.LOGIN, S.WORKSPACE, S.COMPANY, S.APPLICATIONS, S.SYSTEM, S.PENDING, S.RENEWAL_FORM)
FIRST_TIME = (S.SEALING, S.SIGNING, S.AUTHORIZING, S.FINISHING, S.SUBMITTED)
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
            *([cell(kind, S.FINISH, page)] if _at_deed(kind, "authorize") else []),
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
    if kind in (Kind.SLOW, Kind.CONNECTION_RESET):  # it is done, only unseen: see `_deeds`
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
        (
            *(cell(kind, S(screen), CHANGED) for screen in ENTRANCE if screen is not S.RENEWAL_FORM),
            cell(kind, S.SUBMITTED, SUBMITTED, {"confirm": DONE}),
        ),
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
        (cell(kind, None, SUBMITTED, dict.fromkeys(DEEDS[:4], DONE), strikes=(*ENTRANCE, *FIRST_TIME)),),
        Outcome.SUBMITTED,
        dict.fromkeys(DEEDS[:4], DONE),
        first_time=True,
        skin=skin,
    )
    yield Story(
        f"{kind}-receiving-{skin}",
        Step.SUBMITTED,
        (cell(kind, None, COMPLETE, {"receipt": DONE}, strikes=(*ENTRANCE[:6], S.POLICIES, S.POLICY)),),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
        skin=skin,
    )


def _another(
    kind: Kind,
    end: End,
    entering: tuple[Screen, ...],
    in_passing: tuple[Screen, ...] = (),
    receiving: tuple[Screen, ...] = (),
) -> Iterator[Story]:
    """A page that speaks of another company or year: nothing is pressed on it.

    `in_passing` and `receiving` are pages that are only read on the way.
    """
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
    yield Story(
        f"{kind}-receiving",
        Step.SUBMITTED,
        (
            cell(kind, S.POLICY, end),
            *(cell(kind, screen, COMPLETE, {"receipt": DONE}) for screen in receiving),
        ),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
    )
    # Whose session it is was read before; what is pressed depends on the page that bears it.
    yield Story(
        f"{kind}-in-passing",
        Step.PENDING,
        (
            cell(kind, S.SYSTEM, SUBMITTED, {"confirm": DONE}),
            *(cell(kind, screen, SUBMITTED) for screen in in_passing),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
    )


def _rest() -> Iterator[Story]:
    yield Story(
        "card",
        Step.PENDING,
        (
            cell(Kind.CONTROL_MISSING, S.LOGIN, (Outcome.LATER, Reason.CONTROL_UNREACHABLE)),
            cell(Kind.WRONG_PIN, S.LOGIN, (Outcome.PERSON_NEEDED, Reason.PIN_REFUSED), pins=1),
            cell(Kind.CARD_PULLED, S.LOGIN, UNCLEAR),
            cell(Kind.CARD_LOCKED, S.LOGIN, (Outcome.PERSON_NEEDED, Reason.CARD_LOCKED)),
            cell(Kind.NO_PENDING_POLICY, S.SYSTEM, NO_POLICY),
            cell(Kind.NO_PENDING_POLICY, S.PENDING, CHANGED),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, LATER, {"confirm": DONE}),
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


def _every_day() -> Iterator[Story]:
    """Each kind and each screen at least once, on all skins: what the tests of every day tell."""
    yield Story(
        "daily-signing-in",
        Step.PENDING,
        (
            cell(Kind.CONTROL_MISSING, S.LOGIN, (Outcome.LATER, Reason.CONTROL_UNREACHABLE)),
            cell(Kind.SLOW, S.HOME, LATER),
            cell(Kind.HTTP_5XX, S.WORKSPACE, UNCLEAR),
            cell(Kind.NAME_DIFFERS, S.COMPANY, OTHER_NAME),
            cell(Kind.NO_PENDING_POLICY, S.SYSTEM, NO_POLICY),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        is_daily=True,
    )
    yield Story(
        "daily-authorizing",
        Step.SEALING,
        (
            cell(Kind.CONFIRM_DIALOG, S.SEALING, UNKNOWN, tried="seal"),
            cell(Kind.HTTP_5XX, S.SEAL, UNKNOWN, {"seal": LOST}),
            cell(Kind.UNKNOWN_PAGE, S.SIGNING, UNKNOWN, {"seal": DONE}),
            cell(Kind.ERROR_AFTER_DEED, S.SIGN, UNKNOWN, {"sign": DONE}),
            cell(Kind.NAME_DIFFERS, S.AUTHORIZING, OTHER_NAME),
            cell(Kind.SESSION_LOST, S.AUTHORIZE, UNKNOWN, {"authorize": LOST}),
            cell(Kind.LAYOUT_MOVED, S.FINISHING, UNKNOWN, {"authorize": DONE}),
            cell(Kind.HTTP_5XX, S.FINISH, LATER),
            cell(Kind.NOTICE_ON_TOP, S.SUBMITTED, SUBMITTED),
        ),
        Outcome.SUBMITTED,
        {"seal": (2, 1), "sign": DONE, "authorize": (2, 1)},
        first_time=True,
        is_daily=True,
    )
    yield Story(
        "daily-receiving",
        Step.SUBMITTED,
        (
            cell(Kind.LIST_OTHER_YEAR, S.POLICIES, SUBMITTED),
            cell(Kind.USCC_DIFFERS, S.POLICY, OTHER_USCC),
            cell(Kind.PDF_BROKEN, S.POLICY_FILE, BROKEN_FILE),
            cell(Kind.CONNECTION_RESET, S.RECEIPT, UNKNOWN, {"receipt": DONE}),
            cell(Kind.POPUP, S.POLICY, COMPLETE),
        ),
        Outcome.COMPLETE,
        {"receipt": DONE},
        approved=True,
        is_daily=True,
    )
    yield Story(
        "daily-insurer",
        Step.SUBMITTED,
        (
            cell(Kind.APPROVAL_LATE, S.APPLICATIONS, SUBMITTED),
            cell(Kind.APPLICATION_REFUSED, S.APPLICATIONS, (Outcome.REFUSED, Reason.APPLICATION_RETURNED)),
        ),
        Outcome.REFUSED,
        {},
        approve_after_s=0,
        is_daily=True,
    )
    yield from _on_other_skins()


def _on_other_skins() -> Iterator[Story]:
    """On the markups that the rest of the table does not wear."""
    yield Story(
        "daily-plain",
        Step.PENDING,
        (
            cell(Kind.HTTP_5XX, S.PENDING, LATER),
            cell(Kind.USCC_DIFFERS, S.RENEWAL_FORM, OTHER_USCC),
            cell(Kind.CARD_PULLED, S.LOGIN, UNCLEAR),
            cell(Kind.CONNECTION_RESET, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
            cell(Kind.LIST_INCOMPLETE, S.APPLICATIONS, LATER),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="plain",
        is_daily=True,
    )
    yield Story(
        "daily-element",
        Step.PENDING,
        (
            cell(Kind.SESSION_LOST, S.PENDING, SIGN_IN_AGAIN),
            cell(Kind.LAYOUT_MOVED, S.PENDING, CHANGED),
            cell(Kind.WRONG_PIN, S.LOGIN, (Outcome.PERSON_NEEDED, Reason.PIN_REFUSED), pins=1),
            cell(Kind.ANSWER_LOST_AFTER_DEED, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="element",
        is_daily=True,
    )
    yield Story(
        "element-without-a-policy",
        Step.PENDING,
        (
            cell(Kind.NO_PENDING_POLICY, S.SYSTEM, NO_POLICY),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, LATER, {"confirm": DONE}),
            cell(Kind.LIST_OTHER_YEAR, S.APPLICATIONS, NO_POLICY),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="element",
    )
    yield Story(
        "daily-hostile",
        Step.PENDING,
        (
            cell(Kind.UNKNOWN_PAGE, S.PENDING, CHANGED),
            cell(Kind.CARD_LOCKED, S.LOGIN, (Outcome.PERSON_NEEDED, Reason.CARD_LOCKED)),
            cell(Kind.YEAR_DIFFERS, S.PENDING, CHANGED),
            cell(Kind.DONE_LATE, S.CONFIRM, UNKNOWN, {"confirm": DONE}),
        ),
        Outcome.SUBMITTED,
        {"confirm": DONE},
        skin="hostile",
        is_daily=True,
    )


STORIES: tuple[Story, ...] = (
    *_no_page(Kind.SLOW, LATER),
    *_no_page(Kind.HTTP_5XX, LATER),
    *_no_page(Kind.SESSION_LOST, SIGN_IN_AGAIN, company=UNCLEAR),
    *_no_page(Kind.UNKNOWN_PAGE, CHANGED),
    *_no_page(Kind.CONNECTION_RESET, LATER),
    *_deeds(Kind.SLOW),
    *_deeds(Kind.ANSWER_LOST_AFTER_DEED),
    *_deeds(Kind.CONNECTION_RESET),
    *_deeds(Kind.ERROR_AFTER_DEED, status=503),
    *_deeds(Kind.DONE_LATE),
    *_questions(),
    *_moved(),
    *_in_the_way(Kind.NOTICE_ON_TOP),
    *_in_the_way(Kind.POPUP),
    *_another(Kind.USCC_DIFFERS, OTHER_USCC, (S.COMPANY, S.PENDING, S.RENEWAL_FORM)),
    *_another(
        Kind.NAME_DIFFERS,
        OTHER_NAME,
        (S.COMPANY, S.PENDING, S.RENEWAL_FORM),
        in_passing=(S.WORKSPACE, S.APPLICATIONS),
        receiving=(S.POLICIES,),
    ),
    *_another(Kind.YEAR_DIFFERS, CHANGED, (S.PENDING, S.RENEWAL_FORM)),
    *_rest(),
    *_every_day(),
)

# --- what is not in the table, and why -------------------------------------------------------------------

Pair = tuple[Kind, Screen]

PAGES = tuple(Screen)[: tuple(Screen).index(S.CONFIRM)]
REQUESTS = tuple(Screen)[len(PAGES) :]
LISTS = (S.APPLICATIONS, S.POLICIES)
AT_A_DEED = (Kind.ANSWER_LOST_AFTER_DEED, Kind.ERROR_AFTER_DEED, Kind.DONE_LATE)
ON_A_PAGE = (Kind.NOTICE_ON_TOP, Kind.POPUP, Kind.LAYOUT_MOVED, Kind.CONFIRM_DIALOG)
OF_ANOTHER = (Kind.USCC_DIFFERS, Kind.NAME_DIFFERS, Kind.YEAR_DIFFERS)
OF_THE_CARD = (Kind.WRONG_PIN, Kind.CARD_LOCKED, Kind.CARD_PULLED, Kind.CONTROL_MISSING)
OF_A_LIST = (Kind.LIST_INCOMPLETE, Kind.LIST_OTHER_YEAR)
OF_THE_INSURER = (Kind.APPLICATION_REFUSED, Kind.APPROVAL_LATE)
WITH_A_DEED = (S.PENDING, S.SEALING, S.SIGNING, S.AUTHORIZING, S.FINISHING, S.POLICY)


def _pairs(kinds: Iterable[Kind], screens: Iterable[Screen]) -> frozenset[Pair]:
    return frozenset(product(kinds, screens))


def _all_but(*screens: Screen) -> tuple[Screen, ...]:
    return tuple(screen for screen in Screen if screen not in screens)


CANNOT: Mapping[str, frozenset[Pair]] = {
    "before the sign-in there is no session": _pairs([Kind.SESSION_LOST], [S.HOME, S.LOGIN]),
    "a page that is only read does no deed": _pairs(AT_A_DEED, PAGES),
    "a request or a file is no page": _pairs((*ON_A_PAGE, *OF_ANOTHER), (*REQUESTS, S.POLICY_FILE)),
    "no deed begins on this page, so it asks nothing": _pairs(
        [Kind.CONFIRM_DIALOG], [page for page in PAGES[:-1] if page not in WITH_A_DEED]
    ),
    "nothing on it is found by a word of its own": _pairs([Kind.LAYOUT_MOVED], [S.RENEWAL_FORM]),
    "nobody is signed in yet": _pairs(OF_ANOTHER, [S.HOME, S.LOGIN]),
    "it names no USCC": _pairs([Kind.USCC_DIFFERS], [S.WORKSPACE, *LISTS]),
    "it names no policy year": _pairs([Kind.YEAR_DIFFERS], [S.WORKSPACE, S.COMPANY]),
    "a list's years are its rows': LIST_OTHER_YEAR": _pairs([Kind.YEAR_DIFFERS], LISTS),
    "only the sign-in uses the card": _pairs(OF_THE_CARD, _all_but(S.LOGIN)),
    "only lists have rows": _pairs(OF_A_LIST, _all_but(*LISTS)),
    "only the banner and what it leads to can be missing": _pairs(
        [Kind.NO_PENDING_POLICY], _all_but(S.SYSTEM, S.PENDING)
    ),
    "only the list of applications tells the insurer's decision": _pairs(
        OF_THE_INSURER, _all_but(S.APPLICATIONS)
    ),
    "only the policy is a file": _pairs([Kind.PDF_BROKEN], _all_but(S.POLICY_FILE)),
}
"""The pairs that cannot happen, by what makes them impossible."""


def covered(stories: Iterable[Story]) -> set[Pair]:
    """The pairs of fault and screen that the stories tell."""
    return {(cell.kind, screen) for story in stories for cell in story.cells for screen in cell.strikes}


def gaps(stories: Iterable[Story]) -> set[Pair]:
    """The pairs that can happen and are not told, and those that are told although they cannot happen."""
    return set(product(Kind, Screen)) - set().union(*CANNOT.values()) ^ covered(stories)


def daily_gaps(stories: Iterable[Story]) -> set[Kind | Screen]:
    """The kinds and screens that the stories of every day leave out."""
    told = covered(story for story in stories if story.is_daily)
    return {*Kind, *Screen} - {one for pair in told for one in pair}
