"""Renewals and what surrounds them: batches, stages, intents, runs, evidence, policies, desks.

Coarse states decide; fine codes (`reason`) tell people why. Both are drawn in docs/architecture.md.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.tenancy import TenantModel
from companies.models import Card, Company
from portal_driver import contract


class State(models.TextChoices):
    """Where a renewal is in its life."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    UNKNOWN = "unknown", _("To be verified")
    ATTENTION = "attention", _("Needs a person")
    SUBMITTED = "submitted", _("Awaiting approval")
    COMPLETE = "complete", _("Complete")
    REFUSED = "refused", _("Refused")
    CANCELLED = "cancelled", _("Cancelled")


# States in which nothing more will happen, or only when a person acts.
AT_REST = (State.COMPLETE, State.REFUSED, State.CANCELLED, State.ATTENTION)
# States from which a card in a reader starts a run, once `look_at` has come.
CLAIMABLE = (State.WAITING, State.UNKNOWN, State.SUBMITTED)


class StageName(models.TextChoices):
    """The five stages, in the user's order."""

    CONFIRMATION = contract.Stage.CONFIRMATION, pgettext_lazy("stage", "Confirmation")
    SEALING = contract.Stage.SEALING, pgettext_lazy("stage", "Sealing")
    SIGNING = contract.Stage.SIGNING, pgettext_lazy("stage", "Signing")
    AUTHORIZATION = contract.Stage.AUTHORIZATION, pgettext_lazy("stage", "Authorization")
    RECEIPT = contract.Stage.RECEIPT, pgettext_lazy("stage", "Receipt")


class StageState(models.TextChoices):
    """What a stage shows; the same six on the board, in print and in workbooks."""

    PENDING = "pending", pgettext_lazy("stage state", "Not begun")
    RUNNING = "running", pgettext_lazy("stage state", "In progress")
    DONE = "done", pgettext_lazy("stage state", "Done")
    SKIPPED = "skipped", pgettext_lazy("stage state", "Skipped")
    ATTENTION = "attention", pgettext_lazy("stage state", "Needs a person")
    UNKNOWN = "unknown", pgettext_lazy("stage state", "To be verified")


class IntentState(models.TextChoices):
    """How far one irreversible click is. Nobody clicks from ARMED, FIRED or UNKNOWN."""

    PLANNED = "planned", _("planned")
    ARMED = "armed", _("armed")
    FIRED = "fired", _("pressed")
    CONFIRMED = "confirmed", _("confirmed")
    ABSENT = "absent", _("not taken effect")
    UNKNOWN = "unknown", _("unknown")


# The click may have reached the portal, and no reading has told yet.
OPEN_INTENT = (IntentState.ARMED, IntentState.FIRED, IntentState.UNKNOWN)


# So the code of a twin's desk begins, and no other: a trigger holds both.
REHEARSAL_DESK = "rehearsal-"


