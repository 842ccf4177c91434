"""The operator stops the whole installation and lets it go on: every agency is told, and only he may."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from agency.freshness import PROVED_AT
from agency.models import AuditEntry, User
from agency.tenancy import as_user, scope
from companies.models import Card, Company
from renewals.domain import claiming
from renewals.domain.standing_still import stand_still
from renewals.models import Desk, Renewal, Standstill
from tests.database import OTHER_AGENCY, OUR_AGENCY

WHY = "门户今晚升级，明早八点恢复"
PAGE, BEGIN, END = (reverse(f"renewals:standstill{act}") for act in ("", "_begin", "_end"))


@pytest.fixture
def operator(tang: User) -> Client:
    client = Client()
    client.force_login(tang)
    return client


def told(agency: object) -> list[tuple[str, dict[str, object]]]:
    with scope(agency):  # type: ignore[arg-type]
        found = AuditEntry.objects.filter(action__startswith="standstill_").order_by("number")
        return list(found.values_list("action", "detail"))


def claims(card: Card, desk: Desk) -> bool:
    with scope(card.agency_id):
        return claiming.claim_for_card(card, desk=desk, worker="test", profile="2024") is not None


def test_every_agency_stands_still_and_reads_why(
    operator: Client, renewal: Renewal, card: Card, desk: Desk, raos_company: Company
) -> None:
    assert operator.post(BEGIN, {"reason": WHY})["Location"] == PAGE

    assert not claims(card, desk)
    assert WHY in operator.get(PAGE).text
    for agency in (OUR_AGENCY, OTHER_AGENCY):
        assert told(agency) == [("standstill_begun", {"why": WHY})]

    assert operator.post(END)["Location"] == PAGE
    assert claims(card, desk)
    assert told(OUR_AGENCY)[-1] == ("standstill_ended", {})


def test_a_second_stop_changes_nothing(operator: Client, raos_company: Company) -> None:
    for why in (WHY, "再停一次，原因不同"):
        operator.post(BEGIN, {"reason": why})
    assert [one.why for one in Standstill.objects.all()] == [WHY]
    assert len(told(OTHER_AGENCY)) == 1


def test_without_a_reason_nothing_stops(operator: Client) -> None:
    response = operator.post(BEGIN, {"reason": ""})
    assert response.context["form"].errors
    assert not Standstill.objects.exists()


def test_to_go_on_asks_who_sits_there(operator: Client) -> None:
    operator.post(BEGIN, {"reason": WHY})
    session = operator.session
    session[PROVED_AT] = 0
    session.save()

    assert operator.post(END).status_code == 302
    assert Standstill.objects.filter(ended_at__isnull=True).exists()


def test_postgres_itself_lets_only_an_operator_stop_it(mei: User) -> None:
    with pytest.raises(PermissionDenied):
        stand_still(why=WHY, by=mei)
    with pytest.raises(DatabaseError, match="for operators only"), as_user(mei.pk):
        connection.cursor().execute("SELECT operator_goes_on('Mei')")
