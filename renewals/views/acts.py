"""What staff do to renewals: try again, assign, pause, cancel. One at a time, or many after a preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_POST

from agency import audit
from agency.models import User
from agency.people import colleagues, staff_only
from companies.views.selection import back, came_from, frozen, uuids
from renewals.domain.attention import RETRIABLE, NotPossibleNow, cancel, retry
from renewals.domain.colleagues import assign
from renewals.domain.inbox import inbox, of_reason
from renewals.domain.pausing import pause, resume
from renewals.filters import BoardFilter
from renewals.fitting import is_of_the_card
from renewals.models import Renewal, State
from renewals.views import undoing
from renewals.views.board import chosen_year

WHY_AT_MOST = 300
# Where a form leads that does not say where it came from.
OTHERWISE = "renewals:board"
NOT_AT_REST = (State.WAITING, State.RUNNING, State.UNKNOWN, State.SUBMITTED)


@dataclass(frozen=True)
class Asked:
    """What the preview asked for, beside the renewals: why, and whom."""

    why: str = ""
    person: User | None = None


@dataclass(frozen=True)
class Act:
    """One act: what it is called, what it does to renewals, and which it fits.

    `carry_out` returns False where it was so already. `needs` names what the preview asks for.
    """

    code: str
    label: str | Promise
    says: str | Promise
    fitting: Callable[[Renewal], bool]
    carry_out: Callable[[Renewal, User, Asked], bool | None]
    needs: tuple[str, ...] = ()
    for_many: bool = False

    def fits(self, renewal: Renewal) -> bool:
        """Whether it makes sense for the renewal; the domain has the last word."""
        return self.fitting(renewal)


def _in(*states: State) -> Callable[[Renewal], bool]:
    return lambda renewal: renewal.state in states


def _may_be_retried(renewal: Renewal) -> bool:
    """Whether a retry could get anywhere: neither a colleague nor a card in quarantine stands in its way."""
    return renewal.state in RETRIABLE and renewal.taken_by_id is None and not _waits_for_its_card(renewal)


def _waits_for_its_card(renewal: Renewal) -> bool:
    """Whether it stopped for a card that is still in quarantine: lifting that takes a person's look."""
    return is_of_the_card(renewal.reason) and any(card.quarantined_at for card in renewal.company.cards.all())


def _retry(renewal: Renewal, by: User, asked: Asked) -> None:
    if _waits_for_its_card(renewal):
        raise NotPossibleNow("quarantined")
    retry(renewal, by=by, why=asked.why)


def _go_on(renewal: Renewal, by: User, asked: Asked) -> bool:
    """End the renewal's own pause; what its batch or its stage is paused for stays paused."""
    own = renewal.pauses.filter(ended_at__isnull=True).first()
    return own is not None and resume(own, by=by, why=asked.why)


def _pause(renewal: Renewal, by: User, asked: Asked) -> bool:
    if renewal.pauses.filter(ended_at__isnull=True).exists():
        return False
    pause(by=by, why=asked.why, renewal=renewal)
    return True


def _is_paused(renewal: Renewal) -> bool:
    """Whether the renewal has a pause of its own."""
    return any(begun.ended_at is None for begun in renewal.pauses.all())


ACTS = {
    act.code: act
    for act in (
        Act(
            "retry",
            pgettext_lazy("act", "Retry"),
            gettext_lazy(
                "Back into the queue: the next run reads the portal first and does only what is left."
            ),
            _may_be_retried,
            _retry,
        ),
        Act(
            "assign",
            pgettext_lazy("act", "Assign"),
            gettext_lazy("This colleague looks after them from now on."),
            _in(*(state for state in State if state not in (State.COMPLETE, State.CANCELLED))),
            lambda renewal, by, asked: assign(renewal, asked.person, by=by),
            needs=("person",),
            for_many=True,
        ),
        Act(
            "pause",
            pgettext_lazy("act", "Pause"),
            gettext_lazy(
                "No run begins, and one under way stops before its next click that cannot be undone. "
                "What was pressed is read to its end."
            ),
            lambda renewal: renewal.state in NOT_AT_REST and not _is_paused(renewal),
            _pause,
            needs=("why",),
            for_many=True,
        ),
        Act(
            "resume",
            pgettext_lazy("act", "Go on"),
            gettext_lazy("Their own pause ends. What is paused with its batch or its stage stays so."),
            _is_paused,
            _go_on,
            needs=("why",),
            for_many=True,
        ),
        Act(
            "cancel",
            pgettext_lazy("act", "Cancel renewal"),
            gettext_lazy("The renewal is given up. What was done on the portal stays done."),
            _in(State.WAITING, State.SUBMITTED, State.ATTENTION, State.REFUSED),
            lambda renewal, by, asked: cancel(renewal, by=by, why=asked.why),
            needs=("why",),
        ),
    )
}
REFUSALS: dict[str, str | Promise] = {
    "not_stopped": gettext_lazy("it does not wait for a person"),
    "over": gettext_lazy("it is over already"),
    "running": gettext_lazy("it is running at a desk"),
    "click_open": gettext_lazy("a click is still to be verified"),
    "other_stage": gettext_lazy("this step is settled already"),
    "ran_since": gettext_lazy("there was a run since you looked; look at the portal once more"),
    "taken_over": gettext_lazy("a colleague does it by hand; it must be given back first"),
    "quarantined": gettext_lazy("its card is in quarantine; lift that first, one by one"),
    "so_already": gettext_lazy("it was so already"),
}


