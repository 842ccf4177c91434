"""What the driver promises to whoever starts it, and what it asks of them.

The driver is a child process. Its starter writes one `Plan` on its standard input and then
answers what the driver asks; the driver writes one event a line on its standard output, the
last of which is always `Finished`. When standard input ends, the driver closes its browser and
exits. Every line is one JSON object with a `type`.

Three rules bind both sides:

* **Nothing irreversible without a written intent.** Before each irreversible click the driver
  sends `Arm` and waits. Only `Armed` lets it press, once, within `Armed.valid_s` seconds.
* **After `Armed`, only a read result is a result.** Whatever ends the run before
  `Confirmed` - an error, a dead process, silence - means *unknown*, never *failed*.
* **A PIN is asked for after the card was identified**, is answered at most once per run, and is
  never part of any other message.

Repeating a run is always allowed: it begins by reading where the portal is, and does what is left.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar


class Stage(StrEnum):
    """The five stages of a renewal, in the user's order (guide, parts 二 to 四)."""

    CONFIRMATION = "confirmation"  # 确认
    SEALING = "sealing"  # 制章
    SIGNING = "signing"  # 签约
    AUTHORIZATION = "authorization"  # 授权
    RECEIPT = "receipt"  # 收悉


class Click(StrEnum):
    """The five clicks that cannot be undone: one legal act each, one per stage."""

    CONFIRM = "confirm"  # 确认投保
    SEAL = "seal"  # 保存印章并生成协议
    SIGN = "sign"  # 同意
    AUTHORIZE = "authorize"  # 授权
    RECEIPT = "receipt"  # 收悉

    @property
    def stage(self) -> Stage:
        """The stage that this click completes."""
        return _STAGE_OF[self]


_STAGE_OF = dict(zip(Click, Stage, strict=True))


class Standing(StrEnum):
    """What a reading of the portal says about one irreversible click."""

    DONE = "done"  # the portal shows its effect
    NOT_DONE = "not_done"  # a complete reading shows that it has not taken effect
    SKIPPED = "skipped"  # the portal passes over it: authorised in an earlier year
    UNREAD = "unread"  # the reading did not reach far enough to tell


class Outcome(StrEnum):
    """How a run ended; decides what the renewal does next."""

    SUBMITTED = "submitted"  # the application is on the portal; approval takes days
    COMPLETE = "complete"  # the policy is stored and acknowledged (收悉)
    STOPPED = "stopped"  # stopped before the click that the plan named, or the starter refused to arm it
    REFUSED = "refused"  # the portal or the insurer said no
    PERSON_NEEDED = "person_needed"  # a business reason: only a person can mend it
    LATER = "later"  # a technical reason: try again later, nothing was pressed
    UNKNOWN = "unknown"  # pressed, and not read


class Reason(StrEnum):
    """Why a run ended as it did. The words for people stand in `renewals/reasons.py`."""

    # the card
    CARD_ABSENT = "card_absent"
    CARD_WRONG = "card_wrong"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CONTROL_UNREACHABLE = "control_unreachable"
    PIN_MISSING = "pin_missing"
    PIN_REFUSED = "pin_refused"
    CARD_LOCKED = "card_locked"
    SIGN_IN_UNCLEAR = "sign_in_unclear"
    # the company
    USCC_DIFFERS = "uscc_differs"
    COMPANY_DIFFERS = "company_differs"
    CONTACT_REFUSED = "contact_refused"
    NO_PENDING_POLICY = "no_pending_policy"
    APPLICATION_RETURNED = "application_returned"
    # the policy
    POLICY_FILE_BROKEN = "policy_file_broken"
    POLICY_OF_ANOTHER = "policy_of_another"
    # the portal and the machine
    PORTAL_UNAVAILABLE = "portal_unavailable"
    SESSION_LOST = "session_lost"
    PAGE_CHANGED = "page_changed"
    PAGE_AMBIGUOUS = "page_ambiguous"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NOT_ARMED = "not_armed"
    BROWSER_MISSING = "browser_missing"
    BROWSER_GONE = "browser_gone"
    EVIDENCE_NOT_WRITABLE = "evidence_not_writable"
    DRIVER_FAILED = "driver_failed"


