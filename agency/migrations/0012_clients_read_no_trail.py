"""A client's scope writes entries of the trail and reads none.

The triggers read the entry before, whoever writes: they put the client's company aside for that. What
migration 0010 set for them is said again: replacing a function forgets it.
"""

from django.db import migrations

from agency.isolation import NO_CLIENT

# ruff: noqa: S608  # the conditions are constants of this project
TRAIL = f"""
ALTER POLICY own_company ON agency_auditentry USING ({NO_CLIENT}) WITH CHECK (true);
ALTER POLICY own_company ON agency_audithead USING ({NO_CLIENT}) WITH CHECK ({NO_CLIENT});

CREATE OR REPLACE FUNCTION agency_auditentry_chain() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    last record;
    company text := current_setting('app.company', true);
BEGIN
    -- The entries of one agency wait for each other, so that the chain has no forks.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.agency_id::text, 0));
    PERFORM set_config('app.company', '', true);
    SELECT number, digest INTO last FROM agency_auditentry
        WHERE agency_id = NEW.agency_id ORDER BY number DESC LIMIT 1;
    PERFORM set_config('app.company', COALESCE(company, ''), true);
    NEW.number := COALESCE(last.number, 0) + 1;
    NEW.previous := COALESCE(last.digest, '');
    NEW.digest := agency_auditentry_digest(NEW);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION agency_auditentry_crown() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    before text := current_setting('app.agency', true);
    company text := current_setting('app.company', true);
BEGIN
    -- The transaction may have gone on to another agency since.
    PERFORM set_config('app.agency', NEW.agency_id::text, true), set_config('app.company', '', true);
    IF NEW.number = (SELECT number FROM agency_auditentry
                     WHERE agency_id = NEW.agency_id ORDER BY number DESC LIMIT 1) THEN
        INSERT INTO agency_audithead AS head (id, agency_id, number, digest)
            VALUES (gen_random_uuid(), NEW.agency_id, NEW.number, NEW.digest)
            ON CONFLICT (agency_id) DO UPDATE SET number = EXCLUDED.number, digest = EXCLUDED.digest
            WHERE head.number < EXCLUDED.number;
    END IF;
    PERFORM set_config('app.agency', COALESCE(before, ''), true),
        set_config('app.company', COALESCE(company, ''), true);
    RETURN NULL;
END $$;
"""
# The functions say the same where clients read the trail, too: nothing of them to take back.
BEFORE = """
ALTER POLICY own_company ON agency_auditentry USING (true) WITH CHECK (true);
ALTER POLICY own_company ON agency_audithead USING (true) WITH CHECK (true);
"""


class Migration(migrations.Migration):
    dependencies = [("agency", "0011_invitations_are_due")]

    operations = [migrations.RunSQL(TRAIL, BEFORE)]
