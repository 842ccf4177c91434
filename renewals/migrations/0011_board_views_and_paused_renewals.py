"""Views of the board that colleagues share, and pauses of single renewals."""

import uuid
from importlib import import_module

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from agency.isolation import Isolate

# The composite key that `Isolate` makes for a new table.
PAUSED = """
ALTER TABLE renewals_pause ADD CONSTRAINT renewals_pause_renewal_id_agency
    FOREIGN KEY (agency_id, renewal_id) REFERENCES renewals_renewal (agency_id, id)
    DEFERRABLE INITIALLY DEFERRED;
"""
NOT_PAUSED = "ALTER TABLE renewals_pause DROP CONSTRAINT renewals_pause_renewal_id_agency"

# Of the pauses of single renewals, the claim asks for the renewal's own.
_BEFORE = import_module("renewals.migrations.0009_no_early_look_after_a_setback").CLAIM
_OF_STAGE = "AND pause.stage IN ('', due.stage)\n"
_OF_RENEWAL = "AND (pause.renewal_id IS NULL OR pause.renewal_id = due.id)\n"
CLAIM = _BEFORE.replace(_OF_STAGE, f"{_OF_STAGE}                    {_OF_RENEWAL}")
assert CLAIM != _BEFORE  # noqa: S101  # a replacement that replaces nothing would go unnoticed


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0007_no_pause_of_its_own"),
        ("renewals", "0010_runs_at_a_desk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BoardView",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=1000)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "view of the board", "ordering": ["name"]},
        ),
        migrations.AddConstraint(
            model_name="boardview",
            constraint=models.UniqueConstraint(
                fields=("agency", "name"), name="one_board_view_per_agency_and_name"
            ),
        ),
        Isolate("renewals_boardview"),
        migrations.RemoveConstraint(model_name="pause", name="paused_once_at_a_time"),
        migrations.AddField(
            model_name="pause",
            name="renewal",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pauses",
                to="renewals.renewal",
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("agency", "batch", "stage", "desk", "renewal"),
                name="paused_once_at_a_time",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("renewal__isnull", True),
                    models.Q(("batch__isnull", True), ("desk__isnull", True), ("stage", "")),
                    _connector="OR",
                ),
                name="a_renewal_is_paused_whole",
            ),
        ),
        migrations.RunSQL(PAUSED, NOT_PAUSED),
        migrations.RunSQL(CLAIM, _BEFORE),
    ]
