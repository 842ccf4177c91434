"""Each reason of the catalogue is given by something that really goes wrong, and rests as its kind says.

Most are brought about here, with the engine and the model portal. What only a browser, a page or a machine
can bring about is brought about elsewhere; the two tables together must be the whole catalogue.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from agency.models import Agency, User
from agency.tenancy import scope
from companies.domain import consents
from companies.domain.cards import quarantine
from companies.models import Card, Company, Contact
from portal_driver.contract import Click, Reason
from portal_driver.simulator.cards import CardLocked, PinRefused
from portal_driver.simulator.companies import companies_from
from portal_driver.simulator.world import Step
from renewals import drivers, driving
from renewals.domain import attention, by_hand, intents
from renewals.domain.pausing import pause
from renewals.domain.sweeping import sweep
from renewals.models import Desk, Matter, Renewal, Run, StageName, State
from renewals.reasons import CATALOGUE, EngineReason, Kind
from renewals.sitting import sit
from tests.cast import YEAR, make_company, make_renewal
from tests.database import OUR_AGENCY
from tests.faults.campaign import move_moments
from tests.faults.portal import ModelPortal, Trouble
from tests.portal_driver import (
    test_browser,
    test_evidence,
    test_finding,
    test_process,
    test_renewing,
    test_trouble,
)
from tests.portal_driver.fault_table import STORIES
from tests.renewals.runs import claim, press
from tests.renewals.season import PIN, on_the_portal, our_side


@dataclass
class Told:
    """One company of ours at the model portal, to which something happens."""

    portal: ModelPortal
    company: Company
    card: Card
    desk: Desk
    renewal: Renewal
    mei: User
    settings: Any
    monkeypatch: pytest.MonkeyPatch

    def sit(self, *troubles: Trouble, driver: str = "") -> None:
        """Card in, all that waits for it, card out; the portal does this wrong, once each."""
        self.settings.PORTAL_URL = f"{self.portal.address}/?{driver}"
        self.portal.troubles[:] = troubles
        self.portal.insert(1, self.card.number)
        sit(OUR_AGENCY, self.desk.pk)
        self.portal.remove(1)

    def sit_with(self, card: str) -> None:
        """Staff say that the company's card is in; in the reader is this one, or none."""
        with scope(OUR_AGENCY):
            Desk.objects.update(reads_cards=False, card_number=self.card.number)
        if card:
            self.portal.insert(1, card)
        sit(OUR_AGENCY, self.desk.pk)

    def reasons(self) -> set[str]:
        """All reasons that were given: by runs, by the renewal as it rests, by matters beside it."""
        with scope(OUR_AGENCY):
            given = {*Run.objects.values_list("reason", flat=True), self.now().reason}
            return given | set(Matter.objects.values_list("reason", flat=True))

    def now(self) -> Renewal:
        with scope(OUR_AGENCY):
            return Renewal.objects.get(pk=self.renewal.pk)


@dataclass(frozen=True)
class Way:
    """How a reason comes about. `portal` and `card` say what the portal has otherwise than we do."""

    act: Callable[[Told], None] = Told.sit
    portal: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    vault_pin: str = PIN
    authorized_before: bool = True


# --- what happens ----------------------------------------------------------------------------------


def with_trouble(kind: str, deed: str = "") -> Callable[[Told], None]:
    return lambda told: told.sit(Trouble(kind, deed))


def another_card_is_in(told: Told) -> None:
    told.sit_with(next(number for number in told.portal.world.cards if number != told.card.number))


def the_card_is_locked(told: Told) -> None:
    card = told.portal.world.cards[told.card.number]
    while not card.is_locked:
        with suppress(PinRefused, CardLocked):
            card.spend_try()
    told.sit()


def the_application_comes_back(told: Told) -> None:
    told.sit()
    told.portal.do(lambda: told.portal.world.account(told.company.uscc).return_application("印章不清"))
    move_moments()
    told.sit()


def the_file_is_broken(told: Told) -> None:
    told.sit()
    told.portal.approve(told.company.uscc)
    move_moments()
    told.sit(Trouble("broken_file"))


def the_press_took_no_effect(told: Told) -> None:
    """One reading does not show it: too early to press again."""
    told.sit(Trouble("not_done", Click.CONFIRM))
    move_moments()
    told.sit()


def no_press_takes_effect(told: Told) -> None:
    while told.now().state in (State.WAITING, State.UNKNOWN):
        told.sit(Trouble("not_done", Click.CONFIRM))
        move_moments()


def the_portal_forgets_a_step(told: Told) -> None:
    told.sit()
    told.portal.do(lambda: told.portal.world.put(told.company.uscc, Step.PENDING))
    move_moments()
    told.sit()


