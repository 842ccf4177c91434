"""The tenant and its people."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.tenancy import TenantModel


class Agency(models.Model):
    """代理机构: one trade-services agency; the tenant."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name"), unique=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    idle_minutes = models.PositiveSmallIntegerField(
        _("minutes without a move until people are signed out"),
        default=30,
        db_default=30,
        validators=[MinValueValidator(5), MaxValueValidator(240)],
    )
    # The twin in which this agency's staff rehearse: said when it is made, and never again.
    rehearsal_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        verbose_name = pgettext_lazy("tenant", "agency")
        verbose_name_plural = pgettext_lazy("tenant", "agencies")

    def __str__(self) -> str:
        return self.name

    @property
    def is_rehearsal(self) -> bool:
        """Whether this is a twin: nothing in it is real, and nothing of it may get out."""
        return self.rehearsal_of_id is not None


class UserManager(BaseUserManager["User"]):
    """People are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A new person. Without a password, signing in takes a code by e-mail."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """A person. Which agency he works for, and as what, is said by his `Membership`."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    username = None  # type: ignore[assignment]  # people are known by their e-mail address
    first_name = None  # type: ignore[assignment]  # Chinese names are not split
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail address"), unique=True)
    # The one sign-in without a second factor that everybody gets who must have one.
    grace_used_at = models.DateTimeField(null=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do in an agency."""

    ADMIN = "admin", _("Admin")
    STAFF = "staff", _("Staff")
    CLIENT = "client", _("Client")


class Operator(models.Model):
    """平台运营: who runs the installation. The web may read these rows and never write one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField(db_default=Now(), editable=False)


class Membership(TenantModel):
    """A person's one role in an agency; a client's is about one company.

    Nobody is taken out: who left has `ended_at`, and comes in no more.
    """

    # Sign-in must find a person's agency before any scope is open. Postgres shows each person
    # (`as_user`) no rows but his own.
    across_agencies = models.Manager["Membership"]()

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    company = models.ForeignKey(
        "companies.Company", models.CASCADE, null=True, blank=True, related_name="people"
    )
    may_consent = models.BooleanField(_("may give the consent"), default=True, db_default=True)
    gets_mail = models.BooleanField(_("receives mail"), default=True, db_default=True)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["agency", "user"], name="one_role_per_person_and_agency"),
            models.CheckConstraint(
                name="a_client_names_a_company",
                condition=models.Q(role=Role.CLIENT, company__isnull=False)
                | (~models.Q(role=Role.CLIENT) & models.Q(company__isnull=True)),
            ),
        ]


class Outgoing(TenantModel):
    """A row that goes out by mail, which a worker sends (`outbox.py`)."""

    # When the mail is to go out, or to be tried again; empty once it has, or once nobody tries any more.
    due_at = models.DateTimeField(null=True, editable=False)
    mail_tries = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    mail_failed_at = models.DateTimeField(null=True, editable=False)
    # In whose language, and where its link leads, is known to the page that asks and to no worker.
    language = models.CharField(max_length=10, default="", blank=True, editable=False)
    origin = models.CharField(max_length=200, default="", blank=True, editable=False)

    class Meta:
        abstract = True


class Invitation(Outgoing):
    """An invitation by e-mail. Its link works once, for a week, and is kept here as a digest only."""

    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=80)
    role = models.CharField(_("role"), max_length=10, choices=Role)
    company = models.ForeignKey(
        "companies.Company",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="invitations",
        verbose_name=_("company"),
    )
    may_consent = models.BooleanField(_("may give the consent"), default=True)
    gets_mail = models.BooleanField(_("receives mail"), default=True)
    token_sha256 = models.CharField(max_length=64, editable=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    # Its holder finds it by its token before any scope is open; Postgres shows him no other.
    across_agencies = models.Manager["Invitation"]()

    class Meta:
        default_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "email"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(
                name="an_invited_client_has_a_company",
                condition=models.Q(role=Role.CLIENT, company__isnull=False)
                | (~models.Q(role=Role.CLIENT) & models.Q(company__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["token_sha256"], name="invitation_by_token")]


class Attempt(models.Model):
    """One try to get in, or one code sent, in a bucket that `agency.guarding` counts. Kept for a day."""

    bucket = models.CharField(max_length=80)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["bucket", "at"], name="attempts_of_a_bucket")]


class AuditHead(TenantModel):
    """The last entry of an agency's trail, written by the trigger: a trail that was cut off shows."""

    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency"], name="one_head_per_trail")]


class AuditEntry(TenantModel):
    """Who did what, on what, from where. Written once: a trigger refuses any change.

    `number`, `previous` and `digest` are filled by the database: each entry's digest covers its
    own words and the digest of the agency's entry before it.
    """

    # Each of its indexes begins with the agency: one of the agency alone would say nothing more.
    agency = models.ForeignKey(
        "agency.Agency", models.PROTECT, related_name="+", editable=False, db_index=False
    )
    number = models.BigIntegerField(editable=False, default=0)
    at = models.DateTimeField(editable=False, db_default=Now())
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=80)
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, editable=False, default="")
    digest = models.CharField(max_length=64, editable=False, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "number"], name="audit_entries_are_numbered")
        ]
        indexes = [
            models.Index(fields=["agency", "object_type", "object_id"], name="audit_by_object"),
            models.Index(fields=["agency", "at"], name="audit_by_time"),
        ]
