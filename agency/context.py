"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """The person's membership, and whether this installation works on the simulator."""
    return {"membership": getattr(request, "membership", None), "simulation": settings.SIMULATION}
