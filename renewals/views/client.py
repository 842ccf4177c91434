"""我的保单: is my policy in force, and what is asked of me?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from agency.models import Membership
from agency.people import client_only
from renewals.domain import progress
from renewals.models import Policy, Renewal, Stage, StageName, StageState, State
from renewals.next_step import for_the_client
from renewals.reasons import HOTLINE


@dataclass(frozen=True)
class ShownStage:
    """A stage as the client sees it: our troubles are ours, so whatever is open is in hand."""

    stage: Stage

    @property
    def label(self) -> str:
        return str(_PLAIN[StageName(self.stage.name)])

    @property
    def state(self) -> str:
        return self.stage.state

    @property
    def ended_at(self) -> datetime | None:
        return self.stage.ended_at

    @property
    def shown(self) -> StageState:
        """One of four: done, skipped, in progress, not begun."""
        state = StageState(self.stage.state)
        return StageState.RUNNING if state in (StageState.ATTENTION, StageState.UNKNOWN) else state

    @property
    def word(self) -> str:
        """The state in words; a skipped stage was done in an earlier year."""
        return _("Done before") if self.shown == StageState.SKIPPED else str(self.shown.label)


_PLAIN: dict[StageName, str | Promise] = {
    StageName.CONFIRMATION: gettext_lazy("Confirm the application"),
    StageName.SEALING: gettext_lazy("Make the seal"),
    StageName.SIGNING: gettext_lazy("Sign the agreement"),
    StageName.AUTHORIZATION: gettext_lazy("Authorise the data"),
    StageName.RECEIPT: gettext_lazy("Receive the policy"),
}


@require_safe
@client_only
def mine(request: HttpRequest) -> HttpResponse:
    """The client's own company: its newest renewal, its policies, and whom to ask."""
    membership: Membership = request.membership  # type: ignore[attr-defined]  # set by our middleware
    newest = (
        Renewal.objects.exclude(state=State.CANCELLED)
        .prefetch_related("stages")
        .order_by("-year", "-queued_at")
        .first()
    )
    policies = list(Policy.objects.select_related("renewal").order_by("-renewal__year"))
    today = timezone.localdate()
    context = {
        "agency": membership.agency,
        "company": membership.company,
        "renewal": newest,
        "stages": [ShownStage(stage) for stage in progress.in_order(newest.stages.all())] if newest else [],
        "now": for_the_client(newest) if newest else None,
        "in_force": [one for one in policies if _covers(one, today)],
        "older": [one for one in policies if not _covers(one, today)],
        "hotline": HOTLINE,
    }
    return render(request, "renewals/client.html", context)


def _covers(policy: Policy, today: date) -> bool:
    return bool(policy.valid_from and policy.valid_to and policy.valid_from <= today <= policy.valid_to)
