"""A look that failed, or was held back, is not made before its moment, however long its card lies there.

As `renewals/domain/claiming.py` has it for the claim at leisure; the function of 0005 looked at the state
alone. The rest of the function is as it was.
"""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("renewals.migrations.0005_claim_in_one_statement")
_SOON = """
                <= moment + CASE renewal.state WHEN 'submitted' THEN in_soon ELSE interval '0' END)
"""
_SOON_UNLESS_IT_FAILED = """
                <= moment + CASE
                    WHEN renewal.state = 'submitted' AND renewal.setbacks = 0
                        AND renewal.reason <> 'held_back'
                    THEN in_soon ELSE interval '0' END)
"""


def _function(soon: str) -> str:
    """The function of 0005 with another idea of what is due soon."""
    made: str = _BEFORE.CLAIM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    return made.replace(_SOON, soon)


class Migration(migrations.Migration):
    dependencies = [("renewals", "0015_what_stopped_by_an_index")]

    operations = [migrations.RunSQL(_function(_SOON_UNLESS_IT_FAILED), _function(_SOON))]
