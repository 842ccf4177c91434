"""The audit trail for people: what each action is called, and which entries are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import django_filters
from django.apps import apps
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from agency.filtering import ListFilter, SearchFilter
from agency.models import AuditEntry
from agency.moments import full_moment

ENTRIES_A_PAGE = 100
EXPORTED_AT_MOST = 200_000

# An action without a word here is shown by its code.
WORDS: dict[str, str | Promise] = {
    "absent": pgettext_lazy("audit", "Click did not take effect"),
    "agency_made": pgettext_lazy("audit", "Agency made"),
    "armed": pgettext_lazy("audit", "Click released"),
    "assigned": pgettext_lazy("audit", "Handed to a colleague"),
    "audit_exported": pgettext_lazy("audit", "Audit trail exported"),
    "batch_queued": pgettext_lazy("audit", "Batch queued"),
    "cancelled": pgettext_lazy("audit", "Renewal cancelled"),
    "card_quarantined": pgettext_lazy("audit", "Card put into quarantine"),
    "claimed": pgettext_lazy("audit", "Taken up at a desk"),
    "companies_asked": pgettext_lazy("audit", "Companies asked by mail"),
    "closed_as_refused": pgettext_lazy("audit", "Closed as refused"),
    "commented": pgettext_lazy("audit", "Comment written"),
    "companies_imported": pgettext_lazy("audit", "Companies imported"),
    "card_said": pgettext_lazy("audit", "Said which card is in the reader"),
    "company_changed": pgettext_lazy("audit", "Company changed by a workbook"),
    "company_edited": pgettext_lazy("audit", "Company edited"),
    "company_erased": pgettext_lazy("audit", "Company's data deleted"),
    "company_exported": pgettext_lazy("audit", "Company's data exported"),
    "company_made": pgettext_lazy("audit", "Company brought in"),
    "confirmed": pgettext_lazy("audit", "Click confirmed on the portal"),
    "consent_given": pgettext_lazy("audit", "Consent recorded"),
    "consent_revoked": pgettext_lazy("audit", "Consent taken back"),
    "contact_corrected": pgettext_lazy("audit", "Contact corrected"),
    "desk_changed": pgettext_lazy("audit", "Desk changed"),
    "desk_made": pgettext_lazy("audit", "Desk made"),
    "done_by_hand": pgettext_lazy("audit", "Done by hand on the portal, as a colleague says"),
    "done_elsewhere": pgettext_lazy("audit", "Done on the portal by somebody else"),
    "evidence_viewed": pgettext_lazy("audit", "Evidence looked at"),
    "factor_added": pgettext_lazy("audit", "Second factor added"),
    "factor_removed": pgettext_lazy("audit", "Second factor removed"),
    "factors_reset": pgettext_lazy("audit", "Second factor taken away by an admin"),
    "fired": pgettext_lazy("audit", "Button pressed"),
    "idle_changed": pgettext_lazy("audit", "Time until sign-out changed"),
    "invitation_revoked": pgettext_lazy("audit", "Invitation taken back"),
    "invited": pgettext_lazy("audit", "Invited"),
    "invited_again": pgettext_lazy("audit", "Invited again"),
    "joined": pgettext_lazy("audit", "Joined the agency"),
    "left": pgettext_lazy("audit", "Access ended"),
    "mail_undelivered": pgettext_lazy("audit", "Mail could not be delivered"),
    "matter_closed": pgettext_lazy("audit", "Matter for a person closed"),
    "matter_opened": pgettext_lazy("audit", "Matter for a person opened"),
    "missed_once": pgettext_lazy("audit", "Not found at the first reading"),
    "operator_entered": pgettext_lazy("audit", "The platform's operator came in"),
    "operator_left": pgettext_lazy("audit", "The platform's operator left"),
    "operator_looked": pgettext_lazy("audit", "The platform's operator looked at a page"),
    "own_sessions_ended": pgettext_lazy("audit", "Signed out everywhere else"),
    "password_changed": pgettext_lazy("audit", "Password changed"),
    "paused": pgettext_lazy("audit", "Paused"),
    "person_erased": pgettext_lazy("audit", "Person's account emptied"),
    "person_exported": pgettext_lazy("audit", "Person's data exported"),
    "pin_dropped": pgettext_lazy("audit", "PIN taken out of the vault: the card has another number"),
    "pin_granted": pgettext_lazy("audit", "PIN typed for one use"),
    "pin_stored": pgettext_lazy("audit", "PIN stored in the vault"),
    "pin_used": pgettext_lazy("audit", "PIN used"),
    "policy_downloaded": pgettext_lazy("audit", "Policy fetched from the portal"),
    "policy_viewed": pgettext_lazy("audit", "Policy downloaded"),
    "quarantine_lifted": pgettext_lazy("audit", "Quarantine lifted"),
    "queued": pgettext_lazy("audit", "Renewal queued"),
    "readiness_exported": pgettext_lazy("audit", "Readiness list exported"),
    "rehearsal_begun": pgettext_lazy("audit", "Rehearsal begun"),
    "rehearsal_ended": pgettext_lazy("audit", "Rehearsal ended and wiped"),
    "rehearsal_over": pgettext_lazy("audit", "Rehearsal over"),
    "recovery_codes_made": pgettext_lazy("audit", "Recovery codes made anew"),
    "refused": pgettext_lazy("audit", "Refused"),
    "report_exported": pgettext_lazy("audit", "Month exported"),
    "rests_attention": pgettext_lazy("audit", "Stopped: needs a person"),
    "rests_complete": pgettext_lazy("audit", "Renewal complete"),
    "rests_refused": pgettext_lazy("audit", "Refused by the portal or the insurer"),
    "rests_submitted": pgettext_lazy("audit", "Application submitted"),
    "rests_unknown": pgettext_lazy("audit", "To be verified"),
    "rests_waiting": pgettext_lazy("audit", "Goes on later"),
    "resumed": pgettext_lazy("audit", "Resumed"),
    "retried": pgettext_lazy("audit", "Put back into the queue"),
    "rights_changed": pgettext_lazy("audit", "A client's rights changed"),
    "role_changed": pgettext_lazy("audit", "Role changed"),
    "sessions_ended": pgettext_lazy("audit", "Signed out everywhere by an admin"),
    "sign_in_failed": pgettext_lazy("audit", "Sign-in failed"),
    "signed_in": pgettext_lazy("audit", "Signed in"),
    "signed_out": pgettext_lazy("audit", "Signed out"),
    "stage_retried": pgettext_lazy("audit", "Stage put back to its beginning"),
    "standstill_begun": pgettext_lazy("audit", "Whole installation stands still"),
    "standstill_ended": pgettext_lazy("audit", "Whole installation goes on"),
    "take_over_asked": pgettext_lazy("audit", "A colleague takes over, once the run has stopped"),
    "taken_back": pgettext_lazy("audit", "Access given back"),
    "wrong_rows_taken": pgettext_lazy("audit", "Wrong rows of a workbook taken"),
    "taken_over": pgettext_lazy("audit", "Taken over by a colleague, to be done by hand"),
    "view_deleted": pgettext_lazy("audit", "View of the board taken away"),
    "view_saved": pgettext_lazy("audit", "View of the board shared"),
}

# What the parts of an entry's detail are called; one without a word here is shown by its code.
DETAILS: dict[str, str | Promise] = {
    "address_of": pgettext_lazy("audit detail", "address"),
    "after": pgettext_lazy("audit detail", "after"),
    "asked": pgettext_lazy("audit detail", "chosen"),
    "batch": pgettext_lazy("audit detail", "batch"),
    "before": pgettext_lazy("audit detail", "before"),
    "card": pgettext_lazy("audit detail", "card"),
    "click": pgettext_lazy("audit detail", "button"),
    "company": pgettext_lazy("audit detail", "company"),
    "control": pgettext_lazy("audit detail", "card control"),
    "count": pgettext_lazy("audit detail", "number"),
    "counts": pgettext_lazy("audit detail", "how many"),
    "desk": pgettext_lazy("audit detail", "desk"),
    "email": pgettext_lazy("audit detail", "e-mail"),
    "epoch": pgettext_lazy("audit detail", "run number"),
    "from_vault": pgettext_lazy("audit detail", "from the vault"),
    "how": pgettext_lazy("audit detail", "how"),
    "kept_until": pgettext_lazy("audit detail", "kept until"),
    "kind": pgettext_lazy("audit detail", "kind"),
    "month": pgettext_lazy("audit detail", "month"),
    "name": pgettext_lazy("audit detail", "name"),
    "number": pgettext_lazy("audit detail", "number on the portal"),
    "page": pgettext_lazy("audit detail", "page"),
    "problems": pgettext_lazy("audit detail", "asked for"),
    "proof": pgettext_lazy("audit detail", "proof"),
    "queued": pgettext_lazy("audit detail", "queued"),
    "reason": pgettext_lazy("audit detail", "reason"),
    "role": pgettext_lazy("audit detail", "role"),
    "run": pgettext_lazy("audit detail", "run"),
    "sha256": pgettext_lazy("audit detail", "digest"),
    "slug": pgettext_lazy("audit detail", "short name"),
    "stage": pgettext_lazy("audit detail", "stage"),
    "text": pgettext_lazy("audit detail", "written"),
    "why": pgettext_lazy("audit detail", "why"),
    "wording": pgettext_lazy("audit detail", "wording"),
    "wrong": pgettext_lazy("audit detail", "wrong rows"),
    "year": pgettext_lazy("audit detail", "policy year"),
}
_CODES: dict[str, dict[str, str | Promise]] = {
    "from_vault": {
        "true": pgettext_lazy("audit detail", "yes"),
        "false": pgettext_lazy("audit detail", "no"),
    },
}
_MOVED = ("before", "after")


def name_codes(detail: str, words: Mapping[str, str | Promise]) -> None:
    """Let the codes that stand in this part of a detail be read as these words. For an app's `ready`."""
    _CODES.setdefault(detail, {}).update(words)


