#!/usr/bin/env bash
# The part of the official image's entrypoint that this platform uses: a first start makes the
# cluster, the superuser, the database, and runs /docker-entrypoint-initdb.d.
# One thing is better than there: a first start that was interrupted is begun again.
set -euo pipefail

# NAME or NAME_FILE, not both.
from_file() {
  local name="$1" file="$1_FILE"
  if [ -n "${!file:-}" ]; then
    [ -z "${!name:-}" ] || { echo "both $name and $file are set" >&2 && exit 1; }
    export "$name=$(cat "${!file}")"
    unset "$file"
  fi
}

become_postgres() {
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
}

make_cluster() {
  [ -n "${POSTGRES_PASSWORD:-}" ] || { echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is needed" >&2 && exit 1; }
  # shellcheck disable=SC2086 # options, to be split
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  # This psql was compiled to look in /tmp, others look where Debian has it.
  printf "\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql,/tmp'\n" >>"$PGDATA/postgresql.conf"
}

run_sql() { psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" "$@"; }

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh)
        echo "running $file"
        if [ -x "$file" ]; then "$file"; else bash "$file"; fi
        ;;
      *.sql)
        echo "running $file"
        run_sql --dbname "$POSTGRES_DB" -f "$file"
        ;;
    esac
  done
}

first_start() {
  local unfinished="$PGDATA/.first-start-unfinished"
  find "$PGDATA" -mindepth 1 -delete
  make_cluster
  : >"$unfinished"
  # No TCP until everything is there: whoever waits for the port waits for the whole of it.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    run_sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  run_init_files
  pg_ctl -D "$PGDATA" -m fast -w stop
  rm "$unfinished"
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "${1:-}" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then become_postgres "$@"; fi
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" 2>/dev/null || true
  if [ ! -s "$PGDATA/PG_VERSION" ] || [ -e "$PGDATA/.first-start-unfinished" ]; then
    from_file POSTGRES_PASSWORD
    export POSTGRES_USER="${POSTGRES_USER:-postgres}"
    export POSTGRES_DB="${POSTGRES_DB:-$POSTGRES_USER}"
    first_start
    unset POSTGRES_PASSWORD
  fi
fi
exec "$@"
