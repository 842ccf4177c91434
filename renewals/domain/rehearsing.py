"""Rehearsals 演练: a batch played on the simulator, in the agency's twin, with its companies copied.

Asked for, shown and ended in the real agency; copied and played in the twin. What only the real world can
bring (a card, its PIN, a consent) is made up, so that a rehearsal waits for nobody. What stands in the
agency's own list (names, codes, contacts) is copied as it is: that is what is rehearsed.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from agency import audit
from agency.emptying import delete_rows
from agency.models import Agency, AuditEntry, AuditHead, User
from agency.tenancy import current_scope
from companies.domain.cards import ISSUED_PINS, store_pin
from companies.domain.consents import record_letter
from companies.domain.readiness import Problem
from companies.models import Card, Company, Contact
from renewals.domain import queueing
from renewals.models import (
    AT_REST,
    REHEARSAL_DESK,
    Batch,
    Desk,
    Rehearsal,
    RehearsalState,
    Renewal,
    State,
)

# Enough to see all that can happen, and over in some minutes.
REHEARSED_AT_MOST = 20
# A player that says nothing for so long is dead.
HELD = timedelta(seconds=60)
# Copies of contacts lie in the twin: they go soon, also where nobody wipes them.
KEPT = timedelta(hours=24)
# So the number of every made-up card begins: a trigger lets no other into a twin.
MADE_UP = "SIM-"
GIVEN_BY = "演练（并非真实授权）"
# What a rehearsal makes up, so that nobody has to bring it first.
_MADE_UP_PROBLEMS = {
    *(Problem.CARD_MISSING, Problem.CERTIFICATE_EXPIRED, Problem.CARD_QUARANTINED, Problem.CARD_ELSEWHERE),
    *(Problem.CONSENT_MISSING, Problem.RENEWAL_OPEN),
}
# Written once and kept for good, also those of a twin.
_KEPT_TABLES = (AuditEntry, AuditHead)


class NothingToRehearse(ValueError):
    """Not one of these companies could be queued, even with a card and a consent."""


class UnderWay(ValueError):
    """A rehearsal of the agency is under way: it is ended first."""


# --- In the real agency -----------------------------------------------------------------------


def rehearsable(companies: Iterable[UUID], *, year: int) -> list[Company]:
    """Of these companies those that a rehearsal can take, by name, and no more than it takes at once."""
    verdicts = queueing.preview(companies, year=year)
    return able(verdicts)[:REHEARSED_AT_MOST]


def able(verdicts: dict[Company, list[Problem]]) -> list[Company]:
    """Of companies whose readiness was looked at, those that lack nothing but what a rehearsal makes up."""
    found = (company for company, problems in verdicts.items() if set(problems) <= _MADE_UP_PROBLEMS)
    return sorted(found, key=lambda company: company.name)


def ask(companies: Iterable[UUID], *, year: int, name: str, by: User) -> Rehearsal:
    """Have these companies rehearsed; what is left of the rehearsal before is wiped.

    Raises `NothingToRehearse`, and `UnderWay`: also for the second of two at the same moment.
    """
    chosen = rehearsable(companies, year=year)
    if not chosen:
        raise NothingToRehearse
    left = Rehearsal.objects.filter(state__in=[RehearsalState.OVER, RehearsalState.FAILED])
    left.update(state=RehearsalState.WIPED)  # its copies go before the new ones come: `set_the_stage`
    try:
        with transaction.atomic():
            asked = Rehearsal.objects.create(
                name=name, year=year, companies=[company.pk for company in chosen], asked_by=by
            )
    except IntegrityError:
        raise UnderWay from None
    audit.record("rehearsal_begun", asked, by=by, name=name, year=year, companies=len(chosen))
    return asked


def latest() -> Rehearsal | None:
    """The agency's newest rehearsal, whatever became of it."""
    return Rehearsal.objects.select_related("asked_by").first()


def end(*, by: User) -> bool:
    """End the rehearsal and have its copies wiped; False where there is none."""
    standing = Rehearsal.objects.exclude(state__in=[RehearsalState.ENDING, RehearsalState.WIPED])
    ended = standing.select_for_update().first()
    if ended is None:
        return False
    Rehearsal.objects.filter(pk=ended.pk).update(state=RehearsalState.ENDING, ended_at=Now())
    audit.record("rehearsal_ended", ended, by=by, name=ended.name)
    return True


def take(rehearsal: UUID) -> Rehearsal | None:
    """Take a rehearsal that was asked for, to play it; None where somebody else has."""
    asked = Rehearsal.objects.filter(pk=rehearsal, state=RehearsalState.ASKED)
    if not asked.update(state=RehearsalState.PLAYING, held_until=Now() + HELD):
        return None
    return Rehearsal.objects.select_related("asked_by").get(pk=rehearsal)


def keep(rehearsal: UUID, **seen: Any) -> bool:
    """The player's heartbeat, with what it saw. False where somebody has ended the rehearsal."""
    playing = Rehearsal.objects.filter(pk=rehearsal, state=RehearsalState.PLAYING)
    return playing.update(held_until=Now() + HELD, **seen) == 1


