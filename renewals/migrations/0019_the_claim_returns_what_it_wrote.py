"""The claim's function again: it returns the run as it wrote it, and reads the desk once.

It read the run back by a plan that a connection makes once. Where that was made before there were runs, each
claim read all of them: a fifth of what a claim cost Postgres, after two thousand.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("renewals.migrations.0016_the_claim_anew").CLAIM
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
        SET state = 'running', state_since = moment, changed_at = moment, desk_id = desk.id,
            epoch = renewal.epoch + 1, lease_until = moment + in_lease
        FROM free, renewals_desk AS desk
        WHERE renewal.agency_id = in_agency AND renewal.id = free.id
            AND desk.agency_id = in_agency AND desk.id = in_desk
        RETURNING renewal.id, renewal.epoch, free.state AS before, desk.name AS desk
    ), told AS (
        INSERT INTO renewals_event (id, agency_id, renewal_id, kind, detail, actor_name)
        SELECT gen_random_uuid(), in_agency, taken.id, 'claimed', jsonb_build_object('desk', taken.desk), ''
        FROM taken
    ), run AS (
        INSERT INTO renewals_run (id, agency_id, renewal_id, desk_id, epoch, worker, profile,
            profile_sha256, outcome, reason, stage, point, late_writes, doing)
        SELECT gen_random_uuid(), in_agency, taken.id, in_desk, taken.epoch, in_worker, in_profile,
            '', '', '', '', '', 0, '{}'
        FROM taken RETURNING *
    )
    SELECT run, taken.id, taken.before, taken.desk INTO claimed FROM run, taken;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO agency_auditentry (id, agency_id, number, actor_name, action, object_type, object_id,
        detail, previous, digest)
    VALUES (gen_random_uuid(), in_agency, 0, 'xubao', 'claimed', 'renewal', claimed.id,
        jsonb_build_object('before', claimed.before, 'after', 'running', 'desk', claimed.desk), '', '');
    RETURN NEXT claimed.run;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("renewals", "0018_the_sweep_compares_stages")]

    operations = [migrations.RunSQL(CLAIM, BEFORE)]
