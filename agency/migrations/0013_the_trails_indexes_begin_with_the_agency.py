"""The trail keeps the indexes that are read: each begins with the agency, so none is of it alone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0012_clients_read_no_trail"),
    ]

    operations = [
        # No other table names an entry together with its agency.
        migrations.RunSQL(
            "ALTER TABLE agency_auditentry DROP CONSTRAINT agency_auditentry_agency_row",
            "ALTER TABLE agency_auditentry "
            "ADD CONSTRAINT agency_auditentry_agency_row UNIQUE (agency_id, id)",
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="agency",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
    ]
