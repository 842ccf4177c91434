"""The board shows companies by name, a page at a time: an index for that order."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is built beside the work that goes on

    dependencies = [("companies", "0009_asks_are_due_and_imports_end")]

    operations = [
        AddIndexConcurrently(
            model_name="company", index=models.Index(fields=["agency", "name"], name="companies_by_name")
        ),
    ]
