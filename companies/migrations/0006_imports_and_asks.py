"""Imports with a row of their own for each line of a workbook; and what companies were asked."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0007_no_pause_of_its_own"),
        ("companies", "0005_fill_initials"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("filename", models.CharField(max_length=200)),
                ("file", models.UUIDField()),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "made_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reading", "being read"),
                            ("columns", "asks what its columns are"),
                            ("ready", "can be imported"),
                            ("writing", "being imported"),
                            ("done", "imported"),
                            ("refused", "refused"),
                        ],
                        default="reading",
                        max_length=10,
                    ),
                ),
                ("sheet", models.CharField(blank=True, max_length=40)),
                (
                    "sheets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list
                    ),
                ),
                ("headings", models.JSONField(default=list)),
                ("chosen", models.JSONField(null=True)),
                ("skips_hidden", models.BooleanField(default=False)),
                ("hidden", models.PositiveIntegerField(default=0)),
                ("refusal", models.JSONField(null=True)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("held_until", models.DateTimeField(null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agency.agency",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "ordering": ["-made_at"],
            },
        ),
        migrations.CreateModel(
            name="Ask",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("year", models.PositiveSmallIntegerField()),
                (
                    "problems",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30)),
                ),
                ("contact", models.CharField(max_length=60)),
                (
                    "asked_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agency.agency",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="asks",
                        to="companies.company",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["agency", "company", "year"], name="asks_by_company")],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(blank=True, max_length=200)),
                ("uscc", models.CharField(blank=True, max_length=40)),
                ("is_hidden", models.BooleanField(default=False)),
                ("cells", models.JSONField(default=list)),
                ("entry", models.JSONField(default=dict)),
                ("verdict", models.CharField(max_length=10)),
                ("changes", models.JSONField(default=list)),
                ("joining", models.JSONField(default=list)),
                ("mistakes", models.JSONField(default=list)),
                ("outcome", models.CharField(blank=True, max_length=10)),
                (
                    "agency",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agency.agency",
                    ),
                ),
                (
                    "workbook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="companies.import",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "indexes": [
                    models.Index(
                        fields=["agency", "workbook", "verdict", "number"], name="import_rows_by_verdict"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("agency", "workbook", "number"), name="one_row_of_a_number"
                    )
                ],
            },
        ),
    ]
