-- Who may read what. Analysts read the views of the schema `history` and nothing else; head office reads the same views
-- and sees in them what is confidential, too. Grant one of the two to a login of your own:
--   CREATE ROLE grafana LOGIN PASSWORD '…'; GRANT cem_analyst TO grafana;
-- Roles belong to the server and not to a database, so they may be there already.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cem_analyst', 'cem_head_office'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was set up in the same moment
            END;
        END IF;
        BEGIN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);  -- so that `cem export` can take the role
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;  -- an administrator made the role, and says who has it
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA history TO %I', name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA history TO %I', name);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA history TO %I', name);
    END LOOP;
END $$;

-- Views of a month sort and count millions of rows: in memory, and without the time that a compiler takes.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET work_mem = ''64MB''', current_database());
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
END $$;

REVOKE ALL ON SCHEMA cem FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cem FROM PUBLIC;
