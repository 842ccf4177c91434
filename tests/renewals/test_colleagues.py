"""Colleagues hand renewals to each other, and write down what the next one should know."""

from __future__ import annotations

import pytest

from agency.models import AuditEntry, User
from renewals.domain.colleagues import assign, comment
from renewals.domain.matters import open_matter
from renewals.models import Event, Matter, Renewal
from renewals.reasons import EngineReason

pytestmark = pytest.mark.usefixtures("in_agency")


def test_a_renewal_and_what_is_asked_about_it_go_to_the_colleague(
    renewal: Renewal, mei: User, lin: User
) -> None:
    open_matter(renewal, EngineReason.POLICY_OVERDUE)
    assert assign(renewal, lin, by=mei)
    assert Renewal.objects.get().assignee == lin
    assert Matter.objects.get().assignee == lin
    assert AuditEntry.objects.get(action="assigned").detail == {"before": "", "after": "Lin"}


def test_handing_it_to_whom_it_is_with_writes_nothing(renewal: Renewal, mei: User) -> None:
    assert assign(renewal, mei, by=mei)
    assert not assign(renewal, mei, by=mei)
    assert Event.objects.filter(kind="assigned").count() == 1


def test_it_may_be_with_nobody_again(renewal: Renewal, mei: User) -> None:
    assign(renewal, mei, by=mei)
    assert assign(renewal, None, by=mei)
    assert Renewal.objects.get().assignee is None


def test_a_comment_stands_in_the_story_and_its_length_alone_in_the_trail(renewal: Renewal, mei: User) -> None:
    comment(renewal, "王小姐说周五给答复", by=mei)
    told = Event.objects.get(kind="commented")
    assert (told.actor_name, told.detail) == ("Mei", {"text": "王小姐说周五给答复"})
    assert AuditEntry.objects.get(action="commented").detail == {"text": "…(9)"}
