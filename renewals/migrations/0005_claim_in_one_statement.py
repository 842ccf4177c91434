"""The claim where nothing stands in its way, as one function of the database: one plan, one round trip."""

from django.db import migrations

# Takes nothing whenever a pause, a ramp or an unproven stage might have a say: then
# `renewals/domain/claiming.py` decides, at leisure. A plan is made once a connection instead of once
# a claim, and the audit trail, whose entries wait for each other, is held for as short as can be.
CLAIM = """
CREATE FUNCTION renewals_claim(
    in_agency uuid, in_company uuid, in_desk uuid, in_worker text, in_profile text,
    in_lease interval, in_soon interval, in_ramp interval
) RETURNS SETOF renewals_run
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := statement_timestamp();
BEGIN
    RETURN QUERY
    WITH due AS (
        SELECT renewal.id, renewal.state, renewal.batch_id, renewal.stage
        FROM renewals_renewal AS renewal
        WHERE renewal.agency_id = in_agency AND renewal.company_id = in_company
            AND renewal.state IN ('waiting', 'unknown', 'submitted')
            AND (renewal.look_at IS NULL OR renewal.look_at
                <= moment + CASE renewal.state WHEN 'submitted' THEN in_soon ELSE interval '0' END)
        ORDER BY renewal.priority DESC, renewal.due_on, renewal.queued_at
        LIMIT 1 FOR UPDATE SKIP LOCKED
    ), free AS (
        SELECT due.id, due.state FROM due
        WHERE (
                due.batch_id IS NULL OR due.stage IN ('', 'receipt')
                OR due.stage = ANY (SELECT unnest(proven) FROM renewals_batch
                                    WHERE agency_id = in_agency AND id = due.batch_id)
            )
            AND NOT EXISTS (
                SELECT FROM renewals_pause AS pause
                WHERE pause.agency_id = in_agency AND pause.desk_id IS NULL
                    AND (pause.batch_id IS NULL OR pause.batch_id = due.batch_id)
                    AND pause.stage IN ('', due.stage)
                    AND (pause.ended_at IS NULL OR pause.ended_at > moment - in_ramp)
            )
            AND NOT EXISTS (
                SELECT FROM renewals_standstill AS still
                WHERE still.ended_at IS NULL OR still.ended_at > moment - in_ramp
            )
    ), taken AS (
        UPDATE renewals_renewal AS renewal
        SET state = 'running', state_since = moment, changed_at = moment, desk_id = in_desk,
            epoch = renewal.epoch + 1, lease_until = moment + in_lease
        FROM free WHERE renewal.agency_id = in_agency AND renewal.id = free.id
        RETURNING renewal.id, renewal.epoch, free.state AS before
    ), told AS (
        INSERT INTO renewals_event (id, agency_id, renewal_id, kind, detail, actor_name)
        SELECT gen_random_uuid(), in_agency, taken.id, 'claimed', jsonb_build_object('desk', desk.name), ''
        FROM taken, renewals_desk AS desk WHERE desk.agency_id = in_agency AND desk.id = in_desk
    ), run AS (
        INSERT INTO renewals_run (id, agency_id, renewal_id, desk_id, epoch, worker, profile,
            profile_sha256, outcome, reason, stage, point, late_writes, doing)
        SELECT gen_random_uuid(), in_agency, taken.id, in_desk, taken.epoch, in_worker, in_profile,
            '', '', '', '', '', 0, '{}'
        FROM taken RETURNING *
    ), recorded AS (
        INSERT INTO agency_auditentry (id, agency_id, number, actor_name, action, object_type, object_id,
            detail, previous, digest)
        SELECT gen_random_uuid(), in_agency, 0, 'xubao', 'claimed', 'renewal', taken.id,
            jsonb_build_object('before', taken.before, 'after', 'running', 'desk', desk.name), '', ''
        FROM taken, renewals_desk AS desk WHERE desk.agency_id = in_agency AND desk.id = in_desk
    )
    SELECT * FROM run;
END $$;
GRANT EXECUTE ON FUNCTION
    renewals_claim(uuid, uuid, uuid, text, text, interval, interval, interval) TO xubao_app;
"""
NO_CLAIM = "DROP FUNCTION renewals_claim(uuid, uuid, uuid, text, text, interval, interval, interval)"


class Migration(migrations.Migration):
    dependencies = [
        ("renewals", "0004_isolate_pauses_and_matters"),
        ("agency", "0005_trail_with_a_head_and_operators"),
    ]

    operations = [migrations.RunSQL(CLAIM, NO_CLAIM)]
