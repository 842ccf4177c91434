"""What the board's selects offer: batches, desks, colleagues, and the views that are shared. One query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, DateTimeField, F, IntegerField, QuerySet, UUIDField, Value
from django.db.models.functions import Cast

from agency.people import colleagues_ever
from renewals.models import Batch, BoardView, Desk


@dataclass(frozen=True)
class Offer:
    """One thing to choose; `query` and `made_by` are a view's, `year` and `made_at` a batch's."""

    kind: str
    pk: UUID
    name: str
    query: str
    made_by: UUID | None
    year: int | None
    made_at: datetime | None


@dataclass
class Offers:
    """Everything that can be chosen: batches newest first, the rest by name."""

    batches: list[Offer] = field(default_factory=list)
    desks: list[Offer] = field(default_factory=list)
    people: list[Offer] = field(default_factory=list)
    views: list[Offer] = field(default_factory=list)

    @property
    def years(self) -> list[int]:
        """The policy years that have batches, newest first."""
        return sorted({batch.year for batch in self.batches if batch.year}, reverse=True)


_NONE = Value(None)


def offers() -> Offers:
    """What the current agency's board offers."""
    found = Offers()
    kinds = {"batch": found.batches, "desk": found.desks, "person": found.people, "view": found.views}
    rows = _rows("batch", Batch.objects, year=F("year"), at=F("made_at")).union(
        _rows("desk", Desk.objects),
        _rows("person", colleagues_ever()),
        _rows("view", BoardView.objects, query=F("query"), by=F("made_by")),
        all=True,
    )
    for row in rows.order_by():
        offer = Offer(*row)
        kinds[offer.kind].append(offer)
    found.batches.sort(key=lambda batch: (batch.made_at is not None, batch.made_at), reverse=True)
    for named in (found.desks, found.people, found.views):
        named.sort(key=lambda one: one.name)
    return found


def _rows(
    kind: str, rows: Any, *, query: Any = "", by: Any = _NONE, year: Any = _NONE, at: Any = _NONE
) -> QuerySet[Any, Any]:
    text = Value(query, CharField()) if isinstance(query, str) else Cast(query, CharField())
    return (  # type: ignore[no-any-return]  # of whichever model
        rows.order_by()
        .annotate(
            offer_kind=Value(kind, CharField()),
            offer_name=Cast(F("name"), CharField()),
            offer_query=text,
            offer_by=Cast(by, UUIDField()),
            offer_year=Cast(year, IntegerField()),
            offer_at=Cast(at, DateTimeField()),
        )
        .values_list("offer_kind", "pk", "offer_name", "offer_query", "offer_by", "offer_year", "offer_at")
    )
