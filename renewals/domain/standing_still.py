"""The whole installation stands still: an operator's act, which every agency reads in its own trail."""

from __future__ import annotations

from agency import audit
from agency.models import Agency, User
from agency.operating import ask, every_agency
from agency.tenancy import scope


def stand_still(*, why: str, by: User) -> bool:
    """No run begins and no click is pressed in any agency; False where it stands still already.

    Raises `PermissionDenied` for anybody but an operator.
    """
    begun = bool(ask("SELECT operator_stands_still(%s, %s)", [why, by.name], by=by)[0][0])
    if begun:
        tell_everybody("standstill_begun", by=by, why=why)
    return begun


def go_on(*, by: User) -> bool:
    """The work goes on, one run more at a time; False where nothing stood still. Raises as `stand_still`."""
    ended = bool(ask("SELECT operator_goes_on(%s)", [by.name], by=by)[0][0])
    if ended:
        tell_everybody("standstill_ended", by=by)
    return ended


def tell_everybody(action: str, *, by: User | None, **detail: str) -> None:
    """Write it into each agency's trail."""
    for agency_id, _ in every_agency():
        with scope(agency_id):
            audit.record(action, Agency.objects.get(pk=agency_id), by=by, **detail)
