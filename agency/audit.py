"""The audit trail: who did what, on what, from where. Entries are chained by the database.

`verify` asks Postgres to compute every digest anew: a changed, missing or inserted entry breaks the
chain, and one that was cut off the end no longer fits the trail's head.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from agency.bulk import insert_all, insert_like
from agency.models import AuditEntry, User
from agency.tenancy import TenantModel, current_scope

_MACHINE = "xubao"
_typed_by: ContextVar[str] = ContextVar("audit_typed_by", default=_MACHINE)
_address: ContextVar[str | None] = ContextVar("audit_address", default=None)
_held: ContextVar[list[AuditEntry] | None] = ContextVar("audit_held", default=None)


@contextmanager
def at_the_terminal(who: str = "") -> Iterator[None]:
    """Whatever nobody signed in does inside was typed on the installation's machine, by `who` or its user."""
    token = _typed_by.set(f"{who or getpass.getuser()}@{socket.gethostname()}"[:80])
    try:
        yield
    finally:
        _typed_by.reset(token)


@contextmanager
def from_address(address: str | None) -> Iterator[None]:
    """Whatever is recorded inside came from this network address."""
    token = _address.set(address or None)
    try:
        yield
    finally:
        _address.reset(token)


def record(action: str, on: Any, *, by: User | None, address: str | None = None, **detail: Any) -> None:
    """Write one entry in the current scope, in the caller's transaction.

    `by` is None where the machine acted by itself, or somebody `at_the_terminal`. `detail` must hold
    nothing secret; personal data goes in masked (`agency.masking`).
    """
    _write([_entry(action, on, by=by, address=address, detail=detail)])


def record_as_owner(action: str, on: Any, *, agency: UUID, **detail: Any) -> None:
    """As `record`, by a command that works as the database's owner (`operating.inside` this agency)."""
    with at_the_terminal():
        entry = _entry(action, on, by=None, address=None, detail=detail, agency=agency)
    entry.save(using="owner", force_insert=True)


def record_each(action: str, on: Iterable[tuple[Any, dict[str, Any]]], *, by: User | None) -> None:
    """As `record`, one entry for each object with its detail, in one statement."""
    _write([_entry(action, one, by=by, address=None, detail=detail) for one, detail in on])


def record_new(
    action: str, model: type[TenantModel], ids: list[UUID], *, by: User | None, **detail: Any
) -> None:
    """As `record`, one entry for each of these objects, all with the same detail.

    Raises `RuntimeError` inside `held_back`: these are written at once, and so hold up what is to wait.
    """
    if _held.get() is not None:
        raise RuntimeError(
            "record_new inside held_back: record these entries after the block, or with record_each"
        )
    entry = _entry(action, model(), by=by, address=None, detail=detail)
    insert_like(entry, object_id=[str(one) for one in ids])


def _write(entries: list[AuditEntry]) -> None:
    """Now, or when `held_back` ends. By a statement that reads nothing back: clients read no trail."""
    held = _held.get()
    if held is None:
        insert_all(AuditEntry, entries)
    else:
        held.extend(entries)


@contextmanager
def held_back() -> Iterator[None]:
    """What is recorded inside is written when the block ends, in one statement; nothing where it fails.

    From an agency's first entry to the commit everybody else who records waits, a click that is to be
    released too. Who goes through many rows records all the same in the one transaction, but last. Inside
    one scope; a savepoint that is rolled back inside does not take its entries along.
    """
    held: list[AuditEntry] = []
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
    insert_all(AuditEntry, held)


def _entry(
    action: str,
    on: Any,
    *,
    by: User | None,
    address: str | None,
    detail: dict[str, Any],
    agency: UUID | None = None,
) -> AuditEntry:
    return AuditEntry(
        agency_id=agency or current_scope().agency,
        actor=by,
        actor_name=by.name if by else _typed_by.get(),
        address=address or _address.get(),
        action=action,
        object_type=on._meta.model_name,
        object_id=str(on.pk),
        detail=detail,
    )


class Fault(StrEnum):
    """What is wrong with an entry, or with the trail at this place."""

    CHANGED = "changed"  # its words are not those that were written
    MISSING = "missing"  # the number before it is not there
    BROKEN = "broken"  # it does not follow the entry before it: one was changed, put in, or taken out
    CUT_OFF = "cut off"  # the trail ends before its head says, or elsewhere


@dataclass(frozen=True)
class Finding:
    """One fault, at the number where it shows."""

    number: int
    fault: Fault


@dataclass(frozen=True)
class Verified:
    """What became of looking through one agency's trail; `head` is worth keeping somewhere else."""

    entries: int
    number: int
    head: str
    findings: tuple[Finding, ...]


# `agency_auditentry_digest` is what the trigger uses too: see migration 0005.
_WALK = """
SELECT number, digest,
       digest = agency_auditentry_digest(entry) AS is_as_written,
       number = COALESCE(lag(number) OVER (ORDER BY number), 0) + 1 AS follows,
       previous = COALESCE(lag(digest) OVER (ORDER BY number), '') AS is_chained
FROM agency_auditentry entry WHERE agency_id = %s ORDER BY number
"""


def verify(*, expected: dict[int, str] | None = None) -> Verified:
    """Look through the current agency's whole trail.

    `expected` holds heads that were kept elsewhere, by number: a trail that was written anew from
    somewhere on fits itself, and not them.
    """
    agency, findings = current_scope().agency, []
    with connection.cursor() as cursor:
        # The head moves at the end of a transaction; what this one has written counts too.
        cursor.execute("SET CONSTRAINTS agency_auditentry_head IMMEDIATE")
        cursor.execute("SET CONSTRAINTS agency_auditentry_head DEFERRED")
        cursor.execute(_WALK, [agency])
        rows = cursor.fetchall()
        cursor.execute("SELECT number, digest FROM agency_audithead WHERE agency_id = %s", [agency])
        head = cursor.fetchone() or (0, "")
    digests = {number: digest for number, digest, *_rest in rows}
    for number, _digest, is_as_written, follows, is_chained in rows:
        if not is_as_written:
            findings.append(Finding(number, Fault.CHANGED))
        if not follows:
            findings.append(Finding(number, Fault.MISSING))
        elif not is_chained:
            findings.append(Finding(number, Fault.BROKEN))
    last = (rows[-1][0], rows[-1][1]) if rows else (0, "")
    if last != tuple(head):
        findings.append(Finding(head[0], Fault.CUT_OFF))
    for number, digest in sorted((expected or {}).items()):
        if number and digests.get(number) != digest:
            findings.append(Finding(number, Fault.BROKEN))
    return Verified(len(rows), last[0], last[1], tuple(findings))