def refusal_words(refusal: NotPossibleNow) -> str:
    """Why one renewal was left alone, with the colleague's name where one is in the way."""
    if refusal.who:
        return _("%(who)s does it by hand; it must be given back first") % {"who": refusal.who}
    return str(REFUSALS.get(refusal.code, refusal.code))


@require_POST
@staff_only
def preview(request: HttpRequest) -> HttpResponse:
    """What an act would do to the selection; the selection is frozen from here on. Changes nothing."""
    act = _act(request.POST)
    chosen = list(_with_what_acts_ask(selected(request.POST)).order_by("company__name"))
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request, OTHERWISE)
    context = {
        "act": act,
        "chosen": chosen,
        "fitting": [renewal for renewal in chosen if act.fits(renewal)],
        "others": [renewal for renewal in chosen if not act.fits(renewal)],
        "quarantined": sum(_waits_for_its_card(one) for one in chosen) if act.code == "retry" else 0,
        "people": colleagues() if "person" in act.needs else (),
        "next": came_from(request),
    }
    return render(request, "renewals/act.html", context)


@require_POST
@staff_only
def carry_out(request: HttpRequest) -> HttpResponse:
    """Do it to each renewal of the frozen selection that still fits, and say what became of them."""
    act, asked = _act(request.POST), _asked(request.POST)
    if "why" in act.needs and not asked.why:
        messages.error(request, _("Write down why: it stays in the story."))
        return back(request, OTHERWISE)
    # In an order, so that of two people who act on many neither waits for the other for ever.
    chosen = _with_what_acts_ask(Renewal.objects.filter(pk__in=frozen(request.POST))).order_by("pk")
    with audit.held_back():
        done, refused = _each(act, chosen, request, asked)
    if done:
        words = ngettext("%(act)s: %(n)d renewal.", "%(act)s: %(n)d renewals.", len(done))
        tag = undoing.offer(request, act.code, done, to=asked.person)
        messages.success(request, words % {"act": act.label, "n": len(done)}, extra_tags=tag)
    for code, number in refused.items():
        words = ngettext(
            "%(n)d renewal was left alone: %(why)s.", "%(n)d renewals were left alone: %(why)s.", number
        )
        messages.warning(request, words % {"n": number, "why": REFUSALS[code]})
    return back(request, OTHERWISE)


def _with_what_acts_ask(renewals: QuerySet[Renewal]) -> QuerySet[Renewal]:
    """With what decides whether an act fits: the same few queries for one and for many."""
    return renewals.select_related("company").prefetch_related("pauses", "company__cards")


def _asked(posted: QueryDict) -> Asked:
    """What was filled in. Raises `Http404` for a person who is no colleague."""
    why, person = posted.get("why", "").strip()[:WHY_AT_MOST], posted.get("person", "")
    if not person:
        return Asked(why)
    return Asked(why, get_object_or_404(colleagues(), pk__in=uuids([person])))


def _each(
    act: Act, renewals: Iterable[Renewal], request: HttpRequest, asked: Asked
) -> tuple[list[Renewal], Counter[str]]:
    """Those it was done to, as they were before, and why not to how many others."""
    done, refused = list[Renewal](), Counter[str]()
    for renewal in renewals:
        try:
            if act.carry_out(renewal, request.user, asked) is False:  # type: ignore[arg-type]  # staff only
                refused["so_already"] += 1
            else:
                done.append(renewal)
        except NotPossibleNow as refusal:
            refused[refusal.code] += 1
    return done, refused


def _act(posted: QueryDict) -> Act:
    try:
        return ACTS[posted.get("act", "")]
    except KeyError:
        raise Http404 from None


def selected(posted: QueryDict) -> QuerySet[Renewal]:
    """The renewals on this page that were ticked, or all that match the page's filters.

    Raises `Http404` for filters that nobody understands.
    """
    if posted.get("scope") == "attention":
        return of_reason(inbox(), posted.get("reason", ""))
    if posted.get("scope") == "matching":
        query = QueryDict(posted.get("query", ""))
        chosen = BoardFilter(query, Renewal.objects.filter(year=chosen_year(query)))
        chosen.refuse_nonsense()
        matching: QuerySet[Renewal] = chosen.qs
        return matching
    return Renewal.objects.filter(pk__in=uuids(posted.getlist("renewal")))
