"""待人工: what waits for a person, one line a renewal, and who looks after it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, JSONObject

from companies.models import Card, Contact
from renewals.models import Matter, Renewal, State
from renewals.reasons import EngineReason

# Stopped until a person acts; what a person closed is his last word.
STOPPED = Q(state=State.ATTENTION) | (Q(state=State.REFUSED) & ~Q(reason=EngineReason.CLOSED_AS_REFUSED))
# Who looks after a renewal: the assignee, else the staff member in charge of the company.
IN_CHARGE = Coalesce("assignee_id", "company__owner_id")
NOBODY = "none"


# Renewals with what `inbox` adds to each; the checker of types knows no annotations.
type Items = QuerySet[Any]


def inbox() -> Items:
    """Renewals that stopped, or about which a person is asked while they go on; longest waiting first.

    Each carries `asked` (the code of the reason), `asked_since`, `in_charge` and `in_charge_name` (None
    for nobody), `matters_open` (codes), `contact` (name, mobile, email of the primary one, or None) and
    `has_quarantined_card`.
    """
    open_ones = Matter.objects.filter(closed_at__isnull=True)
    of_this = open_ones.filter(renewal=OuterRef("pk")).order_by("opened_at")
    quarantined = Card.objects.filter(company=OuterRef("company"), quarantined_at__isnull=False)
    contacts = Contact.objects.filter(company=OuterRef("company"), is_primary=True)
    # Each half by its own index: what either of two says is looked for in all renewals of all years.
    stopped = Renewal.objects.filter(STOPPED).values("pk")
    return (
        Renewal.objects.filter(pk__in=stopped.union(open_ones.values("renewal")))
        .annotate(
            asked=Case(When(STOPPED, then=F("reason")), default=Subquery(of_this.values("reason")[:1])),
            asked_since=Case(
                When(STOPPED, then=F("state_since")), default=Subquery(of_this.values("opened_at")[:1])
            ),
            in_charge=IN_CHARGE,
            in_charge_name=Coalesce("assignee__name", "company__owner__name"),
            matters_open=ArraySubquery(of_this.values("reason")),
            has_quarantined_card=Exists(quarantined),
            contact=Subquery(
                contacts.values(words=JSONObject(name="name", mobile="mobile", email="email"))[:1]
            ),
        )
        .select_related("company", "batch")
        .order_by("asked_since", "pk")
    )


def of_reason(items: Items, code: str) -> Items:
    """Those that wait for this reason; all for an empty code."""
    return items.filter(asked=code) if code else items


def of_person(items: Items, person: UUID | str | None) -> Items:
    """Those that this person looks after, or nobody (`NOBODY`); all for None."""
    if person is None:
        return items
    return items.filter(in_charge__isnull=True) if person == NOBODY else items.filter(in_charge=person)


def counts() -> Counter[tuple[str, UUID | None]]:
    """How many wait, by reason and by who looks after them. One query."""
    grouped = inbox().order_by().values_list("asked", "in_charge").annotate(number=Count("pk"))
    return Counter({(asked, person): number for asked, person, number in grouped})
