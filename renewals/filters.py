"""Which renewals the board shows, and how they are grouped; the choice stands in the address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.filtering import ListFilter, SearchFilter, YearFilter
from companies.models import Card
from renewals.domain.claiming import is_due
from renewals.models import Renewal, Run, StageName, State

_STAGE_ORDER = Case(
    *(When(stage=name, then=Value(place)) for place, name in enumerate(StageName)), default=Value(9)
)


def last_desk() -> Subquery:
    """The desk at which a renewal runs, or ran last."""
    runs = Run.objects.filter(renewal=OuterRef("pk")).order_by("-epoch")
    return Subquery(runs.values("desk")[:1])


# What the rows are put together by: the order that brings equal ones beside each other.
GROUPS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "batch": lambda: (F("batch__made_at").desc(nulls_last=True), "batch"),
    "stage": lambda: (_STAGE_ORDER,),
    "reason": lambda: (F("reason").desc(),),
    "person": lambda: (Coalesce("assignee__name", "company__owner__name").asc(nulls_last=True),),
    "desk": lambda: (last_desk(),),
}
GROUP_CHOICES = (
    ("batch", pgettext_lazy("group by", "By batch")),
    ("stage", pgettext_lazy("group by", "By stage")),
    ("reason", pgettext_lazy("group by", "By reason")),
    ("person", pgettext_lazy("group by", "By person in charge")),
    ("desk", pgettext_lazy("group by", "By desk")),
)


class BoardFilter(ListFilter):
    """Search, state, stage, reason, batch, desk, who is in charge, and how long nothing moved.

    What the selects offer is filled in by `offer`, from one query for all of them.
    """

    folded = ("batch", "person", "stage", "reason", "desk", "days", "since", "due")

    q = SearchFilter(method="search", label=_("Search"))
    year = YearFilter()
    state = filters.ChoiceFilter(choices=State, label=_("State"))
    # The first stage that is not settled.
    stage = filters.ChoiceFilter(choices=StageName, label=_("Stage"), empty_label=_("Stage: any"))
    reason = filters.CharFilter(widget=forms.Select, label=_("Reason"))
    batch = filters.UUIDFilter(widget=forms.Select, label=_("Batch"))
    person = filters.UUIDFilter(widget=forms.Select, method="looked_after", label=_("In charge"))
    desk = filters.UUIDFilter(widget=forms.Select, method="at_desk", label=_("Desk"))
    days = filters.NumberFilter(
        method="unmoved", label=_("Days unmoved, at least"), min_value=0, max_value=3650
    )
    # What the numbers of Today open: no field on the board asks for them.
    since = filters.DateFilter(
        field_name="state_since", lookup_expr="date__gte", label=pgettext_lazy("filter", "Since")
    )
    due = filters.BooleanFilter(method="is_due", label=_("Due now"))
    sort = filters.OrderingFilter(
        fields={"company__name": "company", "state_since": "since", "due_on": "due"}, label=_("Sort by")
    )

    group = filters.ChoiceFilter(
        choices=GROUP_CHOICES, method="together", label=_("Group by"), empty_label=_("Not grouped")
    )

    class Meta:
        model = Renewal
        fields: tuple[str, ...] = ()

    def offer(self, **choices: list[tuple[str, str | Promise]]) -> None:
        """What the selects offer, by the filter's name; the first is what stands for no choice."""
        for name, offered in choices.items():
            self.form.fields[name].widget.choices = offered

    def filter_queryset(self, queryset: QuerySet[Renewal]) -> QuerySet[Renewal]:
        """Grouped rows stay in the order that was asked for inside of their group."""
        found: QuerySet[Renewal] = super().filter_queryset(queryset)
        group = self.form.cleaned_data.get("group")
        return found.order_by(*GROUPS[group](), *found.query.order_by) if group else found

    def together(self, renewals: QuerySet[Renewal], _name: str, _value: str) -> QuerySet[Renewal]:
        """Grouping leaves nothing out; `filter_queryset` orders by it once all the rest is known."""
        return renewals

    def at_desk(self, renewals: QuerySet[Renewal], _name: str, value: Any) -> QuerySet[Renewal]:
        """Renewals that run at this desk, or ran there last."""
        return renewals.alias(ran_at=last_desk()).filter(ran_at=value)

    def search(self, renewals: QuerySet[Renewal], _name: str, value: str) -> QuerySet[Renewal]:
        """Company, USCC or card number; each word must be found."""
        for word in value.split():
            card = Card.objects.filter(company=OuterRef("company"), number__icontains=word)
            renewals = renewals.filter(
                Q(company__name__icontains=word) | Q(company__uscc__icontains=word) | Exists(card)
            )
        return renewals

    def is_due(self, renewals: QuerySet[Renewal], _name: str, value: bool) -> QuerySet[Renewal]:
        """Renewals that a card in a reader would start now, or those that it would not."""
        return renewals.filter(is_due()) if value else renewals.exclude(is_due())

    def looked_after(self, renewals: QuerySet[Renewal], _name: str, value: Any) -> QuerySet[Renewal]:
        """Renewals of this person: assigned, else of a company that he is in charge of."""
        return renewals.filter(Q(assignee=value) | Q(assignee__isnull=True, company__owner=value))

    def unmoved(self, renewals: QuerySet[Renewal], _name: str, value: int) -> QuerySet[Renewal]:
        """Renewals that have been in their state for so many days or longer."""
        return renewals.filter(state_since__lte=timezone.now() - timedelta(days=int(value)))
