"""The five stages of a renewal, as the board shows them."""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Now

from agency.tenancy import current_scope
from portal_driver.contract import Click
from portal_driver.contract import Stage as StageOf
from renewals.domain.guarding import prove
from renewals.domain.story import touch
from renewals.models import OPEN_INTENT, Renewal, Stage, StageName, StageState

# What no later reading takes back.
SETTLED = (StageState.DONE, StageState.SKIPPED)


def make_stages(renewals: list[UUID]) -> None:
    """Give new renewals of the current agency, named by their ids, their five stages."""
    # Fifty thousand of them for a large batch: made where they stay, not sent there one by one.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO renewals_stage (id, agency_id, renewal_id, name, state) "
            "SELECT gen_random_uuid(), %s, renewal, name, %s "
            "FROM unnest(%s::uuid[]) AS renewal, unnest(%s::text[]) AS name",
            [
                current_scope().agency,
                StageState.PENDING,
                renewals,
                [name.value for name in StageName],
            ],
        )


def begin_stage(renewal: Renewal, stage: StageOf) -> None:
    """The driver works on it now."""
    _open(renewal, stage).update(state=StageState.RUNNING, began_at=Coalesce("began_at", Now()))
    touch(renewal)


def finish_stage(renewal: Renewal, stage: StageOf) -> bool:
    """The portal shows that it is done. False when that was known."""
    # Skipped turns into done when the portal shows more later; done stays done.
    open_or_skipped = renewal.stages.filter(name=stage).exclude(state=StageState.DONE)
    done = open_or_skipped.update(state=StageState.DONE, began_at=Coalesce("began_at", Now()), ended_at=Now())
    _move_on(renewal)
    if done:
        prove(renewal, stage)
    return done == 1


def skip_stage(renewal: Renewal, stage: StageOf) -> None:
    """The portal passes over it, because the company authorised in an earlier year."""
    _open(renewal, stage).update(state=StageState.SKIPPED, ended_at=Now())
    _move_on(renewal)


def stage_unknown(renewal: Renewal, stage: StageOf) -> None:
    """It was pressed, and nobody can tell yet whether it took effect."""
    _open(renewal, stage).update(state=StageState.UNKNOWN)


def stage_needs_person(renewal: Renewal) -> None:
    """The run stopped for a person at the first stage that is not settled."""
    if renewal.stage:
        renewal.stages.filter(name=renewal.stage).update(state=StageState.ATTENTION)


def rest_stages(renewal: Renewal) -> None:
    """Nobody works on it any more: what was pressed and not read is unknown, what is settled stays, and the
    rest has not begun.
    """
    clicks = renewal.intents.filter(state__in=OPEN_INTENT).values_list("click", flat=True)
    unread = Q(name__in=[Click(click).stage for click in clicks])
    _open_ones(renewal).filter(unread).update(state=StageState.UNKNOWN)
    _open_ones(renewal).exclude(unread).exclude(state=StageState.PENDING).update(state=StageState.PENDING)


def open_stages(renewal: Renewal) -> list[StageName]:
    """The stages that are not settled, in the user's order."""
    left = set(_open_ones(renewal).values_list("name", flat=True))
    return [name for name in StageName if name in left]


def _move_on(renewal: Renewal) -> None:
    """Bring `renewal.stage` to the first stage that is not settled."""
    renewal.stage = next(iter(open_stages(renewal)), "")
    Renewal.objects.filter(pk=renewal.pk).update(stage=renewal.stage)
    touch(renewal)


def _open_ones(renewal: Renewal) -> QuerySet[Stage]:
    return renewal.stages.exclude(state__in=SETTLED)


def _open(renewal: Renewal, stage: StageOf) -> QuerySet[Stage]:
    return _open_ones(renewal).filter(name=stage)
