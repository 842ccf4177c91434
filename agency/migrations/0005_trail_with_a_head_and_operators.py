"""Invitations behind the wall; the audit trail with a head; what operators may ask; the shared cache."""

from django.db import migrations

from agency.isolation import Isolate

# Whoever holds an invitation's token finds it before any scope is open, and no other.
OWN_INVITATION = """
CREATE POLICY by_token ON agency_invitation FOR SELECT
    USING (token_sha256 = (SELECT NULLIF(current_setting('app.invitation', true), '')));
"""

# the conditions are constants of this project
# The old digest joined words with a separator and skipped what was NULL, so that one entry could be
# rewritten as another with the same digest. This one says where each word begins and ends. What was
# written under the old rule must hold under it; then it is chained anew.
DIGEST = """
ALTER TABLE agency_auditentry DISABLE TRIGGER append_only;

CREATE FUNCTION agency_auditentry_digest(entry agency_auditentry) RETURNS text
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        entry.previous, entry.number, entry.agency_id, extract(epoch FROM entry.at), entry.actor_id,
        entry.actor_name, entry.address, entry.action, entry.object_type, entry.object_id, entry.detail
    )::text, 'UTF8')), 'hex')
$$;
GRANT EXECUTE ON FUNCTION agency_auditentry_digest(agency_auditentry) TO xubao_app;

DO $$
DECLARE
    whose record;
    entry agency_auditentry;
    before text;
    after text;
BEGIN
    FOR whose IN SELECT id FROM agency_agency LOOP
        PERFORM set_config('app.agency', whose.id::text, true);
        before := '';
        after := '';
        FOR entry IN SELECT * FROM agency_auditentry WHERE agency_id = whose.id ORDER BY number LOOP
            IF entry.previous <> before OR entry.digest <> encode(sha256(convert_to(concat_ws(E'\\x1f',
                entry.previous, entry.number, entry.agency_id, extract(epoch FROM entry.at), entry.actor_id,
                entry.actor_name, entry.address, entry.action, entry.object_type, entry.object_id,
                entry.detail), 'UTF8')), 'hex')
            THEN
                RAISE EXCEPTION 'the audit trail of agency % is broken at entry %', whose.id, entry.number;
            END IF;
            before := entry.digest;
            entry.previous := after;
            entry.digest := agency_auditentry_digest(entry);
            UPDATE agency_auditentry SET previous = entry.previous, digest = entry.digest
                WHERE id = entry.id;
            after := entry.digest;
        END LOOP;
        IF after <> '' THEN
            INSERT INTO agency_audithead (id, agency_id, number, digest)
                VALUES (gen_random_uuid(), whose.id, entry.number, after);
        END IF;
    END LOOP;
    PERFORM set_config('app.agency', '', true);
END $$;

SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE agency_auditentry ENABLE TRIGGER append_only;

CREATE OR REPLACE FUNCTION agency_auditentry_chain() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    last record;
BEGIN
    -- The entries of one agency wait for each other, so that the chain has no forks.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.agency_id::text, 0));
    SELECT number, digest INTO last FROM agency_auditentry
        WHERE agency_id = NEW.agency_id ORDER BY number DESC LIMIT 1;
    NEW.number := COALESCE(last.number, 0) + 1;
    NEW.previous := COALESCE(last.digest, '');
    NEW.digest := agency_auditentry_digest(NEW);
    RETURN NEW;
END $$;

-- Once a transaction, for its last entry: a head that moved with each entry would make long
-- transactions slow. As the tables' owner, because nobody else may write a head.
CREATE FUNCTION agency_auditentry_crown() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before text := current_setting('app.agency', true);
BEGIN
    -- The transaction may have gone on to another agency since.
    PERFORM set_config('app.agency', NEW.agency_id::text, true);
    IF NOT EXISTS (SELECT FROM agency_auditentry
                   WHERE agency_id = NEW.agency_id AND number > NEW.number) THEN
        INSERT INTO agency_audithead AS head (id, agency_id, number, digest)
            VALUES (gen_random_uuid(), NEW.agency_id, NEW.number, NEW.digest)
            ON CONFLICT (agency_id) DO UPDATE SET number = EXCLUDED.number, digest = EXCLUDED.digest
            WHERE head.number < EXCLUDED.number;
    END IF;
    PERFORM set_config('app.agency', COALESCE(before, ''), true);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER agency_auditentry_head AFTER INSERT ON agency_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION agency_auditentry_crown();
REVOKE INSERT, UPDATE, DELETE ON agency_audithead FROM xubao_app;
"""

