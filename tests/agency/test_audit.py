"""The audit trail: numbered and chained by Postgres, written once, and looked through as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import translation

from agency import audit
from agency.audit import Fault, Finding
from agency.models import Agency, AuditEntry, User
from agency.tenancy import scope
from agency.trail import detail_lines, object_words
from companies.models import Company
from tests.database import OUR_AGENCY, superuser


def test_entries_are_numbered_and_chained_per_agency(
    company: Company, raos_company: Company, mei: User
) -> None:
    for _ in range(2):
        with scope(company.agency_id):
            audit.record("looked_at", company, by=mei, address="192.0.2.1")
        with scope(raos_company.agency_id):
            audit.record("looked_at", raos_company, by=None)
    with scope(company.agency_id):
        first, second = AuditEntry.objects.order_by("number")
    assert (first.number, second.number) == (1, 2)
    assert (first.previous, second.previous) == ("", first.digest)
    assert len({first.digest, second.digest}) == 2
    assert (first.actor_name, first.address) == ("Mei", "192.0.2.1")


def test_each_entry_finds_the_one_before_it_by_the_index(agency: Agency) -> None:
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"])), autocommit=True) as admin:
        # Where a table is known to be empty, reading all of it seems to be cheap.
        admin.execute("VACUUM ANALYZE agency_auditentry")
    with scope(agency.pk):
        before = _rows_read_in_sequence()
        audit.record_each("looked_at", [(agency, {})] * 100, by=None)
        assert _rows_read_in_sequence() == before


def _rows_read_in_sequence() -> int:
    """Counted for this connection since its figures last went to Postgres, at times for earlier tests too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'agency_auditentry'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("change", ["update", "delete"])
def test_nobody_changes_an_entry(company: Company, change: str) -> None:
    with scope(company.agency_id):
        audit.record("looked_at", company, by=None)
    with pytest.raises(DatabaseError, match="permission denied"), scope(company.agency_id):
        entries = AuditEntry.objects.all()
        entries.update(action="never") if change == "update" else entries._raw_delete("default")


@pytest.mark.parametrize("act", ["UPDATE agency_audithead SET number = 1", "DELETE FROM agency_audithead"])
def test_nobody_moves_the_head(company: Company, act: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), scope(company.agency_id):
        connection.cursor().execute(act)


def test_the_address_of_the_request_stands_in_each_entry(company: Company) -> None:
    with audit.from_address("192.0.2.7"), scope(company.agency_id):
        audit.record("looked_at", company, by=None)
    with scope(company.agency_id):
        assert AuditEntry.objects.get().address == "192.0.2.7"


def holds_up_others() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return bool(cursor.fetchone()[0])


def test_who_goes_through_many_rows_holds_up_nobody_before_the_end(committed: None) -> None:
    agency = Agency(pk=OUR_AGENCY)
    with scope(OUR_AGENCY):
        with audit.held_back():
            audit.record("looked_at", agency, by=None, step=1)
            audit.record_each("looked_at", [(agency, {"step": 2}), (agency, {"step": 3})], by=None)
            assert not holds_up_others()
        assert holds_up_others()
        entries = AuditEntry.objects.order_by("number").values_list("number", "detail")
        assert list(entries) == [(1, {"step": 1}), (2, {"step": 2}), (3, {"step": 3})]
    assert findings() == []


def test_what_failed_is_not_told(committed: None) -> None:
    with suppress(ZeroDivisionError), scope(OUR_AGENCY), audit.held_back():
        audit.record("looked_at", Agency(pk=OUR_AGENCY), by=None)
        raise ZeroDivisionError
    with scope(OUR_AGENCY):
        assert not AuditEntry.objects.exists()


def test_entries_that_are_written_at_once_are_refused_where_entries_wait(committed: None) -> None:
    new = [uuid4(), uuid4()]
    with scope(OUR_AGENCY):
        with audit.held_back(), pytest.raises(RuntimeError, match="after the block, or with record_each"):
            audit.record_new("queued", Company, new, by=None)
        assert not AuditEntry.objects.exists()
        audit.record_new("queued", Company, new, by=None)
        entries = AuditEntry.objects.order_by("number").values_list("object_id", flat=True)
        assert list(entries) == [str(one) for one in new]


# --- What is found ----------------------------------------------------------------------------


@pytest.fixture
def trail(committed: None) -> list[int]:
    """Nine entries of our agency, committed in three transactions."""
    for part in range(3):
        with scope(OUR_AGENCY):
            for step in range(3):
                audit.record("looked_at", Agency(pk=OUR_AGENCY), by=None, part=part, step=step)
    return list(range(1, 10))