def action_words(code: str) -> str:
    """What an action is called; the code itself for one without a word."""
    return str(WORDS.get(code, code))


class TrailFilter(ListFilter):
    """Who, what, on what, from where, when; kept in the address."""

    folded = ("action", "since", "until")

    q = SearchFilter(method="search", label=gettext_lazy("Who, from where, on what"))
    action = django_filters.ChoiceFilter(
        label=gettext_lazy("What"),
        empty_label=gettext_lazy("What: anything"),
        choices=lambda: sorted(WORDS.items(), key=lambda one: str(one[1])),
    )
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label=gettext_lazy("From"))
    until = django_filters.DateFilter(field_name="at", lookup_expr="date__lte", label=gettext_lazy("To"))

    class Meta:
        model = AuditEntry
        fields = ("q", "action", "since", "until")

    def search(self, entries: QuerySet[AuditEntry], _name: str, value: str) -> QuerySet[AuditEntry]:
        value = value.strip()
        return entries.filter(
            Q(actor_name__icontains=value) | Q(address__startswith=value) | Q(object_id=value)
        )


def headings() -> list[str]:
    """Of the export."""
    return [
        _("Number"),
        _("When"),
        _("Who"),
        _("From where"),
        _("What"),
        _("On what"),
        _("Which"),
        _("More"),
        _("Digest"),
    ]


