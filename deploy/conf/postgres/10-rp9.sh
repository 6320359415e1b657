#!/usr/bin/env bash
# Runs once, when the cluster is made: the control plane's role and database, the roles that row-level
# security is about, and the role that makes the tenants'. Passwords come from files; psql reads them itself, so no command line shows one.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set owner_password `cat "$RP9_PASSWORD_FILE"`
\set tenants_password `cat "$RP9_TENANTS_PASSWORD_FILE"`

CREATE ROLE rp9 LOGIN PASSWORD :'owner_password';
CREATE DATABASE rp9 OWNER rp9;

-- What its rows are shown to (docs/adr/0013-row-level-security.md). rp9 makes no roles; as an owner it may act.
CREATE ROLE anon NOLOGIN;
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE service_role NOLOGIN;
GRANT authenticated TO rp9;

CREATE ROLE rp9_tenants LOGIN CREATEDB CREATEROLE PASSWORD :'tenants_password';
-- Lets it give a database to a role it has just made, without being a superuser.
ALTER ROLE rp9_tenants SET createrole_self_grant = 'set, inherit';

-- Lets it bound the temporary files of tenants' sessions.
GRANT SET ON PARAMETER temp_file_limit TO rp9_tenants;

-- A tenant's role finds no database but its own.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1, rp9 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO rp9_tenants;
SQL
