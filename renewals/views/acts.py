"""What staff do to renewals that stopped: try again, cancel. One at a time, or many after a preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_POST

from agency.people import staff_only
from renewals.domain.attention import RETRIABLE, NotPossibleNow, cancel, retry
from renewals.domain.inbox import inbox, of_reason
from renewals.filters import BoardFilter
from renewals.models import Renewal, State
from renewals.views.board import chosen_year

WHY_AT_MOST = 300


@dataclass(frozen=True)
class Act:
    """One act: what it is called, what it does to renewals, and the states that it fits."""

    code: str
    label: str | Promise
    says: str | Promise
    states: tuple[State, ...]
    carry_out: Callable[..., None]
    needs_why: bool

    def fits(self, renewal: Renewal) -> bool:
        """Whether it makes sense in the renewal's state; the domain has the last word."""
        return renewal.state in self.states


ACTS = {
    act.code: act
    for act in (
        Act(
            "retry",
            pgettext_lazy("act", "Retry"),
            gettext_lazy(
                "Back into the queue: the next run reads the portal first and does only what is left."
            ),
            RETRIABLE,
            retry,
            needs_why=False,
        ),
        Act(
            "cancel",
            pgettext_lazy("act", "Cancel renewal"),
            gettext_lazy("The renewal is given up. What was done on the portal stays done."),
            (State.WAITING, State.SUBMITTED, State.ATTENTION, State.REFUSED),
            cancel,
            needs_why=True,
        ),
    )
}
REFUSALS: dict[str, str | Promise] = {
    "not_stopped": gettext_lazy("it does not wait for a person"),
    "over": gettext_lazy("it is over already"),
    "running": gettext_lazy("it is running at a desk"),
    "click_open": gettext_lazy("a click is still to be verified"),
    "other_stage": gettext_lazy("this step is settled already"),
}


@require_POST
@staff_only
def preview(request: HttpRequest) -> HttpResponse:
    """What an act would do to the selection; the selection is frozen from here on. Changes nothing."""
    act = _act(request.POST)
    chosen = list(selected(request.POST).select_related("company").order_by("company__name"))
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request)
    fitting = [renewal for renewal in chosen if act.fits(renewal)]
    context = {
        "act": act,
        "chosen": chosen,
        "fitting": fitting,
        "others": [renewal for renewal in chosen if not act.fits(renewal)],
        "next": request.POST.get("next", ""),
    }
    return render(request, "renewals/act.html", context)


@require_POST
@staff_only
def carry_out(request: HttpRequest) -> HttpResponse:
    """Do it to each renewal of the frozen selection that still fits, and say what became of them."""
    act, why = _act(request.POST), request.POST.get("why", "").strip()[:WHY_AT_MOST]
    if act.needs_why and not why:
        messages.error(request, _("Write down why: it stays in the story."))
        return back(request)
    done, refused = _each(act, Renewal.objects.filter(pk__in=frozen(request.POST)), request, why)
    if done:
        words = ngettext("%(act)s: %(n)d renewal.", "%(act)s: %(n)d renewals.", done)
        messages.success(request, words % {"act": act.label, "n": done})
    for code, number in refused.items():
        words = ngettext(
            "%(n)d renewal was left alone: %(why)s.", "%(n)d renewals were left alone: %(why)s.", number
        )
        messages.warning(request, words % {"n": number, "why": REFUSALS[code]})
    return back(request)


def _each(act: Act, renewals: Iterable[Renewal], request: HttpRequest, why: str) -> tuple[int, Counter[str]]:
    """How many it was done to, and why not to the others."""
    done, refused = 0, Counter[str]()
    for renewal in renewals:
        try:
            act.carry_out(renewal, by=request.user, why=why)
            done += 1
        except NotPossibleNow as refusal:
            refused[refusal.code] += 1
    return done, refused


def _act(posted: QueryDict) -> Act:
    try:
        return ACTS[posted.get("act", "")]
    except KeyError:
        raise Http404 from None


def selected(posted: QueryDict) -> QuerySet[Renewal]:
    """The renewals on this page that were ticked, or all that match the page's filters."""
    if posted.get("scope") == "attention":
        return of_reason(inbox(), posted.get("reason", ""))
    if posted.get("scope") == "matching":
        query = QueryDict(posted.get("query", ""))
        matching: QuerySet[Renewal] = BoardFilter(query, Renewal.objects.filter(year=chosen_year(query))).qs
        return matching
    return Renewal.objects.filter(pk__in=uuids(posted.getlist("renewal")))


def frozen(posted: QueryDict) -> list[UUID]:
    """The selection as the preview froze it, in one field: forms have a limit on fields."""
    return uuids(posted.get("frozen", "").split())


def uuids(texts: Iterable[str]) -> list[UUID]:
    """The ids among these texts. Raises `Http404` for anything else."""
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Http404 from None


def back(request: HttpRequest) -> HttpResponseRedirect:
    """To where the form says that the person came from, else to the board."""
    there = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(there, {request.get_host()}):
        return HttpResponseRedirect(there)
    return redirect("renewals:board")
