#!/usr/bin/env bash
# replication.sh [SUBNET…]: lets the role that WAL and base backups are copied by in, from these networks and no others; without any, nobody, and what was
# kept for it goes. Run by up, as often as it likes: a cluster that was made by an earlier release has no such role yet, and networks change.
set -euo pipefail

run_sql() { PGOPTIONS=--client-min-messages=warning psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres "$@"; }

# It reads all there is by copying it, and is asked by nobody else: it owns nothing, and makes neither roles nor databases. By what the server says of
# those that copy from it, it knows how far they are.
run_sql <<'SQL'
\set wal_password `cat "$RP9_WAL_PASSWORD_FILE"`
SELECT 'CREATE ROLE rp9_wal' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rp9_wal') \gexec
ALTER ROLE rp9_wal LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT 8 PASSWORD :'wal_password';
GRANT CONNECT ON DATABASE postgres TO rp9_wal;
GRANT pg_read_all_stats TO rp9_wal;
SQL

access="$PGDATA/rp9_replication.conf"
for subnet in "$@"; do printf 'host replication rp9_wal %s scram-sha-256\n' "$subnet"; done >"$access.part"
mv "$access.part" "$access"
grep -qx 'include_if_exists rp9_replication.conf' "$PGDATA/pg_hba.conf" || printf '\ninclude_if_exists rp9_replication.conf\n' >>"$PGDATA/pg_hba.conf"
run_sql --output /dev/null -c 'SELECT pg_reload_conf()'
if [ "$#" -eq 0 ]; then
  run_sql --output /dev/null -c "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'rp9_record' AND NOT active"
fi
