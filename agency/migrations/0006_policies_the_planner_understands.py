"""The same walls in words that the planner reads well, and the index that they need.

Measured at 1,000,000 renewals of 200 agencies: `app.company IS NULL OR company_id = …` made Postgres
expect 25 rows of 5,000 and read every agency once for each of them.
"""

from django.db import migrations

from agency.isolation import AGENCY, COMPANY, EVERYTHING, NOTHING, USER, hold_clients

OF_THE_COMPANY = "company_id = {company}"
OF_HIS_RENEWAL = "renewal_id IN (SELECT id FROM renewals_renewal)"
# As in the migrations that made these policies.
CLIENTS = {
    "agency_auditentry": EVERYTHING,
    "agency_audithead": EVERYTHING,
    "agency_invitation": NOTHING,
    "agency_membership": OF_THE_COMPANY,
    "companies_card": NOTHING,
    "companies_company": "id = {company}",
    "companies_consent": OF_THE_COMPANY,
    "companies_contact": OF_THE_COMPANY,
    "renewals_batch": NOTHING,
    "renewals_desk": NOTHING,
    "renewals_event": NOTHING,
    "renewals_evidence": NOTHING,
    "renewals_intent": NOTHING,
    "renewals_matter": NOTHING,
    "renewals_pause": NOTHING,
    "renewals_pingrant": NOTHING,
    "renewals_policy": OF_THE_COMPANY,
    "renewals_renewal": OF_THE_COMPANY,
    "renewals_run": NOTHING,
    "renewals_stage": OF_HIS_RENEWAL,
}


# ruff: noqa: S608  # the conditions are constants of this project
def restate(own: dict[str, str]) -> str:
    return "".join(
        f"ALTER POLICY own_company ON {table} USING ({condition}) WITH CHECK ({condition});\n"
        for table, condition in own.items()
    )


NOW = restate({table: hold_clients(condition) for table, condition in CLIENTS.items()})
BEFORE = restate(
    {table: f"{COMPANY} IS NULL OR ({one.format(company=COMPANY)})" for table, one in CLIENTS.items()}
)
# A person's agencies are looked up once a statement, not once a row.
OWN_AGENCY = f"""
ALTER POLICY own_agency ON agency_agency USING (
    id = {AGENCY} OR id = ANY (ARRAY(SELECT agency_id FROM agency_membership WHERE user_id = {USER})));
"""
OWN_AGENCY_BEFORE = f"""
ALTER POLICY own_agency ON agency_agency USING (
    id = {AGENCY} OR id IN (SELECT agency_id FROM agency_membership WHERE user_id = {USER}));
"""
# The second policy reads company_id: with it in the index, which years there are is told by the index alone.
YEARS = "CREATE INDEX renewals_years ON renewals_renewal (agency_id, year) INCLUDE (company_id);"


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0005_trail_with_a_head_and_operators"),
        ("companies", "0003_companies_may_be_erased"),
        ("renewals", "0004_isolate_pauses_and_matters"),
    ]

    operations = [
        migrations.RunSQL(NOW, BEFORE),
        migrations.RunSQL(OWN_AGENCY, OWN_AGENCY_BEFORE),
        migrations.RunSQL(YEARS, "DROP INDEX renewals_years;"),
    ]
