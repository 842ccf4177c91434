"""An invitation counts how often its mail was tried, and says when nobody tries any more."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agency", "0013_the_trails_indexes_begin_with_the_agency")]

    operations = [
        migrations.AddField(
            "invitation",
            "mail_tries",
            models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField("invitation", "mail_failed_at", models.DateTimeField(editable=False, null=True)),
    ]
