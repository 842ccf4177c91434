"""The sweep may compare a renewal with its stages; and stages that said something else are put right."""

from django.db import migrations

# A stage's name is one of five words: no person's.
SWEEP = """
CREATE POLICY sweep ON renewals_stage AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
GRANT SELECT (agency_id, renewal_id, name, state) ON renewals_stage TO xubao_sweep;
GRANT SELECT (stage, changed_at) ON renewals_renewal TO xubao_sweep;
"""
NO_SWEEP = """
REVOKE SELECT (stage, changed_at) ON renewals_renewal FROM xubao_sweep;
REVOKE SELECT ON renewals_stage FROM xubao_sweep;
DROP POLICY sweep ON renewals_stage;
"""

# A retry made a stage that was to be verified "not begun", a click found absent left it "to be verified",
# and what was cancelled went on to need a person. As the owner, under FORCE, no row would be seen.
MEND = """
ALTER TABLE renewals_renewal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_stage NO FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_intent NO FORCE ROW LEVEL SECURITY;
WITH at_rest AS (
    SELECT stage.id, CASE WHEN EXISTS (
        SELECT FROM renewals_intent AS intent
        WHERE intent.agency_id = stage.agency_id AND intent.renewal_id = stage.renewal_id
            AND intent.state IN ('armed', 'fired', 'unknown')
            AND stage.name = CASE intent.click WHEN 'confirm' THEN 'confirmation' WHEN 'seal' THEN 'sealing'
                WHEN 'sign' THEN 'signing' WHEN 'authorize' THEN 'authorization' ELSE 'receipt' END
    ) THEN 'unknown' ELSE 'pending' END AS state
    FROM renewals_stage AS stage
    JOIN renewals_renewal AS renewal
        ON renewal.agency_id = stage.agency_id AND renewal.id = stage.renewal_id
    WHERE stage.state NOT IN ('done', 'skipped')
        AND (renewal.state NOT IN ('running', 'attention', 'refused')
            OR (stage.state = 'unknown' AND renewal.state IN ('attention', 'refused')))
)
UPDATE renewals_stage AS stage SET state = at_rest.state
FROM at_rest WHERE stage.id = at_rest.id AND stage.state <> at_rest.state;
ALTER TABLE renewals_renewal FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_stage FORCE ROW LEVEL SECURITY;
ALTER TABLE renewals_intent FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("renewals", "0017_the_pair_is_the_foreign_key")]

    operations = [
        migrations.RunSQL(SWEEP, NO_SWEEP),
        migrations.RunSQL(MEND, migrations.RunSQL.noop),
    ]
