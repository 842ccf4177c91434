"""Row-level security for people and the audit trail; the trail is chained and append-only."""

from django.db import migrations

from agency.isolation import AGENCY, USER, Isolate

# A person finds his own agencies at sign-in, before any scope is open.
OWN_MEMBERSHIPS = f"""
CREATE POLICY own_memberships ON agency_membership FOR SELECT USING (user_id = {USER});
"""

# ruff: noqa: S608  # the conditions are constants of this project
# `agency_agency` has no agency_id: it is the agency. Only the installation's operator, who
# works as the owner, makes one.
AGENCIES = f"""
ALTER TABLE agency_agency ENABLE ROW LEVEL SECURITY;
ALTER TABLE agency_agency FORCE ROW LEVEL SECURITY;
CREATE POLICY own_agency ON agency_agency
    USING (id = {AGENCY} OR id IN (SELECT agency_id FROM agency_membership WHERE user_id = {USER}))
    WITH CHECK (id = {AGENCY});
CREATE POLICY operator ON agency_agency TO CURRENT_USER USING (true) WITH CHECK (true);
REVOKE INSERT, DELETE ON agency_agency FROM xubao_app;
"""

# The lock makes the entries of one agency wait for each other, so that the chain has no forks.
CHAIN = """
CREATE FUNCTION agency_auditentry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.agency_id::text, 0));
    SELECT number, digest INTO last FROM agency_auditentry
        WHERE agency_id = NEW.agency_id ORDER BY number DESC LIMIT 1;
    NEW.number := COALESCE(last.number, 0) + 1;
    NEW.previous := COALESCE(last.digest, '');
    NEW.digest := encode(sha256(convert_to(concat_ws(E'\\x1f',
        NEW.previous, NEW.number, NEW.agency_id, extract(epoch FROM NEW.at), NEW.actor_id, NEW.actor_name,
        NEW.address, NEW.action, NEW.object_type, NEW.object_id, NEW.detail), 'UTF8')), 'hex');
    RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON agency_auditentry
    FOR EACH ROW EXECUTE FUNCTION agency_auditentry_chain();

CREATE FUNCTION agency_auditentry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is written once';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON agency_auditentry
    FOR EACH ROW EXECUTE FUNCTION agency_auditentry_refuse();
REVOKE UPDATE, DELETE ON agency_auditentry FROM xubao_app;
"""
UNCHAIN = """
DROP TRIGGER append_only ON agency_auditentry;
DROP TRIGGER chain ON agency_auditentry;
DROP FUNCTION agency_auditentry_refuse();
DROP FUNCTION agency_auditentry_chain();
"""


class Migration(migrations.Migration):
    dependencies = [("agency", "0002_memberships_and_audit"), ("companies", "0002_isolation")]

    operations = [
        Isolate(
            "agency_membership",
            clients="company_id = {company}",
            references={"company_id": "companies_company"},
        ),
        migrations.RunSQL(OWN_MEMBERSHIPS, "DROP POLICY own_memberships ON agency_membership"),
        migrations.RunSQL(
            AGENCIES,
            "DROP POLICY operator ON agency_agency; DROP POLICY own_agency ON agency_agency;"
            "ALTER TABLE agency_agency DISABLE ROW LEVEL SECURITY",
        ),
        # A client's own acts are written down too; he reads none of it (there is no page for him).
        Isolate("agency_auditentry", clients="true"),
        migrations.RunSQL(CHAIN, UNCHAIN),
    ]
