#!/bin/sh
# Makes the database's three roles, with the privileges of agency/engines/roles.sql, and gives each its
# password. Run by the superuser at each start, so that a changed file or password takes effect.
set -eu

: "${SECRETS_DIR:=/run/secrets}"
: "${ROLES_SQL:=/roles.sql}"
PGPASSWORD=$(cat "$SECRETS_DIR/postgres_password")
export PGPASSWORD SECRETS_DIR

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file="$ROLES_SQL"
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\set owner `cat "$SECRETS_DIR/owner_password"`
\set app `cat "$SECRETS_DIR/app_password"`
\set sweep `cat "$SECRETS_DIR/sweep_password"`
ALTER ROLE xubao_owner PASSWORD :'owner';
ALTER ROLE xubao_app PASSWORD :'app';
ALTER ROLE xubao_sweep PASSWORD :'sweep';
SQL