class Channel(StrEnum):
    """Which of the computer's own browsers is driven; `ANY` lets the driver find one."""

    ANY = ""
    CHROME = "chrome"
    EDGE = "msedge"


# --- What the starter sends -------------------------------------------------------------------


@dataclass(frozen=True)
class Company:
    """The company that the plan is for, as the agency knows it."""

    name: str
    uscc: str


@dataclass(frozen=True)
class Contact:
    """Whom the portal is told to write to (guide, 二.2)."""

    name: str
    mobile: str
    email: str


@dataclass(frozen=True)
class ExpectedCard:
    """The card that must be in the reader; an empty certificate is not compared.

    `is_said` is whether a person said that it is in, because it may tell nothing without its PIN.
    What it tells all the same must still be right.
    """

    number: str
    certificate: str = ""
    is_said: bool = False


@dataclass(frozen=True)
class Plan:
    """One sitting with one company. Holds nothing secret.

    `year` is the policy year; `profile` the name of a file in `profiles/`. `portal` is the home
    page's address, `control` the desk's card control (`ws://…`). `evidence` is an existing
    directory of this run alone. `stop_before` ends the run before that click. `browser` is an
    executable; empty lets the driver find one. `channel` is the computer's own Chrome or Edge
    instead. `headless` false shows the browser's window.
    """

    type: ClassVar[str] = "plan"
    company: Company
    contact: Contact
    card: ExpectedCard
    year: int
    profile: str
    portal: str
    control: str
    evidence: str
    stop_before: Click | None = None
    browser: str = ""
    headless: bool = True
    channel: Channel = Channel.ANY


@dataclass(frozen=True)
class Pin:
    """The card's PIN, in answer to `NeedPin`. Its text is never printed."""

    type: ClassVar[str] = "pin"
    pin: str = field(repr=False)


@dataclass(frozen=True)
class NoPin:
    """There is no PIN for this card now; the run ends with `Reason.PIN_MISSING`."""

    type: ClassVar[str] = "no_pin"


@dataclass(frozen=True)
class Armed:
    """The intent is committed: press once, within `valid_s` seconds of reading this line."""

    type: ClassVar[str] = "armed"
    click: Click
    valid_s: float = 5.0


@dataclass(frozen=True)
class NotArmed:
    """Do not press; the run ends with `Outcome.STOPPED` and `Reason.NOT_ARMED`."""

    type: ClassVar[str] = "not_armed"
    click: Click
    why: str = ""


# --- What the driver says ---------------------------------------------------------------------


@dataclass(frozen=True)
class Started:
    """The first event: which driver, which profile (its sha256), which browser."""

    type: ClassVar[str] = "started"
    driver: str
    profile: str
    profile_sha256: str
    browser: str


@dataclass(frozen=True)
class CardRead:
    """Whose card is in the reader, read without a PIN; empty where the card does not tell it so.

    `valid_until` is an ISO date.
    """

    type: ClassVar[str] = "card_read"
    number: str
    certificate: str
    holder: str
    company: str
    valid_until: str
    control_version: str


@dataclass(frozen=True)
class NeedPin:
    """Answer with `Pin` or `NoPin`. Record the use of the PIN before answering."""

    type: ClassVar[str] = "need_pin"
    card: str


@dataclass(frozen=True)
class SignedIn:
    """The portal accepted the card and its PIN, and shows this company."""

    type: ClassVar[str] = "signed_in"
    company: str
    uscc: str


@dataclass(frozen=True)
class Reading:
    """Where the portal is: what one complete reading says of each click.

    `application` and `policy` are the portal's numbers, empty when it shows none;
    `application_state` is the portal's own word.
    """

    type: ClassVar[str] = "reading"
    standings: dict[Click, Standing]
    application: str = ""
    application_state: str = ""
    policy: str = ""


@dataclass(frozen=True)
class StageBegun:
    """The driver works on this stage now."""

    type: ClassVar[str] = "stage_begun"
    stage: Stage


@dataclass(frozen=True)
class Waiting:
    """Something long is going on: the portal's 10 seconds, a slow page."""

    type: ClassVar[str] = "waiting"
    what: str
    seconds: float
    of: float


@dataclass(frozen=True)
class Arm:
    """Page and plan agree; may this click be pressed? Answer with `Armed` or `NotArmed`.

    `page_sha256` is the digest of the page's text as it stood.
    """

    type: ClassVar[str] = "arm"
    click: Click
    company: str
    uscc: str
    page_sha256: str


