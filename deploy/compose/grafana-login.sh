#!/bin/sh
# The login with which Grafana reads the history: the views that analysts may read, and nothing else (deploy/history.md).
# PostgreSQL's image runs it once, when its data folder is new; the tables come later, with `cem archive`.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$GRAFANA_READS_PASSWORD" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-password --quiet <<'SQL'
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cem_analyst') THEN CREATE ROLE cem_analyst NOLOGIN; END IF;
END $$;
CREATE ROLE grafana LOGIN PASSWORD :'password' IN ROLE cem_analyst;
SQL