class Desk(TenantModel):
    """读卡台: one computer, one card reader, one card at a time.

    `sitting` and `sitting_until` say which worker has the desk; nobody when the time is past.
    `notice` is a code of what the desk page says to the person at the reader.
    """

    name = models.CharField(_("name"), max_length=40)
    code = models.SlugField(max_length=24, unique=True)
    control = models.CharField(_("address of the card control"), max_length=120)
    card_number = models.CharField(max_length=40, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    sitting = models.UUIDField(null=True, blank=True)
    sitting_until = models.DateTimeField(null=True, blank=True)
    notice = models.CharField(max_length=40, blank=True)
    # False where the card tells nothing without a PIN: then staff say which card is in.
    reads_cards = models.BooleanField(_("the card can be read without a PIN"), default=True)

    class Meta:
        verbose_name = _("card desk")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="a_sitting_has_an_end",
                condition=Q(sitting__isnull=True, sitting_until__isnull=True)
                | Q(sitting__isnull=False, sitting_until__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def queue(self) -> str:
        """The Celery queue that this desk's worker listens to."""
        return f"desk.{self.code}"

    @property
    def is_rehearsal(self) -> bool:
        """Whether this desk stands in a rehearsal: its player works at it, and no worker is rung for it."""
        return self.code.startswith(REHEARSAL_DESK)


class Batch(TenantModel):
    """批次: renewals that were queued together. Its renewals are fixed when it is made.

    `chosen_by` is the filter as it stood in the address, empty for companies picked by hand;
    `asked` is the number that it found then. `proven` are the stages that a first company has
    passed: until then one company at a time tries a stage (`domain/guarding.py`).
    """

    name = models.CharField(_("name"), max_length=80)
    year = models.PositiveSmallIntegerField(_("policy year"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    asked = models.PositiveIntegerField(_("companies asked for"))
    chosen_by = models.TextField(blank=True)
    proven = ArrayField(models.CharField(max_length=14, choices=StageName), default=list)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.name


class Renewal(TenantModel):
    """续保: one company's policy for one year.

    `epoch` grows with each claim; a worker writes only while the epoch is its own. `look_at` is
    the moment from which the next run makes sense; None means at once. `stage` is the first that
    is not settled, empty once all are: it follows the five rows of `Stage` (see `domain/stages.py`).
    `taken_by` does it by hand on the portal: no run begins, and one under way stops before its next
    irreversible click (see `domain/by_hand.py`).
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="renewals")
    year = models.PositiveSmallIntegerField(_("policy year"))
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="renewals")
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    state_since = models.DateTimeField(db_default=Now())
    stage = models.CharField(max_length=14, choices=StageName, default=StageName.CONFIRMATION, blank=True)
    priority = models.SmallIntegerField(default=0)
    due_on = models.DateField(null=True, blank=True)
    desk = models.ForeignKey(Desk, models.PROTECT, null=True, related_name="+")
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)
    setbacks = models.PositiveSmallIntegerField(default=0, help_text="technical failures in a row")
    reason = models.CharField(max_length=40, blank=True)
    reason_detail = models.JSONField(default=dict)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(_("note"), max_length=300, blank=True)
    application_number = models.CharField(max_length=60, blank=True)
    queued_at = models.DateTimeField(db_default=Now())
    submitted_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    # The board asks what changed since it last looked; every write moves this on.
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("renewal")
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "company", "year"],
                condition=~Q(state=State.CANCELLED),
                name="one_renewal_per_company_and_year",
            ),
            models.CheckConstraint(
                name="only_a_running_renewal_has_desk_and_lease",
                condition=Q(state=State.RUNNING, lease_until__isnull=False, desk__isnull=False)
                | (~Q(state=State.RUNNING) & Q(lease_until__isnull=True, desk__isnull=True)),
            ),
            models.CheckConstraint(
                name="who_needs_a_person_says_why",
                condition=~Q(state__in=[State.ATTENTION, State.REFUSED]) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="who_waits_for_the_portal_has_a_next_look",
                condition=~Q(state__in=[State.SUBMITTED, State.UNKNOWN]) | Q(look_at__isnull=False),
            ),
            models.CheckConstraint(
                name="what_a_person_does_by_hand_no_run_takes_up",
                condition=Q(taken_by__isnull=True) | Q(state__in=[State.RUNNING, State.ATTENTION]),
            ),
        ]
        indexes = [
            # Today and the board count a year's renewals in the index alone. `company` stands in it
            # because row-level security asks for it.
            models.Index(
                fields=["agency", "year", "state"],
                include=["reason", "company", "state_since", "look_at"],
                name="renewals_counted",
            ),
            models.Index(fields=["state", "look_at"], name="renewals_due"),
            models.Index(
                fields=["agency", "changed_at"], include=["company"], name="renewals_changed_lately"
            ),
            # However many years are over.
            models.Index(
                fields=["agency", "look_at"],
                condition=Q(state__in=CLAIMABLE),
                name="renewals_a_card_starts",
            ),
            models.Index(
                fields=["agency", "state_since"],
                condition=Q(state__in=(State.ATTENTION, State.REFUSED)),
                name="renewals_that_stopped",
            ),
            models.Index(
                fields=["batch", "stage"],
                condition=Q(state=State.RUNNING),
                name="renewals_running_in_a_batch",
            ),
        ]


class OfARenewal(TenantModel):
    """A row of which each renewal has many. Its agency and renewal are held to the renewal's as a pair.

    That pair (`agency.isolation`) says all that a foreign key of either alone would, and its table is read
    by the two together: see docs/adr/0020.
    """

    agency = models.ForeignKey(
        "agency.Agency",
        models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    renewal = models.ForeignKey(
        Renewal, models.CASCADE, related_name="%(class)ss", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True


class Stage(OfARenewal):
    """环节: one of the five stages of a renewal."""

    name = models.CharField(max_length=14, choices=StageName)
    state = models.CharField(max_length=10, choices=StageState, default=StageState.PENDING)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "renewal", "name"], name="five_stages_per_renewal")
        ]

    @property
    def word(self) -> str:
        """What its state is called. `get_state_display` translates all six to find one."""
        return str(StageState(self.state).label)


class Run(OfARenewal):
    """一次办理: one sitting of the driver with one renewal.

    `stage` is where the renewal stood when the run ended, and `point` what stopped it there, where
    that may be the portal's fault: equal points of several companies trip the circuit breaker.
    `late_writes` counts what the run tried
    to write after the renewal was no longer its own; none of it was written.
    """

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="+")
    epoch = models.PositiveIntegerField()
    worker = models.CharField(max_length=80)
    profile = models.CharField(max_length=20)
    profile_sha256 = models.CharField(max_length=64, blank=True)
    began_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    stage = models.CharField(max_length=14, choices=StageName, blank=True)
    point = models.CharField(max_length=200, blank=True)
    late_writes = models.PositiveIntegerField(default=0)
    # What is going on this second, for the board and the desk: {"what": …, "seconds": …, "of": …}.
    doing = models.JSONField(default=dict)

    class Meta:
        ordering = ["began_at"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "renewal", "epoch"], name="one_run_per_epoch")
        ]
        # A desk's page asks what runs there now, and what ended there today.
        indexes = [models.Index(fields=["agency", "desk", "ended_at"], name="runs_at_a_desk")]


class Pause(TenantModel):
    """Work that stands still: who stopped it, why, and until when. Nothing named means all of the agency's.

    `batch`, `stage`, `desk` and `renewal` narrow it: a batch, a stage of a batch, a stage everywhere, a
    desk, one renewal.
    `found` says what the circuit breaker saw, where it was not a person who paused; from `probe_at`
    on such a pause lets one company at a time try, and ends when one gets through.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, null=True, related_name="pauses")
    stage = models.CharField(max_length=14, choices=StageName, blank=True)
    desk = models.ForeignKey(Desk, models.CASCADE, null=True, related_name="pauses")
    renewal = models.ForeignKey(Renewal, models.CASCADE, null=True, related_name="pauses")
    why = models.CharField(max_length=300)
    found = models.JSONField(default=dict)
    probe_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(db_default=Now())
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["begun_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "batch", "stage", "desk", "renewal"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="paused_once_at_a_time",
            ),
            models.CheckConstraint(
                name="a_desk_is_paused_whole",
                condition=Q(desk__isnull=True) | Q(batch__isnull=True, stage=""),
            ),
            models.CheckConstraint(
                name="a_renewal_is_paused_whole",
                condition=Q(renewal__isnull=True) | Q(batch__isnull=True, stage="", desk__isnull=True),
            ),
        ]


class BoardView(TenantModel):
    """视图: rows and columns of the board that colleagues share under a name; `query` is their address."""

    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=1000, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("view of the board")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "name"], name="one_board_view_per_agency_and_name")
        ]

    def __str__(self) -> str:
        return self.name


