"""Runs the driver for one renewal: starts the process, answers it, writes down what it says.

The driver is a child that speaks JSON lines (`portal_driver.contract`). Everything it says is
written through `renewals.domain`, under the run's epoch, in short transactions; no transaction
is open while the driver works. When anything here fails, the driver's standard input is closed:
it closes its browser and goes, and what it had armed is unknown until the next run reads it.
"""

from __future__ import annotations

import queue
import time
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError

from agency.tenancy import scope
from companies.models import Card, Contact
from portal_driver import contract
from renewals import drivers
from renewals.domain import claiming, intents, keeping, pins, portals, running, settling
from renewals.models import Desk, Run
from renewals.reasons import EngineReason

log = structlog.get_logger()

# Longer than any honest run; the threads pool of the workers enforces no limit of its own.
RUN_LIMIT_S = 15 * 60.0
# How long a run waits, signed in, for another company of its batch to get through the same click.
CANARY_WAIT_S = 60.0
CANARY_LOOK_S = 1.0


def drive(run: Run, card: Card, desk: Desk) -> contract.Finished | None:
    """Run the driver to its end and settle the renewal; None when the renewal was lost on the way.

    What fails in here, be it our own mistake, ends as the run's reason, so that the renewal goes on.
    """
    try:
        finished = _to_its_end(run, card, desk)
        with scope(run.agency_id):
            settling.settle(run, finished)
    except claiming.EpochLost:
        log.warning("run_lost_its_renewal", run=str(run.pk))
        with scope(run.agency_id):
            claiming.note_late_write(run)
        return None
    return finished


def _to_its_end(run: Run, card: Card, desk: Desk) -> contract.Finished:
    """How the run ended. Raises `EpochLost`, and the database's errors: then nothing can be written."""
    try:
        with drivers.driver_for(desk.pk) as driver:
            with scope(run.agency_id):
                plan = make_plan(run, card, desk, driver.directory)
            return _Conversation(run, card, desk, driver).hold(plan)
    except (claiming.EpochLost, DatabaseError):
        raise
    except Contact.DoesNotExist:
        return _ended(run, contract.Outcome.PERSON_NEEDED, EngineReason.CONTACT_MISSING)
    except Exception as error:
        # Its text may quote what the portal or a person wrote; the log strikes out what is secret.
        log.exception("run_failed", run=str(run.pk))
        return _ended(run, contract.Outcome.LATER, EngineReason.ENGINE_FAILED, error=type(error).__name__)


def _ended(run: Run, outcome: contract.Outcome, reason: EngineReason, **detail: str) -> contract.Finished:
    """An end that the engine gives a run; its reason is none of the driver's, so it is written down here."""
    with scope(run.agency_id):
        Run.objects.filter(pk=run.pk).update(reason=reason)
    return contract.Finished(outcome, None, detail)


def make_plan(run: Run, card: Card, desk: Desk, directory: Path) -> contract.Plan:
    """The driver's plan for this run: nothing in it is secret. The portal's address is a setting.

    Raises `Contact.DoesNotExist` for a company without a primary contact, and `WrongPortal`.
    """
    company = run.renewal.company
    contact = company.contacts.get(is_primary=True)
    return contract.Plan(
        company=contract.Company(company.name, company.uscc),
        contact=contract.Contact(contact.name, contact.mobile, contact.email),
        card=contract.ExpectedCard(card.number, card.certificate, is_said=not desk.reads_cards),
        year=run.renewal.year,
        profile=run.profile,
        portal=portals.portal_for(run.agency_id),
        control=desk.control,
        evidence=str(directory),
        # A channel is chosen for a desk; the other setting may only say what the set-up found.
        browser="" if settings.PORTAL_BROWSER_CHANNEL else settings.PLAYWRIGHT_CHROMIUM,
        channel=contract.Channel(settings.PORTAL_BROWSER_CHANNEL),
        headless=settings.PORTAL_HEADLESS,
    )


class _Conversation:
    """What is said between us and one driver, from its plan to its last word."""

    def __init__(self, run: Run, card: Card, desk: Desk, driver: drivers.Driver) -> None:
        self.run, self.card, self.desk, self.driver = run, card, desk, driver
        self.agency: UUID = run.agency_id

    def hold(self, plan: contract.Plan) -> contract.Finished:
        """Talk until the driver has finished. Raises `EpochLost` when the renewal is no longer ours."""
        self._say(plan)
        return self._listen()

    def _say(self, message: contract.Message) -> None:
        self.driver.say(message)

    def _listen(self) -> contract.Finished:
        deadline = time.monotonic() + RUN_LIMIT_S
        heartbeat = time.monotonic() + claiming.HEARTBEAT_S
        while time.monotonic() < deadline:
            if time.monotonic() >= heartbeat:
                self._beat()
                heartbeat = time.monotonic() + claiming.HEARTBEAT_S
            try:
                line = self.driver.lines.get(timeout=max(0.0, min(heartbeat, deadline) - time.monotonic()))
            except queue.Empty:
                continue
            if line is None:
                return contract.Finished(contract.Outcome.LATER, contract.Reason.DRIVER_FAILED)
            event = contract.decode(line)
            if isinstance(event, contract.Finished):
                return event
            if answer := self._hear(event):
                self._say(answer)
        return _ended(self.run, contract.Outcome.LATER, EngineReason.RUN_TOO_LONG)

    def _beat(self) -> None:
        with scope(self.agency):
            if not (claiming.renew_lease(self.run) and claiming.keep_sitting(self.desk)):
                raise claiming.EpochLost(f"run {self.run.pk} was silent for longer than its lease")

    def _let_the_first_try(self, click: contract.Click) -> None:
        """Wait while another company of the batch is the first to press this, and no longer than that."""
        give_up_at = time.monotonic() + CANARY_WAIT_S
        while time.monotonic() < give_up_at:
            with scope(self.agency):
                if not intents.waits_for_another(self.run, click):
                    return
            self._beat()
            time.sleep(CANARY_LOOK_S)

    def _hear(self, event: contract.Message) -> contract.Answer | None:
        """Write the event down, commit, and return what the driver waits for, if anything."""
        if isinstance(event, contract.Arm):
            self._let_the_first_try(event.click)
        with scope(self.agency):
            match event:
                case contract.NeedPin():
                    pin = pins.use_pin(self.run, self.card)
                    return contract.NoPin() if pin is None else contract.Pin(pin)
                case contract.Arm(click=click, page_sha256=digest):
                    return intents.arm(self.run, click, page_sha256=digest)
                case contract.Fired(click=click, request_sha256=digest):
                    intents.fired(self.run, click, request_sha256=digest)
                case contract.Confirmed(click=click, proof=proof):
                    intents.confirmed(self.run, click, proof=proof)
                case contract.Reading():
                    intents.read(self.run, event)
                case contract.Evidence():
                    keeping.keep_evidence(self.run, event, directory=self.driver.directory)
                case contract.PolicyRead():
                    keeping.keep_policy(self.run, event, directory=self.driver.directory)
                case _:
                    running.note(self.run, event)
        return None
