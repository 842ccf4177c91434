"""Stages, events and runs are held to their renewal and agency by the pair alone (docs/adr/0020)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0013_the_trails_indexes_begin_with_the_agency"),
        ("renewals", "0016_the_claim_anew"),
    ]

    operations = [
        # No other table names one of these together with its agency.
        *[
            migrations.RunSQL(
                f"ALTER TABLE {table} DROP CONSTRAINT {table}_agency_row",
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_agency_row UNIQUE (agency_id, id)",
            )
            for table in ("renewals_event", "renewals_stage")
        ],
        migrations.AlterField(
            model_name="event",
            name="agency",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="renewal",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="renewals.renewal",
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="agency",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="renewal",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="renewals.renewal",
            ),
        ),
        migrations.AlterField(
            model_name="stage",
            name="agency",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
        migrations.AlterField(
            model_name="stage",
            name="renewal",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="renewals.renewal",
            ),
        ),
    ]
