"""A row of a workbook says what is good to know of it although it is taken."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("companies", "0011_mails_are_given_up")]

    operations = [
        migrations.AddField("importrow", "remarks", models.JSONField(db_default=[], default=list)),
    ]
