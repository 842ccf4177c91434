"""What Today and the board count of a year stands in its index; so does what waits, and what changed last."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the indexes are built beside the work that goes on

    dependencies = [("renewals", "0012_the_sweep_sees_less")]

    operations = [
        AddIndexConcurrently(
            model_name="renewal",
            index=models.Index(
                fields=["agency", "year", "state"],
                include=["reason", "company", "state_since", "look_at"],
                name="renewals_counted",
            ),
        ),
        RemoveIndexConcurrently(model_name="renewal", name="renewals_of_a_year"),
        AddIndexConcurrently(
            model_name="renewal",
            index=models.Index(
                fields=["agency", "changed_at"], include=["company"], name="renewals_changed_lately"
            ),
        ),
        RemoveIndexConcurrently(model_name="renewal", name="renewals_changed"),
        AddIndexConcurrently(
            model_name="renewal",
            index=models.Index(
                fields=["agency", "look_at"],
                condition=models.Q(state__in=["waiting", "unknown", "submitted"]),
                name="renewals_a_card_starts",
            ),
        ),
    ]
