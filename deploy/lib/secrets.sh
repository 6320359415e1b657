# shellcheck shell=bash
# Secrets: made once, kept in .state/<project>/keys for whoever runs up (0600), and copied to
# .state/<project>/mounted/<service>/ for the one service that reads them. The copies are made inside a
# container, because only the engine can give a file to a service's user: it works for an operator who
# is not root, and for an engine that maps users.

KEYS="$RP9_STATE/keys"
SECRETS="$RP9_STATE/mounted"

# Ids as in compose.yml (`user:`).
declare -A READER=([postgres]=999 [redis]=999 [objects]=1000 [nats]=0 [traefik]=65532 [traefik-dns]=65532 [prometheus]=65534 [alertmanager]=65534 [grafana]=472 [grafana-dashboards]=472 [edge-relay]=10001 [gateway]=10001 [provisioner]=10002 [metrics-collector]=10003 [backup]=10004)

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
random_base64() { head -c "$1" /dev/urandom | base64 -w0; }

# A certificate for nobody, with its key, for so many days.
self_signed() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nobody -days "$1" -keyout - -out - 2>/dev/null
}

# once NAME GENERATOR BYTES: written beside and renamed, so that a key is whole or absent.
once() {
  local file="$KEYS/$1"
  [ -s "$file" ] && return 0
  "$2" "$3" >"$file.part"
  mv "$file.part" "$file"
}

key() { cat "$KEYS/$1"; }
optional_key() { [ ! -f "$KEYS/$1" ] || key "$1"; }

ensure_secrets() {
  umask 077
  mkdir -p "$DEPLOY/.state" "$RP9_STATE"
  [ -d "$KEYS" ] || refuse_foreign_volumes
  mkdir -p "$KEYS"
  local name
  for name in postgres_superuser postgres_rp9 postgres_tenants postgres_wal redis_rp9 redis_gateway nats_gateway nats_provisioner nats_metrics-collector nats_backup \
    objects_secret_access_key edge_token jwt_secret hmac_secret traefik_metrics grafana_admin; do
    once "$name" random_hex 32
  done
  once objects_access_key_id random_hex 10
  # What wraps every tenant's key: 32 bytes, in base64.
  once master_key random_base64 32
  ensure_commands openssl
  once edge_default self_signed 3650
  umask 022
}

# Data made under other passwords cannot be opened with new ones: better said now than by a service.
refuse_foreign_volumes() {
  ! docker volume inspect "${RP9_PROJECT}_postgres" >/dev/null 2>&1 ||
    die "the volumes of project $RP9_PROJECT exist but their keys in $KEYS do not; bring those back, or run deploy/down"
}

# fill TEMPLATE PLACEHOLDER KEY…: the template with each @PLACEHOLDER@ replaced, in the shell itself:
# sed would show the secret in the process list.
fill() {
  local text
  text="$(cat "$1")"
  shift
  while [ "$#" -gt 0 ]; do
    text="${text//@$1@/$(key "$2")}"
    shift 2
  done
  printf '%s\n' "$text"
}

# told TEMPLATE SETTING…: the same with settings, which are no secrets.
told() {
  local text setting
  text="$(cat "$1")"
  shift
  # In quotes, or an ampersand would stand for what is replaced.
  for setting in "$@"; do text="${text//@$setting@/"${!setting}"}"; done
  printf '%s\n' "$text"
}

# Traefik's settings: with those who give certificates, if anybody is to.
traefik_settings() {
  local conf="$DEPLOY/conf/traefik" settings=(ACME_EMAIL ACME_DIRECTORY ACME_DNS_PROVIDER ACME_DNS_RESOLVERS)
  fill "$conf/traefik.yml.in" EDGE_TOKEN edge_token
  [ "$EDGE_TLS" = on ] && [ -n "$ACME_EMAIL" ] || return 0
  told "$conf/acme.yml.in" "${settings[@]}"
  [ -z "$ACME_DNS_PROVIDER" ] || told "$conf/acme-wildcard.yml.in" "${settings[@]}"
}

# What the DNS's provider asks for: a file of keys/dns for each variable, under its name. Traefik is told where they are.
dns_settings() {
  local file name
  for file in "$KEYS"/dns/*; do
    [ -f "$file" ] || continue
    name="${file##*/}"
    [[ "$name" =~ ^[A-Z][A-Z0-9_]*$ ]] || die "$file: not the name of a variable"
    put traefik-dns "$name" <"$file"
    printf '%s_FILE=/run/dns/%s\n' "$name" "$name"
  done
}

