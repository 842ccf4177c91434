"""A twin of an agency for its rehearsals: made by one function, marked for good, and counted by nobody."""

import django.db.models.deletion
from django.db import migrations, models

TWINS = """
-- The twin of the agency that asks, or NULL; made where it is missing and `make` says so.
CREATE FUNCTION rehearsal_twin(make boolean) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mine uuid := NULLIF(current_setting('app.agency', true), '')::uuid;
    twin uuid;
BEGIN
    IF make THEN
        INSERT INTO agency_agency (id, name, slug, phone, rehearsal_of_id)
            SELECT gen_random_uuid(), left(name, 114) || '（演练）', 'rehearsal-' || id, phone, id
            FROM agency_agency WHERE id = mine AND rehearsal_of_id IS NULL
            ON CONFLICT DO NOTHING;
    END IF;
    SELECT id INTO twin FROM agency_agency WHERE rehearsal_of_id = mine;
    RETURN twin;
END $$;
GRANT EXECUTE ON FUNCTION rehearsal_twin(boolean) TO xubao_app;

-- No twin becomes an agency, and no agency a twin.
CREATE FUNCTION agency_agency_keeps_its_mark() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE check_violation USING MESSAGE = 'what is a rehearsal is said once, when an agency is made';
END $$;
CREATE TRIGGER keeps_its_mark BEFORE UPDATE ON agency_agency
    FOR EACH ROW WHEN (OLD.rehearsal_of_id IS DISTINCT FROM NEW.rehearsal_of_id)
    EXECUTE FUNCTION agency_agency_keeps_its_mark();
"""
NO_TWINS = """
DROP TRIGGER keeps_its_mark ON agency_agency;
DROP FUNCTION agency_agency_keeps_its_mark();
DROP FUNCTION rehearsal_twin(boolean);
"""

# As in migration 0005, without the twins.
_SEES = """
CREATE OR REPLACE FUNCTION operator_sees_agencies()
    RETURNS TABLE (id uuid, name text, slug text, people bigint, companies bigint, last_act_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
    before text := current_setting('app.agency', true);
BEGIN
    PERFORM operator_or_refuse();
    FOR one IN SELECT a.id, a.name, a.slug FROM agency_agency a {which} ORDER BY a.slug LOOP
        PERFORM set_config('app.agency', one.id::text, true);
        RETURN QUERY SELECT one.id, one.name::text, one.slug::text,
            (SELECT count(*) FROM agency_membership m WHERE m.agency_id = one.id AND m.ended_at IS NULL),
            (SELECT count(*) FROM companies_company c WHERE c.agency_id = one.id),
            (SELECT max(e.at) FROM agency_auditentry e WHERE e.agency_id = one.id);
    END LOOP;
    PERFORM set_config('app.agency', COALESCE(before, ''), true);
END $$;
"""
SEES, SAW = _SEES.format(which="WHERE a.rehearsal_of_id IS NULL"), _SEES.format(which="")


class Migration(migrations.Migration):
    dependencies = [("agency", "0008_the_trails_head_by_its_index")]

    operations = [
        migrations.AddField(
            model_name="agency",
            name="rehearsal_of",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
        migrations.RunSQL(TWINS, NO_TWINS),
        migrations.RunSQL(SEES, SAW),
    ]
