"""What stands at one desk this moment: the card, what runs, what the hands do next. Read from rows alone.

`version` is one query and changes whenever the rest does; a page asks it every two seconds.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from agency.models import User
from companies.models import Card
from portal_driver.contract import Outcome, Reason
from renewals.domain.attention import NotPossibleNow, retry
from renewals.domain.claiming import is_worth_a_run
from renewals.domain.desks import SILENT_AFTER, Notice, SheetLine, card_in, next_cards, refusal
from renewals.domain.doorbell import ring
from renewals.domain.pausing import is_desk_paused, standstill
from renewals.domain.pins import grant_pin, is_at_hand
from renewals.domain.progress import in_order
from renewals.models import Desk, Evidence, Pause, PinGrant, Renewal, Run, Stage, State


class Situation(StrEnum):
    """What is going on at a desk; each has its words in `renewals/desk_words.py`."""

    PAUSED = "paused"
    RUNNING = "running"
    SILENT = "silent"
    CONTROL_UNREACHABLE = "control_unreachable"
    UNKNOWN_CARD = "unknown_card"
    WRONG_KIND = "wrong_kind"
    QUARANTINED = "quarantined"
    EXPIRED = "expired"
    PIN_NEEDED = "pin_needed"
    STARTING = "starting"
    TAKE_OUT = "take_out"
    NOTHING_WAITS = "nothing_waits"
    HELD_BACK = "held_back"
    WORK_PAUSED = "work_paused"
    SAY_WHICH = "say_which"
    INSERT = "insert"
    IDLE = "idle"


@dataclass(frozen=True)
class AtDesk:
    """A desk as its page shows it.

    `waiting` is what a run takes up for the card in the reader, `last` the run that ended last for
    it, `next` the line of the run sheet to insert next, `left` how many lines there are.
    """

    desk: Desk
    situation: Situation
    card: Card | None
    why: str
    own_pause: Pause | None
    waiting: list[Renewal]
    run: Run | None
    stages: list[Stage]
    signed_in: bool
    picture: Evidence | None
    last: Run | None
    next: SheetLine | None
    left: int
    today: Today


@dataclass(frozen=True)
class Today:
    """How many cards a desk has dealt with today, and when all that waits will have been dealt with.

    The forecast is of all desks together: they work off one sheet. None while no card was dealt with
    in the last hour, for then nobody knows.
    """

    cards: int
    ends_at: datetime | None


def version(code: str) -> str | None:
    """Changes whenever something on the desk's page may have; None where there is no such desk. One query.

    What only time brings, a look that is due or a PIN that is too old, shows within a minute.
    """
    row = _of_the_page(code).values_list(*_PAGE).first()
    if row is None:
        return None
    minute = int(timezone.now().timestamp() // 60)
    return sha256(repr((row, minute)).encode()).hexdigest()[:16]


_PAGE = (
    *("pk", "card_number", "notice", "sits", "is_silent", "is_paused", "paused_at"),
    *("run_pk", "doing", "picture_pk", "moved_at"),
    *("has_pin", "quarantined_at", "typed"),
)


def _of_the_page(code: str) -> QuerySet[Desk]:
    runs = Run.objects.filter(desk=OuterRef("pk"), ended_at__isnull=True).order_by("-began_at")
    pictures = Evidence.objects.filter(run=OuterRef("run_pk"), kind="picture").order_by("-at")
    cards = Card.objects.filter(number=OuterRef("card_number"))
    grants = PinGrant.objects.filter(desk=OuterRef("pk"), used_at__isnull=True).order_by("-granted_at")
    return Desk.objects.filter(code=code).annotate(
        sits=_is(Q(sitting_until__gt=Now())),
        is_silent=_is(Q(seen_at__isnull=True) | Q(seen_at__lt=Now() - SILENT_AFTER)),
        is_paused=_is(is_desk_paused()),
        paused_at=Subquery(Pause.objects.order_by("-begun_at").values("begun_at")[:1]),
        run_pk=Subquery(runs.values("pk")[:1]),
        doing=Subquery(runs.values("doing")[:1]),
        picture_pk=Subquery(pictures.values("pk")[:1]),
        moved_at=Subquery(Renewal.objects.order_by("-changed_at").values("changed_at")[:1]),
        has_pin=Exists(cards.filter(sealed_pin__isnull=False)),
        quarantined_at=Subquery(cards.values("quarantined_at")[:1]),
        typed=Subquery(grants.values("granted_at")[:1]),
    )


def _is(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def at_desk(desk: Desk) -> AtDesk:
    """What stands at the desk now. A fixed number of queries."""
    card = card_in(desk.card_number) if desk.card_number else None
    run = _run_at(desk)
    pause, why = _pause_over(desk)
    first, left = next_cards(1)
    waiting = _waiting_for(card)
    situation = _situation(desk, card, run, waiting, is_paused=bool(why), has_next=left > 0)
    return AtDesk(
        desk=desk,
        situation=situation,
        card=card,
        why=why,
        own_pause=pause,
        waiting=waiting,
        run=run,
        stages=in_order(run.renewal.stages.all()) if run else [],
        signed_in=run is not None and run.events.filter(kind="signed_in").exists(),
        picture=_picture(run),
        last=_last_run(desk, card) if run is None else None,
        next=next(iter(first), None),
        left=left,
        today=today_at(desk, left=left),
    )


def type_pin(desk: Desk, card: Card, pin: str, *, by: User) -> None:
    """A person types the card's PIN for one use at this desk; what had stopped for want of it goes on.

    Raises `IssuedPin`.
    """
    grant_pin(card, desk=desk, pin=pin, by=by)
    for renewal in _stopped_for_the_pin(card):
        with suppress(NotPossibleNow):  # a colleague was faster
            retry(renewal, by=by)
    ring(desk)


def needs_pin(card: Card, desk: Desk) -> bool:
    """Whether work waits for this card, and for a PIN."""
    waits = bool(_waiting_for(card)) or _stopped_for_the_pin(card).exists()
    return waits and not is_at_hand(card, desk)


def today_at(desk: Desk, *, left: int) -> Today:
    """The desk's day so far, and the forecast for what is left. One query."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    hour_ago = now - timedelta(hours=1)
    lately = Q(ended_at__gte=hour_ago)
    found = (
        Run.objects.filter(ended_at__gte=min(midnight, hour_ago))
        .exclude(outcome=Outcome.LATER)
        .aggregate(
            here=Count("renewal__company", distinct=True, filter=Q(desk=desk, ended_at__gte=midnight)),
            lately=Count("renewal__company", distinct=True, filter=lately),
            first=Min("began_at", filter=lately),
        )
    )
    if not found["lately"] or not left:
        return Today(found["here"], None)
    took = max(now - max(found["first"], hour_ago), timedelta(seconds=1))
    return Today(found["here"], now + took / found["lately"] * left)