# Whom Traefik tells its metrics. The hash is for a key of 32 random bytes, which nobody finds by trying.
metrics_users() {
  printf 'prometheus:{SHA}'
  key traefik_metrics | openssl dgst -sha1 -binary | base64
}

# What watches: the password for Traefik's metrics, also for who counts calls by them, and how people are told.
monitoring_secrets() {
  metrics_users | put traefik metrics_users
  key traefik_metrics | put prometheus traefik_metrics
  key traefik_metrics | put metrics-collector traefik_metrics
  alertmanager_settings | put alertmanager alertmanager.yml
  alert_secret "$ALERT_SLACK_WEBHOOK_FILE" | put alertmanager slack_webhook
  alert_secret "$ALERT_EMAIL_PASSWORD_FILE" | put alertmanager email_password
}

# Grafana's: dashboards with their links to where the runbooks are.
dashboards() {
  local file
  key grafana_admin | put grafana admin
  for file in "$ROOT"/dashboards/*.json; do told "$file" ALERT_RUNBOOKS_URL | put grafana-dashboards "${file##*/}"; done
}

# put SERVICE NAME: standard input becomes that service's secret, in the draft of the folder.
put() {
  mkdir -p "$draft/$1"
  cat >"$draft/$1/$2"
}

draft_secrets() {
  local service name
  key postgres_superuser | put postgres superuser
  key postgres_rp9 | put postgres rp9
  key postgres_tenants | put postgres tenants
  key postgres_wal | put postgres wal
  key redis_rp9 | put redis rp9
  key redis_gateway | put redis gateway
  fill "$DEPLOY/conf/nats/nats.conf.in" NATS_GATEWAY nats_gateway NATS_PROVISIONER nats_provisioner \
    NATS_METRICS_COLLECTOR nats_metrics-collector NATS_BACKUP nats_backup | put nats nats.conf
  objects_identities | put objects s3.json
  traefik_settings | put traefik traefik.yml
  # The operator's own certificate, if there is one, goes before the one for nobody.
  if [ -s "$KEYS/edge_certificate" ]; then name=edge_certificate; else name=edge_default; fi
  key "$name" | put traefik default.pem
  dns_settings >"$RP9_STATE/dns.env"
  monitoring_secrets
  dashboards
  key edge_token | put edge-relay edge_token
  for service in gateway provisioner metrics-collector backup; do
    printf 'postgres://rp9:%s@postgres:5432/rp9' "$(key postgres_rp9)" | put "$service" database_url
    key "nats_$service" | put "$service" nats_password
  done
  for name in edge_token jwt_secret hmac_secret; do key "$name" | put gateway "$name"; done
  for name in hmac_secret_previous jwt_keys; do optional_key "$name" | put gateway "$name"; done
  for name in master_keys_old tenant_smtp_password "${SHARED_N8N_KEYS[@]}"; do optional_key "$name" | put provisioner "$name"; done
  optional_key master_keys_old | put backup master_keys_old
  printf 'postgres://rp9_wal:%s@postgres:5432/postgres' "$(key postgres_wal)" | put backup record_replication_url
  for service in provisioner backup; do key master_key | put "$service" master_key; done
  [ "$BACKUPS" = off ] || for name in s3_access_key_id s3_secret_access_key; do store_key "$name" | put backup "$name"; done
  for service in provisioner metrics-collector backup; do
    printf 'postgres://rp9_tenants:%s@postgres:5432/postgres' "$(key postgres_tenants)" | put "$service" tenant_database_admin_url
  done
  for service in provisioner metrics-collector; do
    printf 'redis://rp9:%s@redis:6379' "$(key redis_rp9)" | put "$service" tenant_redis_admin_url
  done
  printf 'redis://gateway:%s@redis:6379' "$(key redis_gateway)" | put gateway redis_url
}

# Runs in the container: /draft to /mounted, owner by folder. A file that is right already stays the
# same file, because a running service sees the file it was started with.
# shellcheck disable=SC2016 # expanded in there
DELIVER='
set -eu
for reader in "$@"; do
  service="${reader%%=*}"
  for file in /draft/"$service"/*; do
    [ -e "$file" ] || continue
    target="/mounted/$service/${file##*/}"
    cmp -s "$file" "$target" || install -m 0400 -o "${reader#*=}" -g "${reader#*=}" "$file" "$target"
  done
