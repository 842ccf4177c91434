"""What a person is asked while a renewal goes on: once a reason, until somebody closes it."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from renewals.domain.matters import close_matters, open_matter
from renewals.models import Event, Matter, Renewal, State
from renewals.reasons import EngineReason

pytestmark = pytest.mark.usefixtures("in_agency")


def test_a_matter_is_opened_once_and_the_renewal_goes_on(renewal: Renewal, mei: User) -> None:
    renewal.assignee = mei
    assert open_matter(renewal, EngineReason.CARD_UNUSABLE)
    assert not open_matter(renewal, EngineReason.CARD_UNUSABLE)
    matter = Matter.objects.get()
    assert (matter.reason, matter.assignee, matter.closed_at) == ("card_unusable", mei, None)
    assert Event.objects.filter(kind="matter_opened").count() == 1
    assert AuditEntry.objects.get(action="matter_opened").detail == {"reason": "card_unusable"}
    assert Renewal.objects.get().state == State.WAITING


def test_a_closed_matter_says_who_and_why_and_may_come_again(renewal: Renewal, mei: User) -> None:
    open_matter(renewal, EngineReason.POLICY_OVERDUE)
    assert close_matters(renewal, by=mei, why="called the insurer") == 1
    matter = Matter.objects.get()
    assert matter.closed_at is not None
    assert (matter.closed_by, matter.closed_why) == (mei, "called the insurer")
    assert close_matters(renewal, by=mei, why="again") == 0
    assert open_matter(renewal, EngineReason.POLICY_OVERDUE)


def test_only_the_matter_of_the_named_reason_is_closed(renewal: Renewal) -> None:
    open_matter(renewal, EngineReason.CARD_UNUSABLE)
    open_matter(renewal, EngineReason.POLICY_OVERDUE)
    assert close_matters(renewal, by=None, why="usable", reason=EngineReason.CARD_UNUSABLE) == 1
    assert Matter.objects.get(closed_at__isnull=True).reason == EngineReason.POLICY_OVERDUE