def the_consent_is_revoked(told: Told) -> None:
    with scope(OUR_AGENCY):
        consents.revoke(told.company.consents.get(), by=told.mei)
    told.sit()


def the_card_is_quarantined_meanwhile(told: Told) -> None:
    run = claim(told.card, told.desk)
    with scope(OUR_AGENCY):
        quarantine(told.card, reason="asked")
    told.portal.insert(1, told.card.number)
    driving.drive(run, told.card, told.desk)


def the_pin_goes_meanwhile(told: Told) -> None:
    run = claim(told.card, told.desk)
    with scope(OUR_AGENCY):
        Card.objects.update(sealed_pin=None)
    told.portal.insert(1, told.card.number)
    driving.drive(run, told.card, told.desk)


def the_worker_falls_silent(told: Told) -> None:
    claim(told.card, told.desk)
    move_moments()
    sweep()


def the_run_takes_too_long(told: Told) -> None:
    told.monkeypatch.setattr(driving, "RUN_LIMIT_S", 0.0)
    told.sit()


def the_next_stage_is_paused(told: Told) -> None:
    with scope(OUR_AGENCY):
        pause(by=told.mei, why="asked", batch=told.renewal.batch, stage=StageName.SEALING)
    told.sit()


def another_company_presses_first(told: Told) -> None:
    """One of the same batch has its finger on 制章; ours gets there too."""
    told.monkeypatch.setattr(driving, "CANARY_WAIT_S", 0.0)
    other = make_renewal(make_company(Agency(pk=OUR_AGENCY), 2, "清远市远航电子有限公司"), told.mei)
    with scope(OUR_AGENCY):
        Renewal.objects.filter(pk=other.pk).update(batch=told.renewal.batch)
        other_desk = Desk.objects.create(name="2 号读卡台", code="held-back", control="ws://127.0.0.1:1")
        card = other.company.cards.get()
    run = claim(card, other_desk)
    press(run, Click.CONFIRM)
    with scope(OUR_AGENCY):
        intents.confirmed(run, Click.CONFIRM, proof="shown")
    press(run, Click.SEAL)
    told.sit()


def the_disk_is_full(told: Told) -> None:
    """Nothing can be kept: where evidence belongs there is a file."""
    place = Path(told.settings.MEDIA_ROOT) / "full"
    place.touch()
    told.settings.MEDIA_ROOT = place
    told.sit()


def the_contact_is_gone(told: Told) -> None:
    with scope(OUR_AGENCY):
        Contact.objects.all().delete()
    told.sit()


def no_card_can_be_used(told: Told) -> None:
    with scope(OUR_AGENCY):
        quarantine(told.card, reason="asked")
    sweep()


def the_old_policy_ends_soon(told: Told) -> None:
    told.sit()
    with scope(OUR_AGENCY):
        Company.objects.update(old_policy_ends_on=timezone.localdate() + timedelta(days=3))
    sweep()


def a_person_takes_over(told: Told) -> None:
    with scope(OUR_AGENCY):
        by_hand.take_over(told.renewal, by=told.mei)


def a_person_closes_what_stopped(told: Told) -> None:
    told.sit()
    with scope(OUR_AGENCY):
        attention.refuse(told.renewal, by=told.mei, why="企业今年不投保")


