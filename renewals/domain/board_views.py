"""Views of the board that colleagues share: a name for filters, grouping, order and columns."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.http import QueryDict

from agency import audit
from agency.models import Membership, Role, User
from renewals.models import BoardView

# What a view keeps of the address: not the page, and not the year, so that it serves the next one too.
KEPT = ("q", "state", "stage", "reason", "batch", "person", "desk", "days", "sort", "group", "column")
QUERY_AT_MOST = BoardView._meta.get_field("query").max_length or 0


class NameTaken(ValueError):
    """The agency has a view of this name already."""


class TooMuch(ValueError):
    """More filters than a view keeps: with some left out it would show other rows."""


def save_view(name: str, address: QueryDict, *, by: User) -> BoardView:
    """Share what this address shows under a name. Raises `NameTaken`, `TooMuch`."""
    kept = QueryDict(mutable=True)
    for key in KEPT:
        if words := [value for value in address.getlist(key) if value]:
            kept.setlist(key, words)
    query = kept.urlencode()
    if len(query) > QUERY_AT_MOST:
        raise TooMuch
    try:
        with transaction.atomic():
            view = BoardView.objects.create(name=name, query=query, made_by=by)
    except IntegrityError:
        raise NameTaken from None
    audit.record("view_saved", view, by=by, name=name)
    return view


def may_delete(made_by: object, *, by: Membership) -> bool:
    """Whether this person made the view, or is an admin."""
    return by.role == Role.ADMIN or made_by == by.user_id


def delete_view(view: BoardView, *, by: User) -> None:
    """Take a view away from everybody. No row is touched by it."""
    audit.record("view_deleted", view, by=by, name=view.name)
    view.delete()