done'

# What an n8n that somebody else runs is worked in with.
SHARED_N8N_KEYS=(shared_n8n_api_key shared_n8n_database_url shared_n8n_encryption_key shared_n8n_jwt_secret)

# An empty file is no secret: only one that is there is named to the service.
announce_optional() {
  [ ! -s "$KEYS/$1" ] || export "$2=/run/secrets/$1"
}

# deliver READER…: what the draft has for each becomes theirs, and the draft goes.
deliver() {
  docker run --rm --network none --user 0:0 --entrypoint sh \
    -v "$draft:/draft:ro" -v "$SECRETS:/mounted" debian:bookworm-slim -c "$DELIVER" sh "$@"
  rm -rf "$draft"
}

# Only who enters the store, before there are any other keys.
deliver_store_keys() {
  local draft name
  draft="$(mktemp -d "$RP9_STATE/draft.XXXXXX")"
  for name in s3_access_key_id s3_secret_access_key; do store_key "$name" | put backup "$name"; done
  mkdir -p "$SECRETS/backup"
  deliver "backup=${READER[backup]}"
}

deliver_secrets() {
  local draft service name readers=()
  rm -rf "$RP9_STATE"/draft.* # of a run that was killed
  draft="$(mktemp -d "$RP9_STATE/draft.XXXXXX")"
  draft_secrets
  for service in "${!READER[@]}"; do
    mkdir -p "$SECRETS/$service"
    readers+=("$service=${READER[$service]}")
  done
  deliver "${readers[@]}"
  announce_optional hmac_secret_previous RP9_HMAC_SECRET_PREVIOUS_FILE
  announce_optional jwt_keys RP9_JWT_KEYS_FILE
  announce_optional master_keys_old RP9_MASTER_KEYS_OLD_FILE
  announce_optional tenant_smtp_password RP9_TENANT_SMTP_PASSWORD_FILE
  RP9_RECORD_REPLICATION_URL_FILE=/run/secrets/record_replication_url
  [ "$RECORD_WAL" = on ] || RP9_RECORD_REPLICATION_URL_FILE=""
  export RP9_RECORD_REPLICATION_URL_FILE
  for name in "${SHARED_N8N_KEYS[@]}"; do announce_optional "$name" "RP9_${name^^}_FILE"; done
  [ ! -s "$KEYS/recovery_recipient" ] || RP9_RECOVERY_RECIPIENT="$(key recovery_recipient)"
  export RP9_RECOVERY_RECIPIENT="${RP9_RECOVERY_RECIPIENT:-}"
  announce_settings
}

# settings_of FOLDER… [EXPRESSION…]: a hash over the files that find finds, and over standard input.
settings_of() {
  { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat && cat; } | sha256sum | cut -c1-16
}

# Services are replaced when these change: those that watch by their own, so that an alert that is worded anew stops nobody's work.
announce_settings() {
  local watched=(-path "$DEPLOY/conf/prometheus/*" -o -path "$DEPLOY/conf/alertmanager/*" -o -name 'alert_*') folder shown=()
  for folder in alloy grafana jaeger loki; do shown+=("$DEPLOY/conf/$folder") && watched+=(-o -path "$DEPLOY/conf/$folder/*"); done
  watched+=(-o -name grafana_admin)
  RP9_SETTINGS="$({ traefik_settings && objects_identities; } | settings_of "$DEPLOY/conf" "$KEYS" ! \( "${watched[@]}" \))"
  RP9_MONITORING_SETTINGS="$({
    alertmanager_settings
    alert_secret "$ALERT_SLACK_WEBHOOK_FILE"
    alert_secret "$ALERT_EMAIL_PASSWORD_FILE"
  } | settings_of "$DEPLOY/conf/prometheus" "$KEYS/traefik_metrics")"
  RP9_OBSERVABILITY_SETTINGS="$(settings_of "${shown[@]}" "$KEYS/grafana_admin" </dev/null)"
  export RP9_SETTINGS RP9_MONITORING_SETTINGS RP9_OBSERVABILITY_SETTINGS
}