HERE: dict[str, Way] = {
    Reason.CARD_ABSENT: Way(lambda told: told.sit_with("")),
    Reason.CARD_WRONG: Way(another_card_is_in),
    Reason.CERTIFICATE_EXPIRED: Way(card={"valid_for_days": -1}),
    Reason.PIN_MISSING: Way(the_pin_goes_meanwhile),
    Reason.PIN_REFUSED: Way(vault_pin="31415926"),
    Reason.CARD_LOCKED: Way(the_card_is_locked),
    Reason.SIGN_IN_UNCLEAR: Way(with_trouble("pin_unclear")),
    Reason.USCC_DIFFERS: Way(portal={"uscc": "91440200MA7YP74XAD"}),
    Reason.NO_PENDING_POLICY: Way(portal={"pending": False}),
    Reason.APPLICATION_RETURNED: Way(the_application_comes_back),
    Reason.POLICY_FILE_BROKEN: Way(the_file_is_broken),
    Reason.PORTAL_UNAVAILABLE: Way(with_trouble("down")),
    Reason.OUTCOME_UNKNOWN: Way(with_trouble("answer_lost", Click.CONFIRM)),
    Reason.DRIVER_FAILED: Way(lambda told: told.sit(driver="die=driver_began")),
    EngineReason.LOOK_FIRST: Way(the_press_took_no_effect),
    EngineReason.PRESSED_TWICE: Way(no_press_takes_effect),
    EngineReason.ALREADY_CONFIRMED: Way(the_portal_forgets_a_step),
    EngineReason.CONSENT_MISSING: Way(the_consent_is_revoked),
    EngineReason.CARD_QUARANTINED: Way(the_card_is_quarantined_meanwhile),
    EngineReason.WORKER_LOST: Way(the_worker_falls_silent),
    EngineReason.RUN_TOO_LONG: Way(the_run_takes_too_long),
    EngineReason.PAUSED: Way(the_next_stage_is_paused, authorized_before=False),
    EngineReason.HELD_BACK: Way(another_company_presses_first, authorized_before=False),
    EngineReason.ENGINE_FAILED: Way(the_disk_is_full),
    EngineReason.CONTACT_MISSING: Way(the_contact_is_gone),
    EngineReason.CARD_UNUSABLE: Way(no_card_can_be_used),
    EngineReason.POLICY_OVERDUE: Way(the_old_policy_ends_soon),
    EngineReason.TAKEN_OVER: Way(a_person_takes_over),
    EngineReason.CLOSED_AS_REFUSED: Way(a_person_closes_what_stopped, portal={"pending": False}),
}
# Those of the driver that every day's stories of the fault table bring about in a browser.
IN_STORIES = {cell.reason for story in STORIES if story.is_daily for cell in story.cells if cell.reason}
# Those that a test of its own brings about.
ELSEWHERE: dict[str, Callable[..., Any]] = {
    Reason.SESSION_LOST: test_trouble.test_a_lost_session_before_any_click_means_later,
    Reason.CONTACT_REFUSED: test_trouble.test_an_email_that_the_portal_refuses_is_not_sent,
    Reason.POLICY_OF_ANOTHER: test_trouble.test_a_wrong_file_is_never_stored_nor_received,
    Reason.PAGE_AMBIGUOUS: test_finding.test_two_that_say_the_same_are_ambiguous,
    Reason.NOT_ARMED: test_renewing.test_a_click_that_is_not_armed_is_not_pressed,
    Reason.BROWSER_MISSING: test_browser.test_a_setting_that_leads_nowhere_is_not_replaced,
    Reason.BROWSER_GONE: test_process.test_a_dead_browser_is_noticed_at_once,
    Reason.EVIDENCE_NOT_WRITABLE: test_evidence.test_a_directory_that_cannot_be_written_is_named,
}
# Beside a renewal that goes on.
MATTERS = (EngineReason.CARD_UNUSABLE, EngineReason.POLICY_OVERDUE)
RESTS = {
    Kind.BUSINESS: (State.ATTENTION, State.REFUSED),
    Kind.TECHNICAL: (State.WAITING, State.SUBMITTED),
    Kind.UNKNOWN: (State.UNKNOWN,),
}


@contextmanager
def told(way: Way, settings: Any, monkeypatch: pytest.MonkeyPatch, files: Path) -> Iterator[Told]:
    """What the way begins with."""
    company, card, desk, renewal, mei = our_side(vault_pin=way.vault_pin)
    ours = on_the_portal(company, authorized_before=way.authorized_before) | {"portal": way.portal}
    ours["card"] |= way.card
    other = make_company(Agency(pk=OUR_AGENCY), 9, "佛山市明珠灯饰有限公司")
    raw = {"companies": [ours, on_the_portal(other, authorized_before=True)]}
    with ModelPortal(companies_from(raw, today=timezone.localdate()), year=YEAR, desks=1) as portal:
        monkeypatch.setattr(
            drivers, "DRIVER", (sys.executable, "-S", "-E", "-m", "tests.faults.model_driver")
        )
        settings.MEDIA_ROOT, settings.PORTAL_URL = files, f"{portal.address}/?"
        with scope(OUR_AGENCY):
            Desk.objects.update(control=portal.controls[0])
            desk.refresh_from_db()
        yield Told(portal, company, card, desk, renewal, mei, settings, monkeypatch)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("reason", list(HERE), ids=str)
def test_a_reason_comes_about_and_rests_as_its_kind_says(
    reason: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    way = HERE[reason]
    with told(way, settings, monkeypatch, tmp_path) as one:
        way.act(one)
        assert reason in one.reasons()
        if reason not in MATTERS:
            assert one.now().state in RESTS[CATALOGUE[reason].kind]


def test_each_reason_of_the_catalogue_is_brought_about_somewhere() -> None:
    assert {str(reason) for reason in {*HERE, *IN_STORIES, *ELSEWHERE}} == {str(code) for code in CATALOGUE}


@pytest.mark.parametrize("reason", list(ELSEWHERE), ids=str)
def test_the_test_that_is_named_asks_for_the_reason(reason: Reason) -> None:
    # Its cases stand in decorators, which belong to a function's source.
    assert f"Reason.{reason.name}" in inspect.getsource(ELSEWHERE[reason])
