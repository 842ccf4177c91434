"""The claim's function again, with two things mended.

A look that failed, or was held back, is not made before its moment, however long its card lies there: as
`renewals/domain/claiming.py` has it for the claim at leisure. And the keys of the run and its event are
checked before the entry in the audit trail: from that entry to the commit all other desks of the agency wait.
"""

from importlib import import_module

from django.db import migrations

# Takes nothing whenever a pause, a ramp or an unproven stage might have a say: then
# `renewals/domain/claiming.py` decides, at leisure. A plan is made once a connection instead of once
# a claim, and the audit trail, whose entries wait for each other, is held for as short as can be.
CLAIM = """
CREATE OR REPLACE FUNCTION renewals_claim(
    in_agency uuid, in_company uuid, in_desk uuid, in_worker text, in_profile text,
    in_lease interval, in_soon interval, in_ramp interval
) RETURNS SETOF renewals_run
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := statement_timestamp();
    claimed record;
BEGIN
    WITH due AS (
        SELECT renewal.id, renewal.state, renewal.batch_id, renewal.stage
        FROM renewals_renewal AS renewal
        WHERE renewal.agency_id = in_agency AND renewal.company_id = in_company
            AND renewal.state IN ('waiting', 'unknown', 'submitted')
            AND (renewal.look_at IS NULL OR renewal.look_at <= moment + CASE
                WHEN renewal.state = 'submitted' AND renewal.setbacks = 0 AND renewal.reason <> 'held_back'
                THEN in_soon ELSE interval '0' END)
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
        FROM taken RETURNING id
    )
    SELECT run.id AS run, taken.id AS renewal, taken.before, desk.name AS desk INTO claimed
    FROM run, taken, renewals_desk AS desk WHERE desk.agency_id = in_agency AND desk.id = in_desk;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO agency_auditentry (id, agency_id, number, actor_name, action, object_type, object_id,
        detail, previous, digest)
    VALUES (gen_random_uuid(), in_agency, 0, 'xubao', 'claimed', 'renewal', claimed.renewal,
        jsonb_build_object('before', claimed.before, 'after', 'running', 'desk', claimed.desk), '', '');
    RETURN QUERY SELECT * FROM renewals_run WHERE agency_id = in_agency AND id = claimed.run;
END $$;
"""
BEFORE = import_module("renewals.migrations.0005_claim_in_one_statement").CLAIM


class Migration(migrations.Migration):
    dependencies = [("renewals", "0015_what_stopped_by_an_index")]

    operations = [migrations.RunSQL(CLAIM, BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))]
