"""An agency's pause is a row of `renewals.Pause`, like every other."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agency", "0006_policies_the_planner_understands")]

    operations = [migrations.RemoveField(model_name="agency", name="paused_at")]
