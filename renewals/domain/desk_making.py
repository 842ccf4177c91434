"""An agency's own desks: made and changed by its admins, within what the installation allows."""

from __future__ import annotations

import secrets

from django.db.models import QuerySet

from agency import audit
from agency.models import User
from renewals.models import REHEARSAL_DESK, Desk


def own_desks() -> QuerySet[Desk]:
    """The desks at which people work; a rehearsal's is set up by its player."""
    return Desk.objects.exclude(code__startswith=REHEARSAL_DESK)


def make_desk(desk: Desk, *, by: User) -> Desk:
    """Write a new desk down. Its code is drawn, so that it tells nothing of other agencies' desks.

    Nothing happens at it before whoever runs the installation has started its worker and watcher.
    """
    desk.code = f"d-{secrets.token_hex(4)}"
    made = Desk.objects.create(
        name=desk.name, code=desk.code, control=desk.control, reads_cards=desk.reads_cards
    )
    audit.record("desk_made", made, by=by, name=made.name, control=made.control)
    return made


def change_desk(desk: Desk, *, by: User) -> None:
    """Write the desk's new name and address down; a sitting under way ends at the old one."""
    desk.save(update_fields=["name", "control", "reads_cards"])
    audit.record("desk_changed", desk, by=by, name=desk.name, control=desk.control)
