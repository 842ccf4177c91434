"""An ask is due until its mail has gone out; an import counts how often it was taken up."""

from __future__ import annotations

from django.db import migrations, models


def _text(longest: int) -> models.CharField[str, str]:
    return models.CharField(blank=True, default="", editable=False, max_length=longest)


class Migration(migrations.Migration):
    dependencies = [("companies", "0008_one_index_by_agency")]

    operations = [
        migrations.AddField("ask", "due_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("ask", "language", _text(10)),
        migrations.AddField("ask", "origin", _text(200)),
        migrations.AddField("import", "tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
    ]
