"""What must hold after every run, whatever went wrong (reliability O1 to O7), asked of both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.utils import timezone

from agency import audit
from agency.models import AuditEntry
from agency.tenancy import scope
from portal_driver.contract import Click
from renewals.domain import across
from renewals.domain.sweeping import LATEST_LOOK_S
from renewals.models import Event, Intent, PinGrant, Renewal, Run, State
from tests.database import OUR_AGENCY, superuser
from tests.faults.campaign import Campaign
from tests.faults.nursery import until
from tests.renewals.season import PIN

_LONGEST_TRANSACTION_S = 5


def violations(campaign: Campaign, *, at_the_end: bool = True) -> list[str]:
    """What does not hold, in words; empty when all does.

    `at_the_end` adds what is only asked once everything should have come to its end.
    """
    found = [
        *no_deed_twice(campaign),
        *always_a_next_step(),
        *the_stages_say_the_same(),
        *the_trail_names_each_press(campaign),
        *one_try_per_authorisation(campaign),
        *nobody_writes_after_the_next_claim(),
        *no_long_transaction(),
    ]
    if at_the_end:
        found += [
            *everybody_is_complete(campaign),
            *no_pin_anywhere(campaign),
            *nothing_left_behind(campaign),
        ]
    return found


def no_deed_twice(campaign: Campaign) -> list[str]:
    """O1: nothing irreversible reached the portal after it had taken effect, and at most two requests did.

    One more for each time that a person looked at the portal and had the stage done again.
    """
    with scope(OUR_AGENCY):
        entries = AuditEntry.objects.filter(action="stage_retried", detail__has_key="stage")
        renewals = dict(Renewal.objects.values_list("pk", "company__uscc"))
        words = Counter((renewals[UUID(one.object_id)], one.detail["stage"]) for one in entries)
    found = [
        f"O1: {deed} of {uscc} was sent again after it was done" for uscc, deed in campaign.portal.repeats
    ]
    for uscc, account in campaign.portal.world.accounts.items():
        for deed, tally in account.tallies.items():
            if tally.received > 2 + words[uscc, Click(deed.value).stage.value] or tally.took_effect > 1:
                found.append(f"O1: {deed} of {uscc}: {tally.received} sent, {tally.took_effect} done")
    return found


def always_a_next_step() -> list[str]:
    """O2: every renewal is over, or has a next look or lease in sight, or a person was asked."""
    lost = across.without_a_next_step(timezone.localdate(), latest_look_s=LATEST_LOOK_S)
    return [f"O2: renewal {renewal} has no next step" for _agency, renewal in lost]


def the_stages_say_the_same() -> list[str]:
    """No renewal's own columns contradict its five stages."""
    found = across.at_odds_with_its_stages()
    return [f"stages: renewal {renewal} says something else than its stages" for _agency, renewal in found]


def the_trail_names_each_press(campaign: Campaign) -> list[str]:
    """O3: the audit chain is whole, and for each request at the portal it names an armed intent."""
    found = []
    with scope(OUR_AGENCY):
        if broken := audit.verify().findings:
            found.append(f"O3: {len(broken)} entries of the audit trail do not fit their chain")
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        armed = {
            (str(ident), str(click)): number
            for ident, click, number in admin.execute(
                "SELECT object_id, detail->>'click', count(*) FROM agency_auditentry "
                "WHERE action = 'armed' GROUP BY 1, 2"
            ).fetchall()
        }
    with scope(OUR_AGENCY):
        for renewal in Renewal.objects.select_related("company"):
            for deed, tally in campaign.portal.world.account(renewal.company.uscc).tallies.items():
                if tally.received > armed.get((str(renewal.pk), str(deed)), 0):
                    found.append(f"O3: {deed} of {renewal.pk} was sent without an armed intent")
    return found


def one_try_per_authorisation(campaign: Campaign) -> list[str]:
    """O4: a card was given a PIN at most as often as a use was written down, and none is locked."""
    found = []
    with scope(OUR_AGENCY):
        for company in campaign.companies:
            number = company.cards.get().number
            used = PinGrant.objects.filter(card__company=company, used_at__isnull=False).count()
            if campaign.portal.verifies[number] > used:
                found.append(
                    f"O4: card {number} was tried {campaign.portal.verifies[number]} times of {used}"
                )
            if campaign.portal.world.cards[number].is_locked:
                found.append(f"O4: card {number} is locked")
    return found


def nobody_writes_after_the_next_claim() -> list[str]:
    """The epoch: a run wrote nothing into the story after a later run had begun."""
    found = []
    with scope(OUR_AGENCY):
        began: dict[UUID, list[tuple[int, datetime]]] = defaultdict(list)
        for run in Run.objects.all():
            began[run.renewal_id].append((run.epoch, run.began_at))
        for event in Event.objects.filter(run__isnull=False).select_related("run"):
            assert event.run is not None
            later = [at for epoch, at in began[event.renewal_id] if epoch > event.run.epoch and at < event.at]
            if later:
                found.append(f"epoch: run {event.run.epoch} wrote {event.kind} after a later run had begun")
    return found


def no_long_transaction() -> list[str]:
    """O7: no transaction of ours has been open for longer than five seconds."""
    with psycopg.connect(superuser("postgres")) as admin:
        rows = admin.execute(
            "SELECT usename, state FROM pg_stat_activity WHERE datname = %s AND usename LIKE 'xubao%%' "
            "AND xact_start < now() - make_interval(secs => %s)",
            [str(settings.DATABASES["default"]["NAME"]), _LONGEST_TRANSACTION_S],
        ).fetchall()
    return [f"O7: a transaction of {who} is open ({state})" for who, state in rows]


def everybody_is_complete(campaign: Campaign) -> list[str]:
    """Nothing lost: what was queued is complete, and every click of it is confirmed or was passed over."""
    found = []
    with scope(OUR_AGENCY):
        unfinished = Renewal.objects.exclude(state=State.COMPLETE)
        found += [f"lost: renewal {one.pk} is {one.state} ({one.reason})" for one in unfinished]
        unread = Intent.objects.exclude(state__in=["confirmed", "absent", "planned"])
        found += [f"lost: {one.click} of {one.renewal_id} is {one.state}" for one in unread]
    for uscc, account in campaign.portal.world.accounts.items():
        if account.policy is None or account.policy.received_at is None:
            found.append(f"lost: {uscc} has no policy that was received")
    return found


def no_pin_anywhere(campaign: Campaign) -> list[str]:
    """O5: the PIN stands in no file, no log and no row."""
    pin = PIN.encode()
    found = [
        f"O5: the PIN is in {path}"
        for path in campaign.media.parent.rglob("*")
        if path.is_file() and pin in path.read_bytes()
    ]
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query: Any = f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s'  # noqa: S608
            hits = admin.execute(query, [f"%{PIN}%"]).fetchone()
            if hits and hits[0]:
                found.append(f"O5: the PIN is in {table}")
    return found


def nothing_left_behind(campaign: Campaign) -> list[str]:
    """O6: no driver lives on without its worker, and no directory of a run lies about."""
    temporary = campaign.media.parent / "tmp"
    until(lambda: not _drivers_of(temporary), within_s=10.0)
    found = [f"O6: driver {pid} lives on" for pid in _drivers_of(temporary)]
    return found + [f"O6: {left.name} lies about" for left in temporary.glob("xubao-run-*")]


def _drivers_of(temporary: Path) -> list[str]:
    """The drivers whose temporary files lie in a run's directory here."""
    mine = f"TMPDIR={temporary}/xubao-run-".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mine in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found