@dataclass(frozen=True)
class DeskLine:
    """One desk in the list of desks."""

    desk: Desk
    situation: Situation
    company: str = ""
    cards_today: int = 0
    why: str = ""


def desk_lines() -> list[DeskLine]:
    """All desks with what goes on at each. Three queries, however many desks."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    dealt_with = Run.objects.filter(ended_at__gte=midnight).exclude(outcome=Outcome.LATER)
    today = dict(dealt_with.values_list("desk").annotate(n=Count("renewal__company", distinct=True)))
    runs = Run.objects.filter(desk=OuterRef("pk"), ended_at__isnull=True)
    own = Pause.objects.filter(desk=OuterRef("pk"), ended_at__isnull=True)
    desks = Desk.objects.annotate(
        sits=_is(Q(sitting_until__gt=Now())),
        is_paused=_is(is_desk_paused()),
        has_run=Exists(runs),
        pause_why=Subquery(own.values("why")[:1]),
    )
    chosen = list(desks)
    numbers = [desk.card_number for desk in chosen if desk.card_number]
    cards = {card.number: card for card in Card.objects.filter(number__in=numbers).select_related("company")}
    return [_line(desk, cards.get(desk.card_number), today.get(desk.pk, 0)) for desk in chosen]


def _line(desk: Desk, card: Card | None, cards_today: int) -> DeskLine:
    marks = vars(desk)  # annotated by `desk_lines`
    name = card.company.name if card else ""
    if marks["is_paused"]:
        situation = Situation.PAUSED
    elif marks["has_run"]:
        situation = Situation.RUNNING
    else:
        situation = _without_a_run(desk, card, has_next=True)
    return DeskLine(desk, situation, name, cards_today, marks["pause_why"] or "")


def _situation(
    desk: Desk, card: Card | None, run: Run | None, waiting: list[Renewal], *, is_paused: bool, has_next: bool
) -> Situation:
    if run is not None:
        return Situation.RUNNING
    if is_paused:
        return Situation.PAUSED
    found = _without_a_run(desk, card, has_next=has_next)
    if found in _CARD_IS_GOOD and card is not None and needs_pin(card, desk):
        return Situation.PIN_NEEDED
    if (found == Situation.PIN_NEEDED and card is not None) or (found == Situation.NOTHING_WAITS and waiting):
        return Situation.STARTING  # what it waited for is there
    return found


_CARD_IS_GOOD = (
    Situation.STARTING,
    Situation.TAKE_OUT,
    Situation.NOTHING_WAITS,
    Situation.HELD_BACK,
    Situation.WORK_PAUSED,
    Situation.PIN_NEEDED,
)
_LEFT_BY_SITTINGS = frozenset(Notice) - {Notice.PAUSED, Notice.CONTROL_UNREACHABLE}


def _without_a_run(desk: Desk, card: Card | None, *, has_next: bool) -> Situation:
    """What goes on at a desk at which no run is under way and which is not paused."""
    unreachable = desk.notice == Notice.CONTROL_UNREACHABLE
    # The watcher asks a control that does not answer less and less often.
    patience = SILENT_AFTER * 2 if unreachable else SILENT_AFTER
    if desk.seen_at is None or desk.seen_at < timezone.now() - patience:
        return Situation.SILENT
    if unreachable:
        return Situation.CONTROL_UNREACHABLE
    if not (desk.card_number or desk.reads_cards):
        # What staff said counted for the sitting that has ended; its notice is about that card.
        return _of_notice(desk.notice, otherwise=Situation.SAY_WHICH)
    if not desk.card_number:
        return Situation.INSERT if has_next else Situation.IDLE
    if refused := refusal(card):
        return Situation(refused.value)
    if desk.sitting_until is not None and desk.sitting_until > timezone.now():
        return Situation.STARTING
    return _of_notice(desk.notice, otherwise=Situation.STARTING)


def _of_notice(notice: str, *, otherwise: Situation) -> Situation:
    """What a sitting left; a notice that is a situation by itself goes by the same name."""
    if notice == Notice.PAUSED:
        return Situation.WORK_PAUSED
    return Situation(notice) if notice in _LEFT_BY_SITTINGS else otherwise


def _run_at(desk: Desk) -> Run | None:
    return (
        Run.objects.filter(desk=desk, ended_at__isnull=True, renewal__state=State.RUNNING)
        .select_related("renewal__company", "renewal__batch")
        .prefetch_related("renewal__stages")
        .order_by("-began_at")
        .first()
    )


def _last_run(desk: Desk, card: Card | None) -> Run | None:
    """The run that ended last for this card's company, at this desk, today.

    Where the reader cannot tell the card, the one that ended last.
    """
    if card is None and desk.reads_cards:
        return None
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    ended = Run.objects.filter(desk=desk, ended_at__gte=midnight)
    if card is not None:
        ended = ended.filter(renewal__company=card.company_id)
    return ended.select_related("renewal").order_by("-ended_at").first()


def _picture(run: Run | None) -> Evidence | None:
    return run.evidence.filter(kind="picture").order_by("-at").first() if run else None


def _waiting_for(card: Card | None) -> list[Renewal]:
    if card is None:
        return []
    due = Renewal.objects.filter(is_worth_a_run(), company=card.company_id)
    return list(due.order_by("-priority", F("due_on").asc(nulls_last=True), "queued_at"))


def _stopped_for_the_pin(card: Card) -> QuerySet[Renewal]:
    return Renewal.objects.filter(company=card.company_id, state=State.ATTENTION, reason=Reason.PIN_MISSING)


def _pause_over(desk: Desk) -> tuple[Pause | None, str]:
    """The desk's own pause, and why nothing begins here: its own, the agency's or the installation's."""
    agency_wide = Q(desk__isnull=True, batch__isnull=True, stage="", renewal__isnull=True)
    over = Pause.objects.filter(Q(desk=desk) | agency_wide)
    standing = list(over.filter(ended_at__isnull=True).select_related("begun_by"))
    own = next((pause for pause in standing if pause.desk_id is not None), None)
    why = next((pause.why for pause in standing), "")
    return own, why or standstill().values_list("why", flat=True).first() or ""
