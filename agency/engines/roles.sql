-- The three roles of a Xubao database, and what each gets of what the owner makes.
--
-- Run by a superuser inside the database; may be run again at any time. No psql commands: it is
-- run over the wire for the embedded engines, and by psql in the compose file's database image.
-- It sets no passwords: locally nobody but the user reaches the socket; elsewhere the installer does.

DO $$
BEGIN
    -- Migrations: owns the database and what is in it; may make databases, for tests.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xubao_owner') THEN
        CREATE ROLE xubao_owner;
    END IF;
    -- The web and the workers: read and write rows, as row-level security lets them.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xubao_app') THEN
        CREATE ROLE xubao_app;
    END IF;
    -- The sweep: the few reads across agencies that migrations grant it, one by one.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xubao_sweep') THEN
        CREATE ROLE xubao_sweep;
    END IF;
END
$$;

ALTER ROLE xubao_owner LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;
ALTER ROLE xubao_app LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;
ALTER ROLE xubao_sweep LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;

-- A transaction that is held open while a browser works would block everybody; it ends itself.
ALTER ROLE xubao_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE xubao_sweep SET idle_in_transaction_session_timeout = '30s';

-- template1 is prepared like our database, so that a test's has the same privileges; it is not ours.
DO $$
BEGIN
    IF NOT (SELECT datistemplate FROM pg_database WHERE datname = current_database()) THEN
        EXECUTE format('ALTER DATABASE %I OWNER TO xubao_owner', current_database());
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO xubao_app, xubao_sweep', current_database());
    END IF;
END
$$;

ALTER SCHEMA public OWNER TO xubao_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO xubao_app, xubao_sweep;

ALTER DEFAULT PRIVILEGES FOR ROLE xubao_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO xubao_app;
ALTER DEFAULT PRIVILEGES FOR ROLE xubao_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO xubao_app;
-- Functions are open to PUBLIC unless this says otherwise; it cannot be said for one schema only.
ALTER DEFAULT PRIVILEGES FOR ROLE xubao_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
