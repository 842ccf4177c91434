"""An invitation is due until its mail has gone out."""

from __future__ import annotations

from django.db import migrations, models


def _text(longest: int) -> models.CharField[str, str]:
    return models.CharField(blank=True, default="", editable=False, max_length=longest)


class Migration(migrations.Migration):
    dependencies = [("agency", "0010_the_trail_is_always_read_by_its_index")]

    operations = [
        migrations.AddField("invitation", "due_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("invitation", "language", _text(10)),
        migrations.AddField("invitation", "origin", _text(200)),
    ]
