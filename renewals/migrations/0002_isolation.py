"""Row-level security for renewals, and the few reads across agencies that the sweep is allowed."""

from django.db import migrations

from agency.isolation import Isolate

RENEWAL = {"renewal_id": "renewals_renewal"}
# The sub-select is itself under row-level security: a client reaches his own company's renewals only.
OF_HIS_RENEWAL = "renewal_id IN (SELECT id FROM renewals_renewal)"

# The sweep finds what is due in any agency, and then works inside that agency as the app role.
# It sees ids, states and times; no names, no contacts, no cards.
SWEEP = """
CREATE POLICY sweep ON renewals_renewal AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
CREATE POLICY sweep ON renewals_desk AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
GRANT SELECT (id, agency_id, state, lease_until, look_at, epoch, state_since)
    ON renewals_renewal TO xubao_sweep;
GRANT SELECT (id, agency_id, code, control, card_number, seen_at, sitting, sitting_until, paused_at)
    ON renewals_desk TO xubao_sweep;
"""
NO_SWEEP = """
REVOKE SELECT ON renewals_renewal, renewals_desk FROM xubao_sweep;
DROP POLICY sweep ON renewals_renewal;
DROP POLICY sweep ON renewals_desk;
"""


class Migration(migrations.Migration):
    dependencies = [("renewals", "0001_renewals"), ("companies", "0002_isolation")]

    operations = [
        Isolate("renewals_desk"),
        Isolate("renewals_batch"),
        Isolate(
            "renewals_renewal",
            clients="company_id = {company}",
            references={
                "company_id": "companies_company",
                "batch_id": "renewals_batch",
                "desk_id": "renewals_desk",
            },
        ),
        Isolate("renewals_stage", clients=OF_HIS_RENEWAL, references=RENEWAL),
        Isolate("renewals_run", references=RENEWAL | {"desk_id": "renewals_desk"}),
        Isolate("renewals_intent", references=RENEWAL),
        Isolate("renewals_event", references=RENEWAL | {"run_id": "renewals_run"}),
        Isolate("renewals_evidence", references=RENEWAL | {"run_id": "renewals_run"}),
        Isolate(
            "renewals_policy",
            clients="company_id = {company}",
            references=RENEWAL | {"company_id": "companies_company"},
        ),
        Isolate(
            "renewals_pingrant",
            references={"card_id": "companies_card", "desk_id": "renewals_desk", "run_id": "renewals_run"},
        ),
        migrations.RunSQL(SWEEP, NO_SWEEP),
    ]