def close(rehearsal: UUID, state: RehearsalState) -> None:
    """What became of it: over, or failed; nothing where somebody has ended it meanwhile."""
    playing = Rehearsal.objects.filter(pk=rehearsal, state=RehearsalState.PLAYING).first()
    if playing is not None:
        Rehearsal.objects.filter(pk=rehearsal).update(state=state, held_until=None, ended_at=Now())
        audit.record("rehearsal_over", playing, by=None, name=playing.name)


def wiped(rehearsal: UUID) -> None:
    """The twin is empty again."""
    Rehearsal.objects.filter(pk=rehearsal).update(state=RehearsalState.WIPED, held_until=None)


@dataclass(frozen=True)
class Original:
    """A company as the agency has it, and its contacts."""

    company: Company
    contacts: Sequence[Contact]
    drawer: str


def originals(rehearsal: Rehearsal) -> list[Original]:
    """What is to be copied. Companies that went meanwhile are left out."""
    found = Company.objects.filter(pk__in=rehearsal.companies, erased_at__isnull=True)
    return [
        Original(company, list(company.contacts.all()), next((c.drawer for c in company.cards.all()), ""))
        for company in found.prefetch_related("contacts", "cards")
    ]


# --- In the twin ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    """What the simulator must know of one company: the made-up card, and its PIN."""

    company: Company
    card: Card
    pin: str

    def as_json(self) -> dict[str, Any]:
        """As in `samples/season.json`."""
        return {
            "name": self.company.name,
            "uscc": self.company.uscc,
            "authorized_before": bool(self.company.authorized_before),
            "card": {
                "number": self.card.number,
                "certificate": self.card.certificate,
                "holder": self.card.holder,
                "pin": self.pin,
                "valid_until": str(self.card.valid_until),
            },
        }


def wipe() -> None:
    """Empty the twin whose scope is open, files too. Its audit trail stays, as every trail does."""
    agency = _twin()
    with connection.cursor() as cursor:
        delete_rows(cursor, agency, but=_KEPT_TABLES)
    folder = Path(settings.MEDIA_ROOT) / str(agency)
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def set_the_stage(copied: Iterable[Original], *, year: int, by: User) -> list[Issued]:
    """Copy the companies into the emptied twin, each with a made-up card, PIN and consent."""
    wipe()
    return [_copy(number, one, year=year, by=by) for number, one in enumerate(copied, start=1)]


def begin(issued: Iterable[Issued], *, year: int, name: str, control: str, by: User) -> tuple[Batch, Desk]:
    """The twin's desk, and the batch, queued as any other."""
    _twin()
    desk = Desk.objects.create(
        name="演练读卡台", code=f"{REHEARSAL_DESK}{secrets.token_hex(6)}", control=control
    )
    queued = queueing.queue_companies((one.company.pk for one in issued), year=year, name=name, by=by)
    if queued.batch is None:
        raise NothingToRehearse
    return queued.batch, desk


def counts() -> dict[str, int]:
    """How far the twin's renewals are, for `keep`."""
    by_state = dict(Renewal.objects.order_by().values_list("state").annotate(Count("pk")))
    stopped = sum(by_state.get(state, 0) for state in AT_REST) - by_state.get(State.COMPLETE, 0)
    return {
        "total": sum(by_state.values()),
        "complete": by_state.get(State.COMPLETE, 0),
        "stopped": stopped,
    }


def is_at_rest() -> bool:
    """Whether nothing more happens in the twin by itself."""
    return not Renewal.objects.exclude(state__in=AT_REST).exists()


def _twin() -> UUID:
    """The agency of the open scope. Raises `RuntimeError` for one that is no twin: nothing real is wiped."""
    agency = current_scope().agency
    if not Agency.objects.get(pk=agency).is_rehearsal:
        raise RuntimeError("only a rehearsal is wiped and filled with copies")
    return agency


def _copy(number: int, original: Original, *, year: int, by: User) -> Issued:
    real = original.company
    company = Company.objects.create(
        name=real.name,
        uscc=real.uscc,
        region=real.region,
        tags=real.tags,
        owner_id=real.owner_id,
        authorized_before=real.authorized_before,
        old_policy_ends_on=real.old_policy_ends_on,
    )
    for contact in original.contacts:
        Contact.objects.create(
            company=company,
            name=contact.name,
            mobile=contact.mobile,
            email=contact.email,
            is_primary=contact.is_primary,
        )
    record_letter(company, year=year, given_by=GIVEN_BY, by=by)
    card = Card.objects.create(
        company=company,
        number=f"{MADE_UP}{number:06d}",
        certificate=secrets.token_hex(8),
        holder="演练",
        valid_until=_a_year_on(timezone.localdate()),
        drawer=original.drawer,
    )
    pin = _made_up_pin()
    store_pin(card, pin, by=by)
    return Issued(company, card, pin)


def _a_year_on(day: date) -> date:
    return day + timedelta(days=365)


def _made_up_pin() -> str:
    while (pin := f"{secrets.randbelow(10**8):08d}") in ISSUED_PINS:
        pass
    return pin
