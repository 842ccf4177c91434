"""A desk's page asks every two seconds what runs there now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("renewals", "0009_no_early_look_after_a_setback")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["agency", "desk", "ended_at"], name="runs_at_a_desk"),
        )
    ]