class Standstill(models.Model):
    """The whole installation stands still: begun and ended by its operator, for all agencies alike."""

    why = models.CharField(max_length=300)
    begun_at = models.DateTimeField(db_default=Now())
    begun_by = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ended_at"], nulls_distinct=False, name="one_standstill_at_a_time"
            )
        ]


class RehearsalState(models.TextChoices):
    """How far a rehearsal is."""

    ASKED = "asked", pgettext_lazy("rehearsal", "About to begin")
    PLAYING = "playing", pgettext_lazy("rehearsal", "Under way")
    OVER = "over", pgettext_lazy("rehearsal", "Over, and still to be looked at")
    FAILED = "failed", pgettext_lazy("rehearsal", "Broken off")
    ENDING = "ending", pgettext_lazy("rehearsal", "Being wiped")
    WIPED = "wiped", pgettext_lazy("rehearsal", "Wiped")


class Rehearsal(TenantModel):
    """演练: a batch played on the simulator, in the agency's twin. This row is the real agency's.

    `batch` is the batch's id in the twin, where no key of this agency's reaches. `total`, `complete` and
    `stopped` are what its player last counted there; `held_until` says whose turn it is to play it.
    """

    name = models.CharField(_("name"), max_length=80)
    year = models.PositiveSmallIntegerField(_("policy year"))
    companies = ArrayField(models.UUIDField())
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=RehearsalState, default=RehearsalState.ASKED)
    held_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    batch = models.UUIDField(null=True)
    total = models.PositiveIntegerField(default=0)
    complete = models.PositiveIntegerField(default=0)
    stopped = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("rehearsal")
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["agency"],
                condition=~Q(state=RehearsalState.WIPED),
                name="one_rehearsal_at_a_time",
            )
        ]

    @property
    def is_open(self) -> bool:
        """Whether somebody may come in and look."""
        return self.batch is not None and self.state in (RehearsalState.PLAYING, RehearsalState.OVER)

    @property
    def at_rest(self) -> int:
        """How many of its renewals are over: complete, or stopped for a person."""
        return self.complete + self.stopped


