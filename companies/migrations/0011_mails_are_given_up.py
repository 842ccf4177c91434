"""An ask counts how often its mail was tried, and says when nobody tries any more."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("companies", "0010_companies_by_name")]

    operations = [
        migrations.AddField(
            "ask", "mail_tries", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField("ask", "mail_failed_at", models.DateTimeField(editable=False, null=True)),
    ]
