"""The web lets an operator begin and end the installation's standstill; Postgres asks who it is."""

from django.db import migrations

STANDSTILL = """
CREATE FUNCTION operator_stands_still(in_why text, in_by text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM operator_or_refuse();
    INSERT INTO renewals_standstill (why, begun_by, ended_by) VALUES (in_why, in_by, '')
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

CREATE FUNCTION operator_goes_on(in_by text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM operator_or_refuse();
    UPDATE renewals_standstill SET ended_at = statement_timestamp(), ended_by = in_by
        WHERE ended_at IS NULL;
    RETURN FOUND;
END $$;

REVOKE EXECUTE ON FUNCTION operator_stands_still(text, text), operator_goes_on(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operator_stands_still(text, text), operator_goes_on(text) TO xubao_app;
"""
NO_STANDSTILL = """
DROP FUNCTION operator_goes_on(text);
DROP FUNCTION operator_stands_still(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("renewals", "0006_pins_that_were_not_typed"),
        ("agency", "0005_trail_with_a_head_and_operators"),
    ]

    operations = [migrations.RunSQL(STANDSTILL, NO_STANDSTILL)]
