"""The trail's last entry is found by the index, also by a plan that was made while the trail was empty."""

from django.db import migrations

# A plan is kept for as long as a statement runs, and an empty table is read whole: ten thousand first
# entries in one statement then took seventeen seconds.
FUNCTIONS = ("agency_auditentry_chain()", "agency_auditentry_crown()")


class Migration(migrations.Migration):
    dependencies = [("agency", "0009_rehearsal_twins")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {function} SET enable_seqscan = off",
            f"ALTER FUNCTION {function} RESET enable_seqscan",
        )
        for function in FUNCTIONS
    ]