# The web asks by these functions alone what lies across agencies: they look at who asks, count, and
# name nobody. Row-level security binds their owner too, so they go into one agency after the other.
OPERATORS = """
REVOKE INSERT, UPDATE, DELETE ON agency_operator FROM xubao_app;

CREATE FUNCTION operator_or_refuse() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM agency_operator
                   WHERE user_id = NULLIF(current_setting('app.user', true), '')::uuid) THEN
        RAISE insufficient_privilege USING MESSAGE = 'for operators only';
    END IF;
END $$;

CREATE FUNCTION operator_sees_agencies()
    RETURNS TABLE (id uuid, name text, slug text, people bigint, companies bigint, last_act_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
    before text := current_setting('app.agency', true);
BEGIN
    PERFORM operator_or_refuse();
    FOR one IN SELECT a.id, a.name, a.slug FROM agency_agency a ORDER BY a.slug LOOP
        PERFORM set_config('app.agency', one.id::text, true);
        RETURN QUERY SELECT one.id, one.name::text, one.slug::text,
            (SELECT count(*) FROM agency_membership m WHERE m.agency_id = one.id AND m.ended_at IS NULL),
            (SELECT count(*) FROM companies_company c WHERE c.agency_id = one.id),
            (SELECT max(e.at) FROM agency_auditentry e WHERE e.agency_id = one.id);
    END LOOP;
    PERFORM set_config('app.agency', COALESCE(before, ''), true);
END $$;

CREATE FUNCTION operator_makes_agency(new_id uuid, new_name text, new_slug text, new_phone text)
    RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM operator_or_refuse();
    INSERT INTO agency_agency (id, name, slug, phone) VALUES (new_id, new_name, new_slug, new_phone)
        ON CONFLICT (slug) DO NOTHING RETURNING id INTO made;
    RETURN made;
END $$;

-- For commands that go through every agency (verify_audit, rotate_keys): which there are, and no more.
CREATE FUNCTION every_agency() RETURNS TABLE (id uuid, slug text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.slug::text FROM agency_agency a ORDER BY a.slug
$$;

GRANT EXECUTE ON FUNCTION every_agency() TO xubao_app;
GRANT EXECUTE ON FUNCTION operator_sees_agencies(), operator_makes_agency(uuid, text, text, text)
    TO xubao_app;
"""
NO_OPERATORS = """
DROP FUNCTION every_agency();
DROP FUNCTION operator_makes_agency(uuid, text, text, text);
DROP FUNCTION operator_sees_agencies();
DROP FUNCTION operator_or_refuse();
"""

# As Django's database cache lays it out (`createcachetable`).
CACHE = """
CREATE TABLE agency_cache (
    cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
);
CREATE INDEX agency_cache_expires ON agency_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("agency", "0004_people_and_their_sign_in")]

    operations = [
        Isolate("agency_invitation", references={"company_id": "companies_company"}),
        migrations.RunSQL(OWN_INVITATION, "DROP POLICY by_token ON agency_invitation"),
        # A client's own acts move the head too; he reads nothing of it (there is no page for him).
        Isolate("agency_audithead", clients="true"),
        migrations.RunSQL(DIGEST),
        migrations.RunSQL(OPERATORS, NO_OPERATORS),
        migrations.RunSQL(CACHE, "DROP TABLE agency_cache"),
    ]
