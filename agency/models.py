"""The tenant and its people."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
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
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("tenant", "agency")
        verbose_name_plural = pgettext_lazy("tenant", "agencies")

    def __str__(self) -> str:
        return self.name


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


class Membership(TenantModel):
    """A person's one role in an agency; a client's is about one company."""

    # Sign-in must find a person's agency before any scope is open. Postgres shows each person
    # (`as_user`) no rows but his own.
    across_agencies = models.Manager["Membership"]()

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    company = models.ForeignKey(
        "companies.Company", models.CASCADE, null=True, blank=True, related_name="people"
    )

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


class AuditEntry(TenantModel):
    """Who did what, on what, from where. Written once: a trigger refuses any change.

    `number`, `previous` and `digest` are filled by the database: each entry's digest covers its
    own words and the digest of the agency's entry before it.
    """

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
        indexes = [models.Index(fields=["agency", "object_type", "object_id"], name="audit_by_object")]
