"""Which renewals the board shows; the choice stands in the address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from companies.filters import colleagues
from companies.models import Card
from renewals.domain.stages import SETTLED
from renewals.domain.today import IS_DUE
from renewals.models import Batch, Renewal, Stage, StageName, State
from renewals.sentences import reason_words


def batches(request: Any = None) -> QuerySet[Batch]:
    """The batches of the current agency, newest first."""
    return Batch.objects.all()


def reasons() -> list[tuple[str, str]]:
    """The reasons for which renewals of the agency are stopped now."""
    stopped = Renewal.objects.filter(state__in=[State.ATTENTION, State.REFUSED])
    codes = stopped.order_by("reason").values_list("reason", flat=True).distinct()
    return [(code, reason_words(code)) for code in codes]


class BoardFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Search, state, stage, reason, batch, who is in charge, and how long nothing moved."""

    q = filters.CharFilter(method="search", label=_("Search"))
    state = filters.ChoiceFilter(choices=State, label=_("State"))
    stage = filters.ChoiceFilter(
        choices=StageName, method="at_stage", label=_("Stage"), empty_label=_("Stage: any")
    )
    reason = filters.ChoiceFilter(choices=reasons, label=_("Reason"), empty_label=_("Reason: any"))
    batch = filters.ModelChoiceFilter(queryset=batches, label=_("Batch"), empty_label=_("Batch: all"))
    person = filters.ModelChoiceFilter(
        queryset=colleagues,
        method="looked_after",
        label=_("In charge"),
        empty_label=_("In charge: everybody"),
    )
    days = filters.NumberFilter(method="unmoved", label=_("Unmoved for days"), min_value=0, max_value=3650)
    # What the numbers of Today open: no field on the board asks for them.
    since = filters.DateFilter(
        field_name="state_since", lookup_expr="date__gte", label=pgettext_lazy("filter", "Since")
    )
    due = filters.BooleanFilter(method="is_due", label=_("Due now"))
    sort = filters.OrderingFilter(
        fields={"company__name": "company", "state_since": "since", "due_on": "due"}, label=_("Sort by")
    )

    class Meta:
        model = Renewal
        fields: tuple[str, ...] = ()

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
        return renewals.filter(IS_DUE) if value else renewals.exclude(IS_DUE)

    def at_stage(self, renewals: QuerySet[Renewal], _name: str, value: str) -> QuerySet[Renewal]:
        """Renewals whose first stage that is not settled is this one."""
        names = list(StageName)
        earlier = names[: names.index(StageName(value))]
        open_ones = Stage.objects.filter(renewal=OuterRef("pk")).exclude(state__in=SETTLED)
        return renewals.filter(
            Exists(open_ones.filter(name=value)), ~Exists(open_ones.filter(name__in=earlier))
        )

    def looked_after(self, renewals: QuerySet[Renewal], _name: str, value: Any) -> QuerySet[Renewal]:
        """Renewals of this person: assigned, else of a company that he is in charge of."""
        return renewals.filter(Q(assignee=value) | Q(assignee__isnull=True, company__owner=value))

    def unmoved(self, renewals: QuerySet[Renewal], _name: str, value: int) -> QuerySet[Renewal]:
        """Renewals that have been in their state for so many days or longer."""
        return renewals.filter(state_since__lte=timezone.now() - timedelta(days=int(value)))
