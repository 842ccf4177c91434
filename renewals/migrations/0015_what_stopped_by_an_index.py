"""The inbox finds what stopped by an index, however many years are over."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is built beside the work that goes on

    dependencies = [("renewals", "0014_rehearsals")]

    operations = [
        AddIndexConcurrently(
            model_name="renewal",
            index=models.Index(
                fields=["agency", "state_since"],
                condition=models.Q(state__in=["attention", "refused"]),
                name="renewals_that_stopped",
            ),
        ),
    ]