def as_row(entry: AuditEntry) -> list[str]:
    """One entry as texts, for the export."""
    return [
        str(entry.number),
        full_moment(entry.at),
        entry.actor_name,
        entry.address or "",
        action_words(entry.action),
        entry.object_type,
        entry.object_id,
        json.dumps(entry.detail, ensure_ascii=False, sort_keys=True) if entry.detail else "",
        entry.digest,
    ]


def as_rows(entries: QuerySet[AuditEntry]) -> Iterator[list[str]]:
    """The entries for the export, oldest first, read in portions."""
    for entry in entries.order_by("number")[:EXPORTED_AT_MOST].iterator(chunk_size=2000):
        yield as_row(entry)


def detail_lines(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """What an entry says beyond its action, as pairs; before and after in one."""
    shown = dict(detail)
    lines = []
    if all(part in shown for part in _MOVED):
        lines.append(("", " → ".join(_words(part, shown.pop(part)) for part in _MOVED)))
    for what, (before, after) in sorted(shown.pop("changes", {}).items()):
        lines.append((what, f"{before or '–'} → {after or '–'}"))
    told = ((part, value) for part, value in sorted(shown.items()) if value not in ("", {}))
    return [*lines, *((str(DETAILS.get(part, part)), _words(part, value)) for part, value in told)]


def object_words(object_type: str) -> str:
    """What kind of thing an entry is about; the code itself for what is no longer known."""
    named = {model._meta.model_name: model._meta.verbose_name for model in apps.get_models()}
    return str(named.get(object_type, object_type))


def _words(part: str, value: Any) -> str:
    """A part's value as people read it: the word of a code, or the value as it is."""
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(_CODES.get(part, {}).get(plain, plain))
