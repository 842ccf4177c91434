"""待人工: what does only a person know? The list, one item with all there is to decide, the acts that fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agency.models import User
from agency.people import staff_memberships, staff_only
from companies.views.selection import back, came_from
from renewals import sentences
from renewals.deeds import DEEDS, Offer, offers
from renewals.domain import inbox
from renewals.domain.attention import NotPossibleNow
from renewals.fitting import Do, phones, what_fits
from renewals.models import Event, Evidence, Renewal
from renewals.views import undoing
from renewals.views.acts import OTHERWISE, refusal_words
from renewals.views.today import first_hour

ITEMS_A_PAGE = 50
# Enough for the pictures and the text of the last screens.
_EVIDENCE_LOOKED_AT = 12
MINE = "mine"


@dataclass(frozen=True)
class Tile:
    """One number: a door to the items behind it."""

    value: str
    label: str
    number: int


@dataclass(frozen=True)
class Detail:
    """Everything to decide about one item."""

    item: Any
    offers: list[Offer]
    findings: list[tuple[str, str]]
    phones: list[tuple[str, bool]]
    comments: list[Event]
    picture: Evidence | None = None
    papers: list[Evidence] = field(default_factory=list)


@require_safe
@staff_only
def attention(request: HttpRequest) -> HttpResponse:
    """The list as the address filters it, and the item that it names, else the first."""
    found = inbox.counts()
    staff = list(staff_memberships().select_related("user").order_by("user__name"))
    people = [one.user for one in staff]
    person = chosen_person(request)
    reason = request.GET.get("reason", "")
    items = inbox.of_reason(inbox.of_person(inbox.inbox(), person), reason)
    paginator = Paginator(items, ITEMS_A_PAGE)
    paginator.count = sum(n for (code, who), n in found.items() if _fits(code, who, reason, person))
    page: Page[Renewal] = paginator.get_page(request.GET.get("page"))
    shown = list(page.object_list)
    item = _item(request.GET, shown, items)
    context = {
        "page": page,
        "items": shown,
        "reason": reason,
        "people": _person_tiles(request, found, people, reason),
        "reasons": _reason_tiles(found, reason, person),
        "matching": paginator.count,
        "all_of_reason": _all_to_retry(found, shown, reason),
        "colleagues": [one.user for one in staff if one.ended_at is None],
        "detail": _detail(item) if item else None,
        "following": _following(item, shown) if item else None,
    }
    if not found:
        context |= first_hour()
    return render(request, "renewals/attention.html", context)


@require_safe
@staff_only
def moved(request: HttpRequest) -> HttpResponse:
    """Whether another number waits than the page shows (`shown`); 204 where it is the same. One query."""
    person, reason = chosen_person(request), request.GET.get("reason", "")
    waiting = sum(n for (code, who), n in inbox.counts().items() if _fits(code, who, reason, person))
    if str(waiting) == request.GET.get("shown"):
        return HttpResponse(status=204)
    return render(request, "renewals/attention.html#moved", {"matching": waiting, "fresh": True})


@require_POST
@staff_only
def act(request: HttpRequest, renewal_id: UUID) -> HttpResponse:
    """Do one thing with a renewal, and go where the form says: to the next item, or back to this one.

    A form that was not filled in well is shown again with what was written; nothing is lost.
    """
    renewal = get_object_or_404(Renewal.objects.select_related("company", "assignee"), pk=renewal_id)
    deed = DEEDS.get(request.POST.get("deed", ""))
    if deed is None:
        raise Http404
    form = deed.blank(renewal, request.POST)
    if form is not None and not form.is_valid():
        context = {"renewal": renewal, "deed": deed, "form": form, "next": came_from(request)}
        return render(request, "renewals/deed.html", context)
    words = form.cleaned_data if form else {}
    if deed.do == Do.CLOSE:
        words = words | {"reason": request.POST.get("reason", "")}
    try:
        deed.carry_out(renewal, request.user, words)  # type: ignore[arg-type]  # staff only
    except NotPossibleNow as refusal:
        said = {"company": renewal.company.name, "why": refusal_words(refusal)}
        messages.warning(request, _("%(company)s was left alone: %(why)s.") % said)
    else:
        done = [renewal] if deed.do == Do.ASSIGN and renewal.assignee != words["person"] else []
        tag = undoing.offer(request, deed.do, done, to=words.get("person"))
        messages.success(request, str(deed.done) % {"company": renewal.company.name}, extra_tags=tag)
    return back(request, OTHERWISE)


def chosen_person(request: HttpRequest) -> UUID | str | None:
    """Whose items the address asks for; None for everybody's. Raises `Http404` for anything else."""
    person = request.GET.get("person", "")
    if person in ("", inbox.NOBODY):
        return person or None
    if person == MINE:
        return request.user.pk
    try:
        return UUID(person)
    except ValueError:
        raise Http404 from None


