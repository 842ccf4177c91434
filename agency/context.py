"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from agency.people import memberships_of


def page(request: HttpRequest) -> dict[str, Any]:
    """The person's membership, and whether this installation works on the simulator."""
    is_account = request.resolver_match is not None and request.resolver_match.view_name == "mfa_index"
    return {
        "membership": getattr(request, "membership", None),
        "memberships": memberships_of(request.user) if is_account else (),  # type: ignore[arg-type]
        "simulation": settings.SIMULATION,
        "demo": settings.DEMO,
    }
