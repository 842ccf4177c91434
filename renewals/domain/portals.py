"""Which portal a run may be sent to: the real one for what is real, the simulator for a rehearsal.

A process works for one of the two. So a mistake in one of them sends nothing to the other.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from agency.models import Agency

# The simulator of a rehearsal runs beside its player, on the same machine: nothing real lives there.
_ITS_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


class WrongPortal(RuntimeError):
    """This process must not work for this agency: a mistake in how it was started."""


def portal_for(agency: UUID) -> str:
    """The address of the portal for a run of this agency, in its scope. Raises `WrongPortal`."""
    is_rehearsal = Agency.objects.get(pk=agency).is_rehearsal
    if is_rehearsal != bool(settings.REHEARSAL_PORTAL):
        raise WrongPortal("a rehearsal and what is real are never worked on by the same process")
    if not is_rehearsal:
        return str(settings.PORTAL_URL)
    if urlsplit(settings.REHEARSAL_PORTAL).hostname not in _ITS_OWN_MACHINE:
        raise WrongPortal("a rehearsal's portal is the simulator on its own machine")
    return str(settings.REHEARSAL_PORTAL)
