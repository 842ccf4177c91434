"""What a row of the month says, column by column: the same in every file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from renewals.domain.reporting.month import MonthRow
from renewals.models import StageName, StageState

type Value = str | int | date | datetime | None

# The shapes of the board's six states, for print and for whoever does not see the colours.
SIGNS: dict[StageState, str] = {
    StageState.PENDING: "○",
    StageState.RUNNING: "◔",
    StageState.DONE: "✓",
    StageState.SKIPPED: "–",
    StageState.ATTENTION: "!",
    StageState.UNKNOWN: "?",
}


@dataclass(frozen=True)
class Column:
    """A heading, the width in characters, and what stands below it."""

    heading: str
    width: int
    value: Callable[[MonthRow], Value]


def month_columns() -> Sequence[Column]:
    """The columns in the reader's language."""
    return (
        Column(_("Policy year"), 8, lambda row: row.year),
        Column(_("Company"), 28, lambda row: row.company),
        Column(_("Unified social credit code"), 22, lambda row: row.uscc),
        Column(_("Batch"), 18, lambda row: row.batch),
        *(column for name in StageName for column in _stage_columns(name)),
        Column(pgettext("renewal", "State"), 12, lambda row: str(row.state.label)),
        Column(_("Reason"), 40, lambda row: row.reason_words),
        Column(_("Application number"), 20, lambda row: row.application_number),
        Column(_("Policy number"), 20, lambda row: row.policy_number),
        Column(_("Valid from"), 12, lambda row: row.valid_from),
        Column(_("Valid to"), 12, lambda row: row.valid_to),
        Column(_("Queued by"), 10, lambda row: row.queued_by),
        Column(_("Queued at"), 17, lambda row: row.queued_at),
        Column(_("Submitted at"), 17, lambda row: row.submitted_at),
        Column(_("Completed at"), 17, lambda row: row.completed_at),
    )


def state_words(state: StageState) -> str:
    """A stage's state as sign and word."""
    return f"{SIGNS[state]} {state.label}"


def _stage_columns(name: StageName) -> tuple[Column, Column]:
    return (
        Column(str(name.label), 12, lambda row: state_words(row.stages[name].state)),
        Column(
            pgettext("moment of a stage", "%(stage)s at") % {"stage": name.label},
            17,
            lambda row: row.stages[name].at,
        ),
    )
