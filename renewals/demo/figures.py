"""The demo's last line: what came of it, as counted by the database and by the simulator."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
from django.db.models import Count

from portal_driver.contract import Click
from renewals.domain.queueing import Queued
from renewals.models import Renewal, State


def figures(queued: Queued, *, api: str, seconds: float) -> dict[str, Any]:
    """Counts by outcome and reason, and clicks per irreversible action as the simulator counted them.

    `clicks` is over all companies of the simulator: least, most and all together. To be called in
    the agency's scope.
    """
    companies = queued.number + len(queued.not_ready)
    complete = Renewal.objects.filter(state=State.COMPLETE).count()
    return {
        "companies": companies,
        "not_ready": dict(
            Counter(str(problem) for problems in queued.not_ready.values() for problem in problems)
        ),
        "complete": complete,
        "attention": _reasons(State.ATTENTION),
        "refused": _reasons(State.REFUSED),
        "clicks": clicks(api),
        "seconds": round(seconds, 1),
        "renewals_per_minute": round(complete * 60 / seconds, 1),
    }


def clicks(api: str) -> dict[str, dict[str, int]]:
    """How often each irreversible request reached the simulator, per company."""
    state = httpx.get(f"{api}/state", timeout=10, trust_env=False).raise_for_status().json()
    counted = [company["clicks"] for company in state["companies"].values()]
    return {
        click: {
            "min": min(one[click]["received"] for one in counted),
            "max": max(one[click]["received"] for one in counted),
            "total": sum(one[click]["received"] for one in counted),
        }
        for click in Click
    }


def _reasons(state: State) -> dict[str, int]:
    rows = Renewal.objects.filter(state=state).values_list("reason").annotate(Count("pk")).order_by("reason")
    return dict(rows)
