"""The trail's head is found by the index: what a transaction of many entries costs grows with them alone."""

from django.db import migrations

# Whether a later entry exists was asked as `number > …`. Postgres takes a third of the table for later ones
# and reads it from its beginning; they stand at its end, so that each entry read all that were before it.
CROWN = """
CREATE OR REPLACE FUNCTION agency_auditentry_crown() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before text := current_setting('app.agency', true);
BEGIN
    -- The transaction may have gone on to another agency since.
    PERFORM set_config('app.agency', NEW.agency_id::text, true);
    IF NEW.number = (SELECT number FROM agency_auditentry
                     WHERE agency_id = NEW.agency_id ORDER BY number DESC LIMIT 1) THEN
        INSERT INTO agency_audithead AS head (id, agency_id, number, digest)
            VALUES (gen_random_uuid(), NEW.agency_id, NEW.number, NEW.digest)
            ON CONFLICT (agency_id) DO UPDATE SET number = EXCLUDED.number, digest = EXCLUDED.digest
            WHERE head.number < EXCLUDED.number;
    END IF;
    PERFORM set_config('app.agency', COALESCE(before, ''), true);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("agency", "0007_no_pause_of_its_own")]

    # The function before this one says the same of every entry, and more slowly: nothing to take back.
    operations = [migrations.RunSQL(CROWN, migrations.RunSQL.noop)]