def _fits(code: str, who: UUID | None, reason: str, person: UUID | str | None) -> bool:
    """Whether items of this reason and person are among those that are asked for."""
    of_person = person is None or (who is None if person == inbox.NOBODY else who == person)
    return of_person and reason in ("", code)


def _all_to_retry(found: Any, shown: list[Renewal], reason: str) -> int:
    """How many wait for the chosen reason, whoever looks after them; 0 where a retry does not fit it."""
    if not reason or not shown or not all(Do.RETRY in _fitting(one, reason) for one in shown):
        return 0
    return sum(number for (code, _who), number in found.items() if code == reason)


def _fitting(item: Any, asked: str) -> tuple[Do, ...]:
    return what_fits(item, asked, has_quarantined_card=item.has_quarantined_card)


def _item(query: QueryDict, shown: list[Renewal], items: Any) -> Renewal | None:
    """The item that the address names, also from another page; the first where it is settled meanwhile."""
    wanted = query.get("item", "")
    here = next((one for one in shown if str(one.pk) == wanted), None)
    if here is None and wanted:
        try:
            here = items.filter(pk=UUID(wanted)).first()
        except ValueError:
            raise Http404 from None
    return here or next(iter(shown), None)


def _following(item: Renewal, shown: list[Renewal]) -> Renewal | None:
    """What opens after an act: the next of the list, at its end the one before."""
    place = next((place for place, one in enumerate(shown) if one.pk == item.pk), -1)
    others = shown[place + 1 :] or shown[: max(place, 0)][-1:]
    return next(iter(others), None)


def _person_tiles(request: HttpRequest, found: Any, people: list[User], reason: str) -> list[Tile]:
    """Everybody's, mine, nobody's, and each colleague's who has any, under the chosen reason."""
    numbers: dict[UUID | None, int] = {}
    for (code, who), number in found.items():
        if reason in ("", code):
            numbers[who] = numbers.get(who, 0) + number
    others = [Tile(str(one.pk), one.name, numbers[one.pk]) for one in people if one.pk in numbers]
    return [
        Tile("", _("Everybody's"), sum(numbers.values())),
        Tile(MINE, _("Mine"), numbers.get(request.user.pk, 0)),
        Tile(inbox.NOBODY, _("Nobody's"), numbers.get(None, 0)),
        *[tile for tile in others if tile.value != str(request.user.pk)],
    ]


def _reason_tiles(found: Any, reason: str, person: UUID | str | None) -> list[Tile]:
    """Each reason under the chosen person, most frequent first; the chosen one also where it has none."""
    numbers = {reason: 0} if reason else {}
    for (code, who), number in found.items():
        if _fits(code, who, "", person):
            numbers[code] = numbers.get(code, 0) + number
    tiles = [Tile(code, sentences.reason_title(code), number) for code, number in numbers.items()]
    return sorted(tiles, key=lambda tile: (-tile.number, tile.label))


def _detail(item: Any) -> Detail:
    """Two queries: what colleagues wrote, and what the last run saw."""
    evidence = list(item.evidence.order_by("-at")[:_EVIDENCE_LOOKED_AT])
    last = [one for one in evidence if one.run_id == evidence[0].run_id]
    return Detail(
        item,
        offers(item, _fitting(item, item.asked), item.contact),
        sentences.findings(item.reason_detail) if item.asked == item.reason else [],
        phones(item.asked, item.company.region),
        list(item.events.filter(kind="commented").order_by("at")),
        next((one for one in last if one.kind == "picture"), None),
        [one for one in last if one.kind != "picture"],
    )
