"""The operator sees that an agency's first admin was never reached."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("agency.migrations.0009_rehearsal_twins").SEES
_GRANT = "GRANT EXECUTE ON FUNCTION operator_sees_agencies() TO xubao_app;"
# What a function returns cannot be changed, only made anew.
_DROP = "DROP FUNCTION operator_sees_agencies();"

# As in migration 0009, and whether an invitation reached nobody, as long as nobody is in. A moment: no name,
# no address.
SEES = """
CREATE FUNCTION operator_sees_agencies()
    RETURNS TABLE (id uuid, name text, slug text, people bigint, companies bigint, last_act_at timestamptz,
        invitation_failed_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
    before text := current_setting('app.agency', true);
BEGIN
    PERFORM operator_or_refuse();
    FOR one IN SELECT a.id, a.name, a.slug FROM agency_agency a
        WHERE a.rehearsal_of_id IS NULL ORDER BY a.slug
    LOOP
        PERFORM set_config('app.agency', one.id::text, true);
        RETURN QUERY SELECT one.id, one.name::text, one.slug::text, inside.people,
            (SELECT count(*) FROM companies_company c WHERE c.agency_id = one.id),
            (SELECT max(e.at) FROM agency_auditentry e WHERE e.agency_id = one.id),
            (SELECT max(i.mail_failed_at) FROM agency_invitation i
             WHERE i.agency_id = one.id AND inside.people = 0 AND i.role = 'admin'
                AND i.accepted_at IS NULL AND i.revoked_at IS NULL)
        FROM (SELECT count(*) AS people FROM agency_membership m
              WHERE m.agency_id = one.id AND m.ended_at IS NULL) AS inside;
    END LOOP;
    PERFORM set_config('app.agency', COALESCE(before, ''), true);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("agency", "0014_mails_are_given_up")]

    operations = [migrations.RunSQL(_DROP + SEES + _GRANT, _DROP + BEFORE + _GRANT)]