class Matter(TenantModel):
    """待人工: something that a person must see to while the renewal itself goes on or waits.

    A renewal in ATTENTION has stopped and says why itself; a matter stands beside a renewal that
    has not stopped. `reason` is a code of the catalogue.
    """

    renewal = models.ForeignKey(Renewal, models.CASCADE, related_name="matters")
    reason = models.CharField(max_length=40)
    opened_at = models.DateTimeField(db_default=Now())
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    closed_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "renewal", "reason"],
                condition=Q(closed_at__isnull=True),
                name="one_open_matter_per_reason",
            )
        ]


class Intent(TenantModel):
    """One irreversible click of a renewal: written down before it is pressed, once per renewal and click.

    `presses` counts how often it was armed: at most twice, and the second time only after two
    complete readings showed that the first did not take effect.
    """

    renewal = models.ForeignKey(Renewal, models.CASCADE, related_name="intents")
    click = models.CharField(max_length=10, choices=[(click.value, click.value) for click in contract.Click])
    state = models.CharField(max_length=10, choices=IntentState, default=IntentState.PLANNED)
    epoch = models.PositiveIntegerField()
    presses = models.PositiveSmallIntegerField(default=0)
    armed_at = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    first_absent_at = models.DateTimeField(null=True)
    page_sha256 = models.CharField(max_length=64, blank=True)
    request_sha256 = models.CharField(max_length=64, blank=True)
    proof = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "renewal", "click"], name="one_intent_per_click"),
            models.CheckConstraint(name="armed_twice_at_most", condition=Q(presses__lte=2)),
        ]


class Event(OfARenewal):
    """What happened to a renewal, in order. `kind` has its sentence in `renewals/sentences.py`."""

    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="events")
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=40)
    detail = models.JSONField(default=dict)
    actor_name = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["agency", "renewal", "at"], name="story_of_a_renewal")]


class Evidence(TenantModel):
    """Proof of what the portal showed. The file lies under its digest; `chain` covers the one before it."""

    renewal = models.ForeignKey(Renewal, models.CASCADE, related_name="evidence")
    run = models.ForeignKey(Run, models.CASCADE, related_name="evidence")
    stage = models.CharField(max_length=14, choices=StageName, blank=True)
    kind = models.CharField(max_length=12)
    page = models.CharField(max_length=60)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())
    chain = models.CharField(max_length=64)

    class Meta:
        ordering = ["at"]
        verbose_name = _("evidence")


class Policy(TenantModel):
    """保单: the policy as downloaded from the portal."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="policies")
    renewal = models.OneToOneField(Renewal, models.PROTECT, related_name="policy")
    number = models.CharField(_("policy number"), max_length=60)
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    insurer = models.CharField(max_length=80)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    downloaded_at = models.DateTimeField(db_default=Now())
    received_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["agency", "number"], name="one_policy_per_agency_and_number")
        ]


class PinResult(models.TextChoices):
    """What the portal made of a PIN."""

    ACCEPTED = "accepted", _("accepted")
    REFUSED = "refused", _("refused")
    UNCLEAR = "unclear", _("unclear")
    NOT_TYPED = "not_typed", _("not typed")


class PinGrant(TenantModel):
    """A PIN that may be typed once, at one desk, for one card.

    `used_at` is committed before the PIN is typed. A used grant without a result means that we
    do not know what the card made of it: the card goes into quarantine.
    """

    card = models.ForeignKey(Card, models.CASCADE, related_name="pin_grants")
    desk = models.ForeignKey(Desk, models.CASCADE, related_name="+")
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="pin_grants")
    sealed_pin = models.BinaryField(null=True, editable=False)
    from_vault = models.BooleanField(default=False)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=10, choices=PinResult, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "card", "desk"],
                condition=Q(used_at__isnull=True),
                name="one_unused_pin_per_card_and_desk",
            ),
            models.CheckConstraint(
                name="a_result_needs_a_use", condition=Q(result="") | Q(used_at__isnull=False)
            ),
            models.CheckConstraint(
                name="a_used_pin_is_wiped", condition=Q(used_at__isnull=True) | Q(sealed_pin__isnull=True)
            ),
        ]
