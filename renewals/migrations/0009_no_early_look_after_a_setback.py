"""A look that failed waits for its time, also while the card lies in the reader."""

from importlib import import_module

from django.db import migrations

_first = import_module("renewals.migrations.0005_claim_in_one_statement")
_AS_IT_WAS = _first.CLAIM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_NOW = _AS_IT_WAS.replace(
    "CASE renewal.state WHEN 'submitted' THEN in_soon ELSE interval '0' END",
    "CASE WHEN renewal.state = 'submitted' AND renewal.setbacks = 0 THEN in_soon ELSE interval '0' END",
)
assert _NOW != _AS_IT_WAS  # noqa: S101  # a replacement that replaces nothing would go unnoticed


class Migration(migrations.Migration):
    dependencies = [("renewals", "0008_a_person_takes_over")]

    operations = [migrations.RunSQL(_NOW, _AS_IT_WAS)]
