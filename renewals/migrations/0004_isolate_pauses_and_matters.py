"""Row-level security for pauses and matters, what more the sweep may read, and each renewal's stage."""

from django.db import migrations

from agency.isolation import Isolate

# Everybody may know that the installation stands still; only its operator, the owner, begins or ends it.
STANDSTILL = """
REVOKE INSERT, UPDATE, DELETE ON renewals_standstill FROM xubao_app;
"""

# Which renewals have no next step, and which policies are late: ids, dates and states, and of a
# card only whether it can be used. No names, no numbers.
SWEEP = """
CREATE POLICY sweep ON companies_card AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
CREATE POLICY sweep ON companies_company AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
CREATE POLICY sweep ON renewals_matter AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
GRANT SELECT (agency_id, company_id, kind, custody, quarantined_at, valid_until)
    ON companies_card TO xubao_sweep;
GRANT SELECT (id, agency_id, old_policy_ends_on) ON companies_company TO xubao_sweep;
GRANT SELECT (agency_id, renewal_id, reason, closed_at) ON renewals_matter TO xubao_sweep;
GRANT SELECT (company_id, desk_id, reason) ON renewals_renewal TO xubao_sweep;
"""
NO_SWEEP = """
REVOKE SELECT (company_id, desk_id, reason) ON renewals_renewal FROM xubao_sweep;
REVOKE SELECT ON companies_card, companies_company, renewals_matter FROM xubao_sweep;
DROP POLICY sweep ON renewals_matter;
DROP POLICY sweep ON companies_company;
DROP POLICY sweep ON companies_card;
"""

# As the owner, under FORCE, no row would be seen.
STAGES = """
ALTER TABLE renewals_renewal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_stage NO FORCE ROW LEVEL SECURITY;
UPDATE renewals_renewal SET stage = COALESCE((
    SELECT name FROM renewals_stage
    WHERE renewal_id = renewals_renewal.id AND state NOT IN ('done', 'skipped')
    ORDER BY array_position(
        ARRAY['confirmation', 'sealing', 'signing', 'authorization', 'receipt'], name::text)
    LIMIT 1), '');
ALTER TABLE renewals_renewal FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_stage FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("renewals", "0003_pauses_and_matters"), ("companies", "0002_isolation")]

    operations = [
        Isolate("renewals_pause", references={"batch_id": "renewals_batch", "desk_id": "renewals_desk"}),
        Isolate("renewals_matter", references={"renewal_id": "renewals_renewal"}),
        migrations.RunSQL(STANDSTILL, migrations.RunSQL.noop),
        migrations.RunSQL(SWEEP, NO_SWEEP),
        migrations.RunSQL(STAGES, migrations.RunSQL.noop),
    ]
