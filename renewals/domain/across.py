"""The only reads across agencies: by the sweep's own role, and of these columns alone.

Whoever gets an id from here goes on inside `scope(agency)`, as the app role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from renewals.models import StageName
from renewals.reasons import EngineReason

# One sweep at a time in the installation; the number is nobody else's.
_SWEEP_LOCK = 8_301_145_202
# A card that a person at the agency can put into a reader today.
_USABLE_CARD = """
EXISTS (SELECT FROM companies_card AS card
        WHERE card.agency_id = renewal.agency_id AND card.company_id = renewal.company_id
          AND card.kind = 'legal_person' AND card.custody = 'agency' AND card.quarantined_at IS NULL
          AND (card.valid_until IS NULL OR card.valid_until >= %s))
"""
_OPEN_MATTER = """
EXISTS (SELECT FROM renewals_matter AS matter
        WHERE matter.agency_id = renewal.agency_id AND matter.renewal_id = renewal.id
          AND matter.closed_at IS NULL{which})
"""
# How long nobody is asked again about a late policy, once somebody has seen to it.
ASK_AGAIN_AFTER_DAYS = 3
_WAITS = "renewal.state IN ('waiting', 'submitted', 'unknown')"


@contextmanager
def alone() -> Iterator[bool]:
    """True for the one sweep that may work now, False for any other, for as long as the block lasts."""
    # A transaction's lock: a pooler between us and Postgres cannot lose it.
    with transaction.atomic("sweep"), connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SWEEP_LOCK])
        yield cursor.fetchone()[0]


def expired_leases() -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of the runs whose worker fell silent."""
    return _rows(
        "SELECT agency_id, id FROM renewals_renewal "
        "WHERE state = 'running' AND lease_until < now() ORDER BY id"
    )


def desks_with_a_card() -> list[tuple[UUID, UUID]]:
    """(agency, desk) of the desks that have a card in the reader and nobody sitting."""
    return _rows(
        "SELECT agency_id, id FROM renewals_desk WHERE card_number <> '' "
        "AND (sitting IS NULL OR sitting_until < now()) ORDER BY id"
    )


def desks_named(codes: Iterable[str]) -> list[tuple[UUID, UUID]]:
    """(agency, desk) of these desks; their codes are unique in the installation."""
    return _rows("SELECT agency_id, id FROM renewals_desk WHERE code = ANY(%s) ORDER BY code", [list(codes)])


def rehearsals_asked_for() -> list[tuple[UUID, UUID]]:
    """(agency, rehearsal) of those that nobody plays yet, oldest first."""
    return _rows("SELECT agency_id, id FROM renewals_rehearsal WHERE state = 'asked' ORDER BY asked_at")


def rehearsals_left_alone() -> list[tuple[UUID, UUID]]:
    """(agency, rehearsal) of those whose player fell silent."""
    return _rows(
        "SELECT agency_id, id FROM renewals_rehearsal WHERE state = 'playing' AND held_until < now()"
    )


def rehearsals_to_wipe(kept: timedelta) -> list[tuple[UUID, UUID]]:
    """(agency, rehearsal) of those that somebody ended, or that nobody ended for so long."""
    return _rows(
        "SELECT agency_id, id FROM renewals_rehearsal WHERE state = 'ending' "
        "OR (state IN ('over', 'failed') AND ended_at < now() - %s)",
        [kept],
    )


def without_a_card(today: date) -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of those that wait for a card which nobody can insert, without being asked to."""
    asked = _OPEN_MATTER.format(which=f" AND matter.reason = '{EngineReason.CARD_UNUSABLE}'")
    return _rows(
        f"SELECT agency_id, id FROM renewals_renewal AS renewal WHERE {_WAITS} "  # noqa: S608  # ours
        f"AND NOT {_USABLE_CARD} AND NOT {asked}",
        [today],
    )


def with_a_card_again(today: date) -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of those whose card can be used again, and a person is still asked about it."""
    asked = _OPEN_MATTER.format(which=f" AND matter.reason = '{EngineReason.CARD_UNUSABLE}'")
    return _rows(
        f"SELECT agency_id, id FROM renewals_renewal AS renewal WHERE {asked} AND {_USABLE_CARD}",  # noqa: S608
        [today],
    )


def overdue(ends_by: date) -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of those not over while the present policy ends by that day, nobody told of it.

    Who has just seen to it is not asked the same again at once.
    """
    told = f"""
