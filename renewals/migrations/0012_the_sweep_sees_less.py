"""The sweep keeps only the columns that it asks for."""

from django.db import migrations

LESS = """
REVOKE SELECT (epoch, state_since) ON renewals_renewal FROM xubao_sweep;
REVOKE SELECT (control, seen_at) ON renewals_desk FROM xubao_sweep;
"""
AS_BEFORE = """
GRANT SELECT (epoch, state_since) ON renewals_renewal TO xubao_sweep;
GRANT SELECT (control, seen_at) ON renewals_desk TO xubao_sweep;
"""


class Migration(migrations.Migration):
    dependencies = [("renewals", "0011_board_views_and_paused_renewals")]

    operations = [migrations.RunSQL(LESS, AS_BEFORE)]