@dataclass(frozen=True)
class Fired:
    """The click was pressed and this request left, once. `request_sha256` covers method, path and body."""

    type: ClassVar[str] = "fired"
    click: Click
    request_sha256: str


@dataclass(frozen=True)
class Confirmed:
    """The portal shows that the click took effect; `proof` says where."""

    type: ClassVar[str] = "confirmed"
    click: Click
    proof: str


@dataclass(frozen=True)
class Evidence:
    """A file was kept: `file` is its name in the plan's evidence directory.

    `kind` is `picture`, `text`, `document`, `policy` or `record`; `page` names the screen. `at` is when, in
    ISO 8601 with its offset. `chain` is the sha256 of the chain before it and this event, so that no file
    of the run can be taken out or exchanged unnoticed.
    """

    type: ClassVar[str] = "evidence"
    stage: Stage | None
    kind: str
    page: str
    file: str
    sha256: str
    size: int
    at: str = ""
    chain: str = ""


@dataclass(frozen=True)
class PolicyRead:
    """The policy was downloaded, is whole, and is this company's. Dates are ISO dates."""

    type: ClassVar[str] = "policy_read"
    number: str
    valid_from: str
    valid_to: str
    insurer: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Finished:
    """The last event of every run that could still speak.

    `detail` is for people and holds no secret: the portal's words, what was expected, what was
    found (for example `expected`, `seen`, `nearest`). `pin_untouched` is whether a PIN that was given
    was certainly not typed.
    """

    type: ClassVar[str] = "finished"
    outcome: Outcome
    reason: Reason | None = None
    detail: dict[str, str] = field(default_factory=dict)
    pin_untouched: bool = False


Answer = Pin | NoPin | Armed | NotArmed
Event = (
    Started
    | CardRead
    | NeedPin
    | SignedIn
    | Reading
    | StageBegun
    | Waiting
    | Arm
    | Fired
    | Confirmed
    | Evidence
    | PolicyRead
    | Finished
)
Message = Plan | Answer | Event


class BadMessage(ValueError):
    """A line is not a message of this contract. The text names the field, never its value."""


def encode(message: Message) -> str:
    """One line of JSON, without the newline."""
    return json.dumps({"type": message.type, **asdict(message)}, ensure_ascii=False)


def decode(line: str) -> Message:
    """The message that `encode` wrote. Raises `BadMessage`, which never repeats a value."""
    try:
        raw = json.loads(line)
        kind = _KINDS[raw.pop("type")]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadMessage("not a JSON object with a known type") from error
    known = {f.name for f in fields(kind)}
    if unknown := set(raw) - known:
        raise BadMessage(f"{kind.type}: unknown field {sorted(unknown)[0]}")
    try:
        message: Message = kind(**{name: _revive(kind, name, value) for name, value in raw.items()})
    except (TypeError, ValueError, KeyError, AttributeError):
        # The cause may quote a value, and a value may be a PIN: do not chain it.
        raise BadMessage(f"{kind.type}: a field is missing or has a wrong value") from None
    return message


_KINDS: dict[str, Any] = {
    kind.type: kind
    for kind in (
        Plan, Pin, NoPin, Armed, NotArmed, Started, CardRead, NeedPin, SignedIn, Reading,
        StageBegun, Waiting, Arm, Fired, Confirmed, Evidence, PolicyRead, Finished,
    )
}  # fmt: skip


def _revive(kind: Any, name: str, value: Any) -> Any:
    """Give a plain JSON value the type that the field has."""
    reader = _READERS.get((kind, name)) or _READERS.get(name)
    return value if reader is None or value is None else reader(value)


def _standings(raw: dict[str, str]) -> dict[Click, Standing]:
    return {Click(click): Standing(standing) for click, standing in raw.items()}


_READERS: dict[Any, Any] = {
    (Plan, "company"): lambda raw: Company(**raw),
    (Plan, "contact"): lambda raw: Contact(**raw),
    (Plan, "card"): lambda raw: ExpectedCard(**raw),
    "stop_before": Click,
    "channel": Channel,
    "click": Click,
    "stage": Stage,
    "standings": _standings,
    "outcome": Outcome,
    "reason": Reason,
}