EXISTS (SELECT FROM renewals_matter AS matter
        WHERE matter.agency_id = renewal.agency_id AND matter.renewal_id = renewal.id
          AND matter.reason = '{EngineReason.POLICY_OVERDUE}'
          AND (matter.closed_at IS NULL OR matter.closed_at > now() - interval '{ASK_AGAIN_AFTER_DAYS} days'))
"""
    return _rows(
        "SELECT renewal.agency_id, renewal.id FROM renewals_renewal AS renewal "  # noqa: S608
        "JOIN companies_company AS company ON company.agency_id = renewal.agency_id "
        "AND company.id = renewal.company_id "
        "WHERE renewal.state NOT IN ('complete', 'refused', 'cancelled') "
        f"AND company.old_policy_ends_on <= %s AND NOT {told}",
        [ends_by],
    )


def without_a_next_step(today: date, *, latest_look_s: float) -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of those for which nothing will happen and nobody was asked: there must be none.

    A running one must have a lease that the sweep still sees, one that waits a look in sight and a
    card that somebody can insert, one that stopped a reason; or a matter is open about it.
    """
    nobody_asked = f"NOT {_OPEN_MATTER.format(which='')}"
    # The card apart, so that Postgres joins the two tables once instead of asking for each renewal.
    return _rows(
        f"""
        SELECT agency_id, id FROM renewals_renewal AS renewal
        WHERE CASE
            WHEN state IN ('complete', 'refused', 'cancelled') THEN FALSE
            WHEN state = 'running' THEN COALESCE(lease_until <= now() - interval '5 minutes', TRUE)
                OR desk_id IS NULL
            WHEN state = 'attention' THEN reason = ''
            WHEN {_WAITS} THEN look_at > now() + %s * interval '1 second'
            ELSE TRUE
        END AND {nobody_asked}
        UNION
        SELECT agency_id, id FROM renewals_renewal AS renewal
        WHERE {_WAITS} AND NOT {_USABLE_CARD} AND {nobody_asked}
        """,  # noqa: S608  # conditions of this module
        [latest_look_s, today],
    )


def at_odds_with_its_stages(*, changed_within: timedelta | None = None) -> list[tuple[UUID, UUID]]:
    """(agency, renewal) of those whose own columns contradict their five stages: there must be none.

    `stage` is the first that is not settled; what is complete has settled all, what was submitted all but
    the last. A stage in progress belongs to a run, one that needs a person to a renewal that stopped there,
    and one to be verified to a renewal with a click that nobody has read. All renewals, or those of which
    something changed within this time: the sweep has a second, and all of 200,000 take longer.
    """
    # Renewal by renewal, each by its index: a join would read all stages for the few that changed lately.
    return _rows(
        """
        SELECT renewal.agency_id, renewal.id
        FROM renewals_renewal AS renewal
        CROSS JOIN LATERAL (
            SELECT count(*) AS number,
                COALESCE((%(names)s::text[])[min(array_position(%(names)s, name::text))
                    FILTER (WHERE state NOT IN ('done', 'skipped'))], '') AS unsettled,
                COALESCE(string_agg(name, ' ') FILTER (WHERE state = 'attention'), '') AS stopped,
                COALESCE(bool_or(state = 'running'), FALSE) AS is_running,
                COALESCE(bool_or(state = 'unknown'), FALSE) AS is_unread
            FROM renewals_stage
            WHERE agency_id = renewal.agency_id AND renewal_id = renewal.id
        ) AS stages
        WHERE (%(within)s::interval IS NULL OR renewal.changed_at > now() - %(within)s::interval) AND (
            stages.number <> 5
            OR renewal.stage <> stages.unsettled
            OR (stages.is_running AND renewal.state <> 'running')
            OR CASE
                WHEN renewal.state IN ('attention', 'refused') THEN stages.stopped <> renewal.stage
                ELSE stages.stopped <> ''
            END
            OR CASE renewal.state
                WHEN 'unknown' THEN NOT stages.is_unread
                WHEN 'running' THEN FALSE
                WHEN 'attention' THEN FALSE
                WHEN 'submitted' THEN stages.is_unread OR renewal.stage NOT IN ('receipt', '')
                WHEN 'complete' THEN renewal.stage <> ''
                ELSE stages.is_unread
            END
        )
        """,
        {"within": changed_within, "names": [name.value for name in StageName]},
    )


def _rows(query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[UUID, UUID]]:
    with connections["sweep"].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