@contextmanager
def above_all() -> Iterator[psycopg.Cursor]:
    """As the superuser, whom no trigger and no policy stops."""
    with psycopg.connect(superuser(str(settings.DATABASES["default"]["NAME"]))) as admin:
        admin.execute("SET session_replication_role = replica")
        yield admin.cursor()


def findings(**more: dict[int, str]) -> list[Finding]:
    with scope(OUR_AGENCY):
        return list(audit.verify(**more).findings)


def test_a_whole_trail_has_no_fault(trail: list[int]) -> None:
    with scope(OUR_AGENCY):
        result = audit.verify()
        head = AuditEntry.objects.get(number=9).digest
    assert (result.entries, result.number, result.head, result.findings) == (9, 9, head, ())


CHANGES = {
    "number": "20",
    "at": "at - interval '1 hour'",
    "actor_name": "'somebody else'",
    "address": "'192.0.2.9'",
    "action": "'never'",
    "object_type": "'card'",
    "object_id": "'1'",
    "detail": """'{"part": 9}'""",
    "previous": "repeat('0', 64)",
    "digest": "repeat('0', 64)",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_word_is_found(trail: list[int], column: str) -> None:
    with above_all() as cursor:
        cursor.execute(f"UPDATE agency_auditentry SET {column} = {CHANGES[column]} WHERE number = 5")  # noqa: S608
    assert findings() != []


@pytest.mark.parametrize("number", [1, 4, 9])
def test_one_missing_entry_is_found_wherever_it_was(trail: list[int], number: int) -> None:
    with above_all() as cursor:
        cursor.execute("DELETE FROM agency_auditentry WHERE number = %s", [number])
    expected = Finding(9, Fault.CUT_OFF) if number == 9 else Finding(number + 1, Fault.MISSING)
    assert findings() == [expected]


def test_an_entry_that_was_put_in_is_found(trail: list[int]) -> None:
    with above_all() as cursor:
        for number in range(9, 5, -1):
            cursor.execute("UPDATE agency_auditentry SET number = %s WHERE number = %s", [number + 1, number])
        cursor.execute(
            "INSERT INTO agency_auditentry "
            "(id, number, agency_id, actor_name, action, object_type, object_id, detail, previous, digest) "
            "SELECT %s, 6, agency_id, 'Mei', 'pin_granted', 'card', '1', '{}', digest, '' "
            "FROM agency_auditentry WHERE number = 5",
            [uuid4()],
        )
        cursor.execute("UPDATE agency_auditentry e SET digest = agency_auditentry_digest(e) WHERE number = 6")
    assert Finding(7, Fault.BROKEN) in findings()


def test_a_trail_written_anew_fits_itself_and_not_the_heads_that_were_kept(
    trail: list[int], tmp_path: Path
) -> None:
    kept = StringIO()
    call_command("verify_audit", stdout=kept)
    (tmp_path / "heads").write_text(kept.getvalue())
    with above_all() as cursor:
        cursor.execute("UPDATE agency_auditentry SET actor_name = 'Wu' WHERE number = 4")
        for number in range(4, 10):
            cursor.execute(
                "UPDATE agency_auditentry SET previous = "
                "(SELECT digest FROM agency_auditentry WHERE number = %s) WHERE number = %s",
                [number - 1, number],
            )
            cursor.execute(
                "UPDATE agency_auditentry e SET digest = agency_auditentry_digest(e) WHERE number = %s",
                [number],
            )
        cursor.execute(
            "UPDATE agency_audithead SET digest = (SELECT digest FROM agency_auditentry WHERE number = 9)"
        )
    assert findings() == []
    said = StringIO()
    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_audit", against=tmp_path / "heads", stdout=said)
    assert [json.loads(line)["findings"] for line in said.getvalue().splitlines()] == [
        [],
        [{"number": 9, "fault": "broken"}],
    ]


def test_words_cannot_be_shifted_from_one_column_to_the_next(trail: list[int]) -> None:
    """The digest before this one joined words with a separator: a name could swallow its neighbour."""
    with above_all() as cursor:
        cursor.execute(
            "UPDATE agency_auditentry SET actor_name = actor_name || E'\\x1f' || action, "
            "action = object_type WHERE number = 2"
        )
    assert findings() == [Finding(2, Fault.CHANGED)]


def test_codes_in_an_entry_are_read_as_words() -> None:
    with translation.override("zh-hans"):
        moved = detail_lines(
            {"before": "waiting", "after": "running", "reason": "pin_refused", "new": "part"}
        )
    assert moved == [
        ("", "待办理 → 办理中"),
        ("new", "part"),
        ("原因", "门户拒绝了卡密码。用掉了一次机会，系统不会再试。"),
    ]


def test_what_an_entry_is_about_is_read_as_words() -> None:
    with translation.override("zh-hans"):
        assert [object_words("renewal"), object_words("gone")] == ["续保", "gone"]
