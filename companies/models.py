"""Client companies of an agency, and what a renewal needs to know of them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from stdnum.cn import uscc as uscc_number
from stdnum.exceptions import ValidationError as NotANumber

from agency.models import Outgoing
from agency.tenancy import TenantModel
from companies.initials import InitialsField


def validate_uscc(value: str) -> None:
    """Refuse anything but a 统一社会信用代码 whose check digit is right (GB 32100-2015)."""
    try:
        uscc_number.validate(value)
    except NotANumber as error:
        raise ValidationError(
            _("%(value)s is not a unified social credit code: check its 18 characters"),
            params={"value": value},
        ) from error


class Company(TenantModel):
    """客户企业: a client company of the agency."""

    # No index of its own: (agency, id) begins with it. While an agency brings in its first workbook, and
    # Postgres knows nothing of the table yet, it took that index to look for a contact's company, and so
    # read every company of the agency for each contact.
    agency = models.ForeignKey(
        "agency.Agency", models.PROTECT, related_name="+", editable=False, db_index=False
    )
    name = models.CharField(_("company"), max_length=120)
    initials = InitialsField(max_length=120, db_default="", editable=False)
    uscc = models.CharField(_("unified social credit code"), max_length=18, validators=[validate_uscc])
    region = models.CharField(_("region"), max_length=40, blank=True)
    note = models.TextField(_("note"), blank=True)
    tags = ArrayField(models.CharField(max_length=20), default=list, db_default=[], blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("staff member in charge"),
    )
    authorized_before = models.BooleanField(_("authorised in an earlier year"), null=True, blank=True)
    old_policy_ends_on = models.DateField(_("present policy ends on"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # The company has asked for its data to go; the proof of what was done stays until that day.
    erased_at = models.DateTimeField(null=True, editable=False)
    kept_until = models.DateField(null=True, editable=False)

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ["name"]
        indexes = [
            models.Index(fields=["agency", "initials", "name"], name="companies_by_initials"),
            models.Index(fields=["agency", "name"], name="companies_by_name"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["agency", "uscc"], name="one_company_per_agency_and_uscc"),
            models.CheckConstraint(
                name="what_is_erased_is_kept_until_a_day",
                condition=models.Q(erased_at__isnull=True, kept_until__isnull=True)
                | models.Q(erased_at__isnull=False, kept_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(TenantModel):
    """联系人: whom the portal and we write to at a company."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="contacts")
    name = models.CharField(_("contact"), max_length=60)
    mobile = models.CharField(_("mobile"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    is_primary = models.BooleanField(_("primary contact"), default=True)

    class Meta:
        verbose_name = _("contact")
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "company"],
                condition=models.Q(is_primary=True),
                name="one_primary_contact_per_company",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CardKind(models.TextChoices):
    """What the card signs for."""

    LEGAL_PERSON = "legal_person", _("legal-person card")
    OPERATOR = "operator", _("operator card")


class Custody(models.TextChoices):
    """Where the card lies."""

    AGENCY = "agency", _("at the agency")
    COMPANY = "company", _("with the company")


class Card(TenantModel):
    """法人卡: the smart card that signs in for one company.

    `sealed_pin` is the vault: present only where the company allowed it (see `companies.domain.cards`).
    A card in quarantine is not used until a person has looked at it.
    """

    company = models.ForeignKey(Company, models.CASCADE, related_name="cards")
    kind = models.CharField(_("kind of card"), max_length=20, choices=CardKind, default=CardKind.LEGAL_PERSON)
    number = models.CharField(_("card number"), max_length=40)
    certificate = models.CharField(_("certificate number"), max_length=64, blank=True)
    holder = models.CharField(_("card holder"), max_length=60, blank=True)
    valid_until = models.DateField(_("certificate valid until"), null=True, blank=True)
    custody = models.CharField(_("custody"), max_length=10, choices=Custody, default=Custody.AGENCY)
    drawer = models.CharField(_("drawer"), max_length=20, blank=True)
    sealed_pin = models.BinaryField(null=True, blank=True, editable=False)
    quarantined_at = models.DateTimeField(null=True, blank=True, editable=False)
    quarantine_reason = models.CharField(max_length=40, blank=True, editable=False)

    class Meta:
        verbose_name = _("card")
        constraints = [
            models.UniqueConstraint(fields=["agency", "number"], name="one_card_per_agency_and_number"),
            models.CheckConstraint(
                name="quarantine_has_a_reason",
                condition=models.Q(quarantined_at__isnull=True, quarantine_reason="")
                | (models.Q(quarantined_at__isnull=False) & ~models.Q(quarantine_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.number[-4:]}"

    @property
    def is_quarantined(self) -> bool:
        """Whether a person must look at the card before it is used again."""
        return self.quarantined_at is not None

    @property
    def is_expired(self) -> bool:
        """Whether the certificate is out of date today; a card of unknown validity is not."""
        return self.valid_until is not None and self.valid_until < timezone.localdate()


class HowGiven(models.TextChoices):
    """How a company gave its consent."""

    CLICK = "click", _("on its own page")
    LETTER = "letter", _("in a letter")


class Consent(TenantModel):
    """委托授权: a company's recorded permission that the agency acts for it in one policy year."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="consents")
    year = models.PositiveSmallIntegerField(_("policy year"))
    wording_version = models.CharField(max_length=20)
    wording_sha256 = models.CharField(max_length=64)
    how = models.CharField(max_length=10, choices=HowGiven)
    given_by = models.CharField(_("given by"), max_length=80)
    given_at = models.DateTimeField(_("given at"))
    address = models.GenericIPAddressField(null=True, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "company", "year"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_consent_in_force_per_company_and_year",
            )
        ]


class Ask(Outgoing):
    """What a company was asked by mail to bring in order, for one policy year, and by whom."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="asks")
    year = models.PositiveSmallIntegerField()
    problems = ArrayField(models.CharField(max_length=30))
    contact = models.CharField(max_length=60)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["agency", "company", "year"], name="asks_by_company")]


class ImportState(models.TextChoices):
    """How far a workbook is."""

    READING = "reading", _("being read")
    COLUMNS = "columns", _("asks what its columns are")
    READY = "ready", _("can be imported")
    WRITING = "writing", _("being imported")
    DONE = "done", pgettext_lazy("workbook", "imported")
    REFUSED = "refused", _("refused")


# Whoever reads or writes holds the import for so long after each portion; then another may go on.
IMPORT_HELD = timedelta(seconds=60)


class Import(TenantModel):
    """导入: one workbook, from its upload to what became of each row.

    A worker reads and writes it in portions; `done` of `total` are through. `epoch` says whose turn it
    is: a worker that was given up writes nothing more. `chosen` is where the columns stand by a person's
    word, `refusal` why nothing of the file was used. The file itself lies in `companies.uploads` as `file`.
    """

    filename = models.CharField(max_length=200)
    file = models.UUIDField()
    sha256 = models.CharField(max_length=64, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.READING)
    sheet = models.CharField(max_length=40, blank=True)
    sheets = ArrayField(models.CharField(max_length=40), default=list)
    # [{"text": heading, "samples": […], "column": what we took it for, or ""}], by place.
    headings = models.JSONField(default=list)
    chosen = models.JSONField(null=True)
    skips_hidden = models.BooleanField(default=False)
    hidden = models.PositiveIntegerField(default=0)
    refusal = models.JSONField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    # How often a worker took up what a person asked for last: what ends its worker each time must end, too.
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("import")
        ordering = ["-made_at"]


class ImportRow(TenantModel):
    """One row of a workbook: what it says, what it would do, and what became of it.

    `cells` are as they stood in the file, to be given back where the row is wrong. `outcome` is empty
    until the row was written; it is the verdict of that moment.
    """

    workbook = models.ForeignKey(Import, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200, blank=True)
    uscc = models.CharField(max_length=40, blank=True)
    is_hidden = models.BooleanField(default=False)
    cells = models.JSONField(default=list)
    entry = models.JSONField(default=dict)
    verdict = models.CharField(max_length=10)
    changes = models.JSONField(default=list)
    joining = models.JSONField(default=list)
    mistakes = models.JSONField(default=list)
    # Good to know of a row that is taken all the same.
    remarks = models.JSONField(default=list, db_default=[])
    outcome = models.CharField(max_length=10, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "workbook", "number"], name="one_row_of_a_number")
        ]
        indexes = [
            models.Index(fields=["agency", "workbook", "verdict", "number"], name="import_rows_by_verdict")
        ]
